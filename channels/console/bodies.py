"""What the desk's API is sent, as shapes that OpenAPI shows and FastAPI checks."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from bot.errors import BadInput

MAX_TEXT_CHARS = 4000
MIN_REASON_CHARS = 2  # letters or digits
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters by name that show nothing
KEY = r"^[!-~]{1,100}$"  # makes a repeat a repeat


def is_storable(text: str) -> bool:
    """Whether a database can keep it: no NUL, no half of a character."""
    return not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


def _check_storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("a character that cannot be kept")
    return text


def _is_said(text: str) -> bool:
    """Tell words from what only looks like them: blanks, signs, fillers."""
    said = [c for c in text if unicodedata.category(c)[0] in "LN" and c not in _FILLERS]
    return len(said) >= MIN_REASON_CHARS


Storable = AfterValidator(_check_storable)
Text = Annotated[str, Storable]


def read_key(value: str | None) -> str:
    """Return a key that came beside a file.

    Raises:
        BadInput: There is none, or it is no key.
    """
    if value is None or not re.fullmatch(KEY, value):
        raise BadInput("bad_request")
    return value


class Login(BaseModel):
    """Who wants in."""

    name: Text = Field(max_length=50)
    password: Text = Field(max_length=200)


class Presence(BaseModel):
    """Whether an agent wants conversations; None: as before."""

    ready: bool | None = None


class Clause(BaseModel):
    """A clause to quote: the words come from the agreement, never from the page."""

    document: Text = Field(max_length=50)
    ref: Text = Field(max_length=50)


class Words(BaseModel):
    """What an agent writes; ``key`` makes a repeat a repeat."""

    clause: Clause | None = None

    text: Text = Field(min_length=1, max_length=MAX_TEXT_CHARS)
    key: str = Field(pattern=KEY)


class NoteWords(BaseModel):
    """What agents tell each other."""

    text: Text = Field(min_length=1, max_length=MAX_TEXT_CHARS)


class Step(BaseModel):
    """A step of a conversation; ``key`` makes a repeat a repeat."""

    key: str = Field(pattern=KEY)


class Closing(Step):
    """How a conversation ended."""

    summary: Text = Field("", max_length=1000)
    category: Text = Field("", max_length=50)


class Taking(Step):
    """What a leader takes over, as they saw it; somebody may have been faster."""

    found: Literal["bot", "queued", "agent"]
    held_by: Text | None = Field(None, max_length=100)


class Reveal(BaseModel):
    """Why somebody wants to see what is masked; kept in the desk's log."""

    reason: Text = Field("", max_length=200)

    def check(self) -> None:
        """Check that the reason says something: blanks and invisible signs do not.

        Raises:
            BadInput: It does not.
        """
        if not _is_said(self.reason):
            raise BadInput("reveal_reason")


class Transfer(Step):
    """To whom a conversation goes: one agent, or whoever has a skill."""

    to: Text | None = Field(None, max_length=50)
    skill: Text | None = Field(None, max_length=50)
    memo: Text = Field("", max_length=1000)


Told = Annotated[Text, Field(max_length=MAX_TEXT_CHARS)]


class CaseStep(BaseModel):
    """A step in a case and what is told with it, see actions/handling.py."""

    step: Text = Field(max_length=40)
    told: dict[
        Annotated[Text, Field(max_length=40)],
        Told | Annotated[list[Told], Field(max_length=100)],
    ] = Field(default_factory=dict, max_length=10)
