"""Every error the core raises; channels turn them into words for people.

::

    BaokeError
    ├── BadInput            what a customer or app sent cannot be taken (has a code)
    ├── Unauthorized        no token, a forged one, an expired one
    ├── Overloaded          too much at once; retry_after says when to come back
    ├── BrainError          no answer from Rasa
    │   ├── BrainUnreachable    nobody there, cut off or too slow: may be asked again
    │   └── BrainFailed         it ran and failed, or said nothing: do not repeat
    ├── IllegalMove         the desk may not go from this state to that one
    ├── StoreError          the ledger could not be read or written
    ├── StaleTurn           another worker has finished this turn already
    └── Retryable           a channel asks to send later; retry_after says when
"""

from datetime import timedelta

SILENT = "timeout"  # code of a BrainUnreachable: it heard the question, said nothing


class BaokeError(Exception):
    """Root of the tree."""


class BadInput(BaokeError):
    """Something sent from outside cannot be taken.

    Args:
        code: Stable machine code, which is also the name of the notice to show.
        status: HTTP status a REST channel answers with.
        seq: Sequence number under which the refused message was kept, if it was.
        values: What fills the notice in, beside the settings' values.
    """

    def __init__(
        self, code: str, status: int = 422, seq: int | None = None, **values: str
    ) -> None:
        super().__init__(code)
        self.values = values
        self.code = code
        self.status = status
        self.seq = seq


class Unauthorized(BaokeError):
    """The bearer secret is missing, forged or expired."""


class Overloaded(BaokeError):
    """The service or this visitor is at a limit.

    Args:
        code: ``rate_limited`` (this visitor or address) or ``overloaded`` (all).
        retry_after: When trying again makes sense.
    """

    def __init__(self, code: str, retry_after: timedelta) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class BrainError(BaokeError):
    """The brain gave no answer; ``code`` says why in one word."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class BrainUnreachable(BrainError):
    """Nobody answered, so the question may be asked again under its turn_id.

    Attributes:
        suspicious: The brain had heard the question: it was cut off or silent since.
            Once that is bad luck, again and again the question is the cause.
    """

    def __init__(self, code: str, detail: str = "", suspicious: bool = False) -> None:
        super().__init__(code, detail)
        self.suspicious = suspicious


class BrainFailed(BrainError):
    """The brain ran and failed or stayed silent."""


class IllegalMove(BaokeError):
    """The desk may not make this move from the state it found."""


class StoreError(BaokeError):
    """The ledger could not be read or written."""


class StaleTurn(BaokeError):
    """The turn is no longer running: somebody else finished it."""


class Retryable(BaokeError):
    """A channel could not send now and says when to try again."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"retry after {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after
