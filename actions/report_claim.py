"""Capability: reporting a claim (报案).

Identity first, then seven questions, a read-back and an explicit confirmation; the
claim gets its number only then, and only once per confirmed turn.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rasa_sdk.events import FollowupAction, SlotSet

from actions import normalise
from actions.answers import quote_refs
from actions.ask_claim import REPORTING
from actions.base import BaokeAction, CustomerAction, Events
from actions.claim_papers import (
    Papers,
    kind_for_product,
    kind_for_text,
    papers_for,
)
from actions.fields import (
    asks_anew,
    confirmed_field,
    open_text,
    phone_field,
    reset,
    spot_policy_no,
    substance_of,
)
from actions.forms import (
    DENIED,
    FORM_EXIT,
    FORM_NOTE,
    Field,
    Filled,
    FormAction,
    Unusable,
)
from actions.policystore.model import Claim, ClaimReport, Policy
from actions.query_policy import named_policies
from actions.say import Say, button
from actions.show import day_begins, masked_phone, minute, moment, numbered
from actions.turn import Turn
from actions.values import date_said
from actions.words import words

FORM = "report_claim_form"
SLOTS = (
    "claim_policy_no",
    "claim_what",
    "claim_when",
    "claim_where",
    "claim_injured",
    "claim_phone",
    "claim_confirmed",
)
# 保险法 26: claims lapse after two years (five for life); older dates are asked again.
OLDEST_EVENT = timedelta(days=5 * 366)


class ActionReportClaim(CustomerAction):
    """Starts or resumes the report."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_report_claim"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Keep what the first message told, then go through the identity check."""
        if turn.intent != "report_claim":  # back from the identity check
            return super().answer(turn, say)
        begun = any(turn.slot(slot) for slot in SLOTS)
        say("utter_report_claim_resume" if begun else "utter_report_claim_begin")
        return [*self._told(turn), *super().answer(turn, say)]

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Start the form for a verified customer."""
        with self.services.unit_of_work() as uow:
            policies = uow.policies.all_of(customer_id)
        claimable = claimable_policies(policies)
        if not claimable:
            say.hand_off(
                "utter_report_claim_no_policy", "no_policy_to_claim", skill="理赔"
            )
            return []
        chosen = turn.slot("claim_policy_no")
        if chosen is None:
            named = named_policies(claimable, turn)
            if len(named) > 1:
                named = self._fitting(named, turn)
            chosen = named[0].policy_no if len(named) == 1 else None
        return [
            SlotSet("claim_policy_no", chosen),
            SlotSet("claim_confirmed", None),
            FollowupAction(FORM),
        ]

    def _fitting(self, policies: list[Policy], turn: Turn) -> list[Policy]:
        """Policies of the kind the story tells of: 被追尾 means the car's."""
        library = self.services.library()
        story = str(turn.slot("claim_what") or turn.text)
        kind = kind_for_text(library, story)
        return [p for p in policies if kind_for_product(library, p.product) == kind]

    def _told(self, turn: Turn) -> Events:
        """What the message that asked for the report already tells."""
        told: Events = []
        substance = substance_of(turn)
        if substance and turn.slot("claim_what") is None:
            told.append(SlotSet("claim_what", substance))
        when = read_when(turn, turn.received_at or self.services.now())
        if isinstance(when, Filled) and turn.slot("claim_when") is None:
            told.append(SlotSet("claim_when", when.value))
        return told


def claimable_policies(policies: list[Policy]) -> list[Policy]:
    """Policies an event may be reported on: also lapsed ones, by the event's date."""
    return [p for p in policies if p.status in ("in_force", "lapsed", "expired")]


def read_when(turn: Turn, now: datetime) -> Filled | Unusable | None:
    """The moment of the event; refuses the future and the far past."""
    when = date_said(turn, now)
    if when is None:
        return Unusable("utter_claim_when_unusable")
    if when.start > now:
        return Unusable("utter_claim_when_future")
    if when.start < now - OLDEST_EVENT:
        return Unusable("utter_claim_when_too_old")
    # Without an hour the day is kept: 昨晚 is no 18:00.
    at = when.start if when.precision == "minute" else day_begins(when.start)
    return Filled({"at": at.isoformat(), "said": when.said, "shown": moment(when)})


class ValidateReportClaimForm(FormAction):
    """The seven questions."""

    form = FORM
    own_intent = "report_claim"

    def fields(self, turn: Turn) -> list[Field]:
        """Questions in order."""
        now = turn.received_at or self.services.now()

        def when(said: Turn) -> Filled | Unusable | None:
            return read_when(said, now)

        def spot_when(said: Turn) -> Filled | None:
            found = read_when(said, now) if said.first("date") else None
            return found if isinstance(found, Filled) else None

        return [
            Field("claim_policy_no", self._policy, cues=("保单",)),
            Field("claim_what", open_text, cues=("经过", "情况"), is_open=True),
            Field("claim_when", when, spot_when, cues=("时间", "日期")),
            Field(
                "claim_where", open_text, cues=("地点", "地址", "地方"), is_open=True
            ),
            Field("claim_injured", _injured, _spot_injured, ("受伤", "伤"), grows=True),
            phone_field("claim_phone", self._phone_on_file(turn)),
            confirmed_field("claim_confirmed", adds_to="claim_what"),
        ]

    def _policy(self, turn: Turn) -> Filled | Unusable | None:
        policies = self._policies(turn)
        named = named_policies(policies, turn)
        spotted = spot_policy_no(turn)
        if spotted:
            named = [p for p in policies if p.policy_no == spotted.value]
        elif len(named) == len(policies) > 1:
            named = [p for p in policies if p.product.removesuffix("险") in turn.text]
        if len(named) == 1:
            return Filled(named[0].policy_no)
        return Unusable("utter_claim_policy_unusable")

    def _policies(self, turn: Turn) -> list[Policy]:
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
            if customer is None:
                return []
            return claimable_policies(uow.policies.all_of(customer.customer_id))

    def _phone_on_file(self, turn: Turn) -> str | None:
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
        return customer.phone if customer else None


