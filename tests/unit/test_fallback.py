"""What happens when nothing was understood: guesses, other words, a human."""

from typing import Any

import pytest
from action_kit import Ear, turn_of
from rasa_sdk import Tracker

from actions.converse import ActionFallback, ActionOutOfScope
from actions.words import is_upset_with_us


class NoLibrary:
    """An agreement in which nothing is found."""

    def search(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []


class NoServices:
    def library(self) -> NoLibrary:
        return NoLibrary()


async def fall_back(text: str, *ranking: tuple[str, float], before: int = 0) -> Ear:
    guesses = [{"name": name, "confidence": share} for name, share in ranking]
    message = {"text": text, "intent_ranking": guesses, "intent": guesses[0]}
    slots = {"misunderstood": before}
    tracker = Tracker("web:x", slots, message, [], False, None, {}, "action_listen")
    action, ear = ActionFallback(), Ear()
    action.services_factory = NoServices  # type: ignore[misc]
    await action.perform(ear.dispatcher, tracker)
    return ear


async def test_that_two_likely_guesses_are_offered() -> None:
    ear = await fall_back("那个", ("track_claim", 0.3), ("report_claim", 0.25))
    [said] = ear.heard
    assert said.response == "utter_guess_two"
    assert (said.values["first"], said.values["second"]) == (
        "track_claim",
        "report_claim",
    )


async def test_that_unlikely_guesses_are_not_offered() -> None:
    ear = await fall_back("那个", ("track_claim", 0.1), ("report_claim", 0.05))
    assert ear.names == ["utter_rephrase"]


async def test_that_small_talk_is_no_guess() -> None:
    ear = await fall_back("那个", ("greet", 0.4), ("track_claim", 0.3))
    assert ear.names == ["utter_rephrase"]


async def test_that_the_third_misunderstanding_brings_a_human() -> None:
    ear = await fall_back("那个", ("track_claim", 0.3), before=2)
    assert ear.heard[0].handoff["reason"] == "not_understood"


@pytest.mark.parametrize("text", ["气死我了", "听不懂人话是吧", "求求你们了"])
async def test_that_an_upset_customer_is_not_asked_again(text: str) -> None:
    ear = await fall_back(text, ("track_claim", 0.3), ("report_claim", 0.25))
    assert ear.heard[0].handoff["reason"] == "upset"


def test_that_an_insult_brings_a_human_and_rubbish_does_not() -> None:
    for text, calls in (("你们就是一帮骗子", True), ("垃圾分类怎么扔", False)):
        ear = Ear()
        ActionOutOfScope().answer(turn_of(text, "out_of_scope"), ear.say)
        assert bool(ear.heard[0].handoff) == calls, text
        assert is_upset_with_us(text) == calls
