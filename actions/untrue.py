"""What no step may tell a customer: that was done which this system knows was not.

In: words somebody of the insurer wants told with a step. Out: nothing, or a refusal. The
insurer's people answer for the rest, and every sentence says that they have said it.
"""

from __future__ import annotations

import re
import unicodedata

from actions.errors import IllegalStep
from actions.policystore.model import ServiceRequest
from actions.words import words

MAX_CHARS = 4000  # of the words that are looked at
_NEAR = 16  # characters between what was deleted and that it all was
_SHORT = 8  # characters in which it is said that it has happened
_SENTENCE = re.compile(r"[。！？!?；;\n]")


def check_words(said: str) -> None:
    """Refuse words that say all personal data are deleted: this very case is one of them.

    Raises:
        IllegalStep: ``untrue_deleted``.
    """
    plain = unicodedata.normalize("NFKC", said[:MAX_CHARS])
    for sentence in _SENTENCE.split("".join(plain.split(" "))):
        if _says_all_deleted(sentence):
            raise IllegalStep("untrue_deleted")


def check_done(
    request: ServiceRequest, result: str | None, evidence: str | None
) -> None:
    """Refuse to call a deletion or an export done without how and where it was done.

    Raises:
        IllegalStep: ``needs_evidence``.
    """
    if needs_evidence(request) and not (
        result and result.strip() and evidence and evidence.strip()
    ):
        raise IllegalStep("needs_evidence")


def needs_evidence(request: ServiceRequest) -> bool:
    """Whether a request is one for deletion or export of personal data."""
    detail = str(request.detail.get("detail") or "")
    if request.kind == "privacy":
        # Reading them and unbinding an account are the only two that need no proof.
        choices = words()["privacy_choices"]
        return detail not in (choices["access"], choices["unbind"])
    return any(cue in detail for cue in words()["deletion"]["of"]) and any(
        cue in detail for cue in words()["deletion"]["done"]
    )


def _says_all_deleted(sentence: str) -> bool:
    """Whether a sentence has: deleted, of data, all of them, and is not a denial."""
    cues = words()["deletion"]
    if any(cue in sentence for cue in cues["not"]):
        return False
    for done in cues["done"]:
        at = sentence.find(done)
        if at < 0:
            continue
        before = sentence[max(0, at - _NEAR) : at]
        behind = sentence[at + len(done) : at + len(done) + _NEAR]
        around = before + done + behind
        if not any(cue in around for cue in cues["of"]):
            continue
        if not any(cue in around for cue in cues["all"]):
            continue
        happened = any(cue in before for cue in cues["before"])
        wished = any(cue in before for cue in cues["wish"])
        finished = any(cue in behind for cue in cues["finished"])
        if finished or done in cues["itself"] or (happened and not wished):
            return True
        if any(cue in behind[:_SHORT] for cue in cues["behind"]) and not wished:
            return True
    return False