def _injured(turn: Turn) -> Filled | Unusable | None:
    answer = normalise.yes_no(turn.first("choice") or turn.text, turn.intent)
    if answer is None and normalise.mentions_injury(turn.text) is not None:
        answer = normalise.mentions_injury(turn.text)
    if answer is None:
        return Unusable("utter_claim_injured_unusable")
    return Filled(answer)


def _spot_injured(turn: Turn) -> Filled | None:
    """Whether a message about something else tells of injuries."""
    told = normalise.mentions_injury(turn.text)
    return None if told is None else Filled(told)


class ActionAskClaimPolicyNo(BaokeAction):
    """Asks for the policy with the customer's own as buttons."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_policy_no"

    def answer(self, turn: Turn, say: Say) -> Events:
        """One button a policy."""
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
            policies = uow.policies.all_of(customer.customer_id) if customer else []
        say(
            "utter_ask_claim_policy_no",
            buttons=[
                button(f"{p.product} {p.policy_no}", "inform", policy_no=p.policy_no)
                for p in claimable_policies(policies)
            ],
        )
        return []


class ActionAskClaimPhone(BaokeAction):
    """Asks for the phone; offers the one on file instead of asking for it."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_phone"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Ask; after a no for the number itself."""
        if turn.slot(FORM_NOTE) == DENIED:
            say("utter_ask_claim_phone")
            return []
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
        if customer and customer.phone:
            phone = masked_phone(customer.phone)
            say("utter_ask_claim_phone_on_file", phone=phone)
        else:
            say("utter_ask_claim_phone")
        return []


class ActionAskClaimConfirmed(BaokeAction):
    """Reads everything back before anything is stored."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_confirmed"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Read back, or ask what is to be corrected."""
        if asks_anew(turn, say):
            return []
        say(
            "utter_claim_read_back",
            policy=turn.slot("claim_policy_no"),
            what=turn.slot("claim_what"),
            when=_when_text(turn),
            where=turn.slot("claim_where"),
            injured=words()["yes" if turn.slot("claim_injured") else "no"],
            phone=masked_phone(str(turn.slot("claim_phone"))),
        )
        return []


def _when_text(turn: Turn) -> str:
    when = turn.slot("claim_when") or {}
    # A report begun before this was kept has only its moment.
    shown = when.get("shown") or minute(datetime.fromisoformat(when["at"]))
    return f"{when['said']}（{shown}）"


def _when_kept(turn: Turn) -> str:
    """The customer's words, with what they were read as unless the moment says it."""
    when = turn.slot("claim_when") or {}
    exact = minute(datetime.fromisoformat(when["at"]))
    is_exact = when.get("shown", exact) == exact
    return str(when["said"]) if is_exact else _when_text(turn)


class ActionReportClaimSubmit(BaokeAction):
    """Runs when the form is done: stores the report, or leaves."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_report_claim_submit"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Number, time, all papers needed, with their clauses."""
        leave = turn.slot(FORM_EXIT)
        if leave == "cancel":
            say("utter_report_claim_cancelled")
            return reset(*SLOTS, FORM_EXIT)
        if leave:
            return [*reset(FORM_EXIT), FollowupAction(f"action_{leave}")]
        claim = self._store(turn)
        if claim is None:  # the binding ended while the form was being filled
            return [FollowupAction("action_report_claim")]
        library = self.services.library()
        say(
            "utter_claim_submitted",
            quote_refs(library, REPORTING),
            claim_no=claim.claim_no,
            when=minute(claim.status_since),
        )
        if papers := self._papers(claim.product, turn):
            names = numbered(papers.names)
            say("utter_claim_papers_needed", papers.citations, papers=names)
        return reset(*SLOTS, FORM_EXIT)

    def _papers(self, product: str, turn: Turn) -> Papers | None:
        """The complete list for this claim, None when its type is not known."""
        library = self.services.library()
        kind = kind_for_product(library, product) or kind_for_text(
            library, str(turn.slot("claim_what"))
        )
        return papers_for(library, kind) if kind else None

    def _store(self, turn: Turn) -> Claim | None:
        now = self.services.now()
        when = turn.slot("claim_when") or {}
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, now)
            if customer is None:
                return None
            policy_no = str(turn.slot("claim_policy_no"))
            policy = uow.policies.get(customer.customer_id, policy_no)
            papers = self._papers(policy.product, turn) if policy else None
            report = ClaimReport(
                policy_no=policy_no,
                what=str(turn.slot("claim_what")),
                happened_at=datetime.fromisoformat(when["at"]),
                happened_text=_when_kept(turn),
                place=str(turn.slot("claim_where")),
                injured=bool(turn.slot("claim_injured")),
                contact_phone=str(turn.slot("claim_phone")),
                papers=tuple(papers.always) if papers else (),
            )
            claim: Claim = uow.claims.report(
                customer.customer_id, report, turn.turn_id, now
            )
            return claim
