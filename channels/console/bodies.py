"""What the desk's API is sent, as shapes that OpenAPI shows and FastAPI checks."""

from pydantic import BaseModel, Field

MAX_TEXT_CHARS = 4000
KEY = r"^[!-~]{1,100}$"  # makes a repeat a repeat


class Login(BaseModel):
    """Who wants in."""

    name: str = Field(max_length=50)
    password: str = Field(max_length=200)


class Presence(BaseModel):
    """Whether an agent wants conversations."""

    ready: bool


class Clause(BaseModel):
    """A clause to quote: the words come from the agreement, never from the page."""

    document: str = Field(max_length=50)
    ref: str = Field(max_length=50)


class Words(BaseModel):
    """What an agent writes; ``key`` makes a repeat a repeat."""

    clause: Clause | None = None

    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARS)
    key: str = Field(pattern=KEY)


class NoteWords(BaseModel):
    """What agents tell each other."""

    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARS)


class Step(BaseModel):
    """A step of a conversation; ``key`` makes a repeat a repeat."""

    key: str = Field(pattern=KEY)


class Closing(Step):
    """How a conversation ended."""

    summary: str = Field("", max_length=1000)


class Transfer(Step):
    """To whom a conversation goes: one agent, or whoever has a skill."""

    to: str | None = Field(None, max_length=50)
    skill: str | None = Field(None, max_length=50)
    memo: str = Field("", max_length=1000)
