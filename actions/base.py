"""The two bases every action of baoke stands on.

In: a call of the action server. Out: events. A capability writes `answer`; what it needs
(store, agreement, calendar, clock) comes from `Services`. An exception is not caught
here: the action server answers 5xx, the connector and the edge turn that into one honest
apology (DECISIONS.md, 5).
"""

from __future__ import annotations

import abc
import asyncio
import logging
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.agreement.trail import recording
from actions.errors import CoreAway
from actions.say import Say
from actions.services import Services, open_services
from actions.turn import Turn, read_turn
from actions.values import read_values

log = logging.getLogger(__name__)

Events = list[dict[str, Any]]
PENDING_INTENT = "pending_intent"  # slot: the question that waits for a product


class BaokeAction(Action, abc.ABC):  # type: ignore[misc]
    """An action that answers one turn."""

    needs_identity: ClassVar[bool] = False
    services_factory: ClassVar[Any] = staticmethod(open_services)

    @property
    def services(self) -> Services:
        """Store, agreement, calendar and clock of this process."""
        services: Services = self.services_factory()
        return services

    @abc.abstractmethod
    def name(self) -> str:
        """Name in the domain."""

    @abc.abstractmethod
    def answer(self, turn: Turn, say: Say) -> Events:
        """Say what is to be said and return the events; plain and synchronous."""

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> Events:
        """Entry of the action server; see `perform`."""
        with recording() as trail:
            events = await self.perform(dispatcher, tracker)
        if dispatcher.messages:
            values = read_values(read_turn(tracker), self.services.now())
            reasons = {"searched": trail, "values": values}
            custom = dispatcher.messages[-1].setdefault("custom", {})
            # Travels with the reply to the ledger; no customer is shown it.
            custom.update({key: found for key, found in reasons.items() if found})
        return events

    async def perform(
        self, dispatcher: CollectingDispatcher, tracker: Tracker
    ) -> Events:
        """Answer the latest message; an action that needs the tracker overrides it."""
        turn, say = read_turn(tracker), Say(dispatcher)
        try:
            # Beside the loop: a slow database or core system holds up nobody else.
            events = await asyncio.to_thread(self.answer, turn, say)
        except CoreAway as err:
            log.warning("%s: core system away: %s", self.name(), err)
            dispatcher.messages.clear()
            say.hand_off("utter_core_away", "core_away")
            return []
        # A product named later belongs to another question.
        if turn.slot(PENDING_INTENT) and not _keeps_pending(events):
            events = [*events, SlotSet(PENDING_INTENT, None)]
        # Understood: the ladder of `action_fallback` starts anew.
        if turn.slot("misunderstood") and turn.intent != "deny":
            events = [*events, SlotSet("misunderstood", 0)]
        return events


def _keeps_pending(events: Events) -> bool:
    return any(
        event.get("event") == "followup" or event.get("name") == PENDING_INTENT
        for event in events
    )


class CustomerAction(BaokeAction):
    """An action that needs to know who is asking.

    `answer` asks for the identity check first when nobody is bound to this
    conversation; after the check the same action runs again.
    """

    needs_identity: ClassVar[bool] = True

    def answer(self, turn: Turn, say: Say) -> Events:
        """Answer the verified customer, or start the identity check."""
        from actions.verify_identity import begin_identity_check, is_checked_lately

        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
        if customer is None:
            return begin_identity_check(self.services, turn, say, self.name())
        if self.is_weighty(turn) and not is_checked_lately(self.services, turn):
            return begin_identity_check(
                self.services, turn, say, self.name(), again=True
            )
        return self.answer_customer(customer.customer_id, turn, say)

    def is_weighty(self, turn: Turn) -> bool:
        """Whether a check of long ago does not do for what is wished."""
        return False

    @abc.abstractmethod
    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Answer a customer whose identity was checked."""
