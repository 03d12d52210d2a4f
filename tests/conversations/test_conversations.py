"""Plays the conversations beside this file against everything that is real."""

from pathlib import Path

import pytest
import yaml
from stack import Customer

HERE = Path(__file__).parent
pytestmark = pytest.mark.rasa


def conversations():
    for path in sorted(HERE.glob("test_*.yml")):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        for conversation in loaded["conversations"]:
            name = f"{path.stem.removeprefix('test_')}: {conversation['name']}"
            yield pytest.param(conversation, id=name)


@pytest.fixture(scope="module")
def clauses():
    """Every clause of the demo texts by reference, without blanks filled."""
    folder = HERE.parents[1] / "data" / "agreement"
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in [folder / "service_agreement.md", *folder.glob("products/*.md")]
    )


@pytest.mark.parametrize("conversation", list(conversations()))
def test_that_the_conversation_goes_as_written(stack, clauses, conversation):
    with Customer(stack.url) as customer:
        if "verified" in conversation:
            customer.prove_identity(conversation["verified"])
        for number, step in enumerate(conversation["steps"], start=1):
            play(customer, number, step, clauses)


def play(customer, number, step, clauses):
    said = step.get("say", step.get("press"))
    reply = customer.say(said) if "say" in step else customer.press(said)
    where = f"step {number} ({said}): {reply.text}"
    for words in step.get("expect", []):
        assert words in reply.text, f"{words!r} missing in {where}"
    for words in step.get("never", []):
        assert words not in reply.text, f"{words!r} in {where}"
    for title in step.get("buttons", []):
        assert title in reply.buttons, f"button {title!r} missing in {where}"
    for ref in step.get("cites", []):
        refs = [citation["ref"] for citation in reply.citations]
        assert any(found.startswith(ref) for found in refs), f"{refs} in {where}"
    for citation in reply.citations:
        assert citation["version"] == "2026.1"
        # A quote is the clause's own words; blanks are filled, so take a piece.
        assert citation["quote"][:8] in clauses, citation
    if "status" in step:
        assert reply.status == step["status"], where
