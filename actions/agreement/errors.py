"""Errors of the agreement room.

ActionsError
└── AgreementError          the operator's file or settings cannot be used
    └── NoClauseError       a readable text without a single 第X条
"""

from actions.errors import ActionsError


class AgreementError(ActionsError):
    """A file or setting the operator must correct; the message names it."""


class NoClauseError(AgreementError):
    """The text holds no article (第X条), so nothing could ever be quoted."""
