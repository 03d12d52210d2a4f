"""Capability: questions about products, answered from the product's own clauses."""

from __future__ import annotations

import abc
from typing import ClassVar

from rasa_sdk.events import FollowupAction, SlotSet

from actions.agreement.cite import Citation
from actions.agreement.clauses import Product
from actions.agreement.library import Library
from actions.answers import in_section, quote_event, quote_product
from actions.base import PENDING_INTENT, BaokeAction, Events
from actions.say import Button, Say, button
from actions.turn import Turn
from actions.words import words

# The words above the clauses that name an event.
EVENT_RESPONSES = {
    "excluded": "utter_exclusion",
    "covered": "utter_coverage",
    "both": "utter_event_both",
    "mentioned": "utter_event_mentioned",
    "unnamed": "utter_event_unnamed",
}
# Characters of a reply that names a product and asks nothing itself.
LONGEST_CHOICE = 8


class ProductQuestion(BaokeAction):
    """One section of a product sheet; asks for the product when it is not known."""

    @property
    @abc.abstractmethod
    def intent(self) -> str:
        """The intent this action answers."""

    # Intent whose section may hold the answer too; see `quote_product`.
    beside: ClassVar[str | None] = None

    @property
    @abc.abstractmethod
    def response(self) -> str:
        """The domain's response that introduces the quotation."""

    def name(self) -> str:
        """``action_`` and the intent."""
        return f"action_{self.intent}"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Quote where the event stands, else the section, or ask for the product."""
        chosen = turn.is_payload or _names_choice(self.services.library(), turn)
        question = turn.slot("pending_question") if chosen else turn.text
        product = self._product(turn)
        if product is None:
            say("utter_which_product", buttons=self._choices())
            return [
                SlotSet("pending_question", question),
                SlotSet(PENDING_INTENT, self.intent),
            ]
        done = [SlotSet("product", product.label), SlotSet("pending_question", None)]
        if self.beside and self._told_of_event(product, question or "", say):
            return done
        sections = words()["product_sections"]
        citations = quote_product(
            self.services.library(),
            product.code,
            sections[self.intent],
            question or "",
            sections[self.beside] if self.beside else (),
        )
        label = product.label
        if citations:
            response = self._response(product.code, citations[0])
            say(response, citations, product=label, product_name=product.name)
        else:
            say("utter_product_section_missing", product=label)
        return done

    def _told_of_event(self, product: Product, question: str, say: Say) -> bool:
        """Answer from the clauses that name what was asked, whatever the intent is."""
        found = quote_event(self.services.library(), product.code, question)
        if found is None:
            return False
        say(EVENT_RESPONSES[found.verdict], found.citations, product=product.label)
        return True

    def _response(self, code: str, best: Citation) -> str:
        """The other section's words when that is where the answer stands."""
        clause = self.services.library().clause(best.ref, code)
        sections = words()["product_sections"]
        if (
            self.beside
            and clause
            and in_section(clause, sections[self.beside])
            and not in_section(clause, sections[self.intent])
        ):
            return f"utter_{self.beside.removeprefix('ask_')}"
        return self.response

    def _product(self, turn: Turn) -> Product | None:
        library = self.services.library()
        spoken = turn.first("product")
        named = library.resolve_product(spoken) if spoken else None
        if named is None and not turn.is_payload:
            named = library.resolve_product(turn.text)
        if named is None and spoken is None and turn.slot("product"):
            named = library.resolve_product(str(turn.slot("product")))
        return named

    def _choices(self) -> list[Button]:
        return [
            button(product.label, self.intent, product=product.label)
            for product in self.services.library().products()
        ]


def chosen_product(library: Library, turn: Turn) -> Events:
    """Go back to the question that asked for a product, when one is named in reply."""
    if not _names_choice(library, turn):
        return []
    return [FollowupAction(f"action_{turn.slot(PENDING_INTENT)}")]


def _names_choice(library: Library, turn: Turn) -> bool:
    """Whether a few words name the product that was asked for: 重疾的."""
    short = not turn.is_payload and len(turn.text) <= LONGEST_CHOICE
    waits = short and turn.slot(PENDING_INTENT)
    return bool(waits) and library.resolve_product(turn.text) is not None


class ActionAskProduct(ProductQuestion):
    """What products there are, what one is."""

    intent = "ask_product"
    response = "utter_product_about"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Introduce the named product, or show the list."""
        library = self.services.library()
        if asked := chosen_product(library, turn):
            return asked
        spoken = turn.first("product") or ("" if turn.is_payload else turn.text)
        if library.resolve_product(spoken) is None:
            say("utter_products", buttons=self._choices())
            return []
        return super().answer(turn, say)


class ActionAskCoverage(ProductQuestion):
    """What is covered."""

    intent = "ask_coverage"
    response = "utter_coverage"
    beside = "ask_exclusion"


class ActionAskExclusion(ProductQuestion):
    """What is not paid."""

    intent = "ask_exclusion"
    response = "utter_exclusion"
    beside = "ask_coverage"


class ActionAskPremium(ProductQuestion):
    """Price and rate."""

    intent = "ask_premium"
    response = "utter_premium"


class ActionAskApplication(ProductQuestion):
    """Who may buy, and how."""

    intent = "ask_application"
    response = "utter_application"


class ActionAskCoolingOff(ProductQuestion):
    """Cooling-off period (犹豫期)."""

    intent = "ask_cooling_off"
    response = "utter_cooling_off"


class ActionAskWaitingPeriod(ProductQuestion):
    """Waiting period (等待期)."""

    intent = "ask_waiting_period"
    response = "utter_waiting_period"
