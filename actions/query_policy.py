"""Capability: the verified customer's policies, and what is due for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from rasa_sdk.events import SlotSet

from actions import normalise
from actions.answers import quote_product, quote_refs
from actions.base import CustomerAction, Events
from actions.policystore.model import Policy
from actions.say import Say
from actions.show import BEIJING, day, money
from actions.turn import Turn
from actions.words import words

REMINDERS = "第三条(一)4"
DOCUMENTS = "第三条(一)3"


def named_policies(policies: list[Policy], turn: Turn) -> list[Policy]:
    """Those of the customer's policies the message names; all when it names none.

    A policy is named by its number, its plate or its product.
    """
    number = normalise.policy_no(turn.first("policy_no") or "")
    if number:
        return [policy for policy in policies if policy.policy_no == number]
    plate = normalise.plate_no(turn.first("plate_no") or "")
    by_plate = [p for p in policies if plate and p.plate_no == plate]
    if by_plate:
        return by_plate
    spoken = turn.values("product")
    by_product = [
        p for p in policies if any(is_product_word(p.product, word) for word in spoken)
    ]
    return by_product or policies


def is_product_word(product: str, word: str) -> bool:
    """Whether a customer's word means this product (重疾 and 重疾险 both do)."""
    return word in product or product.removesuffix("险") in word


def status_word(policy: Policy) -> str:
    """The policy's status in Chinese."""
    return str(words()["policy_status"].get(policy.status, policy.status))


class ActionQueryPolicy(CustomerAction):
    """My policies: status, sum insured, expiry."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_query_policy"

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Show the policies that are meant."""
        with self.services.unit_of_work() as uow:
            policies = uow.policies.all_of(customer_id)
        if not policies:
            say("utter_no_policies")
            return []
        shown = named_policies(policies, turn)
        if not shown:
            say("utter_policy_unknown")
            return []
        if len(shown) > 1:
            say("utter_policies", count=len(shown))
        for policy in shown:
            say(
                "utter_policy_line",
                product=policy.product,
                name=policy.name,
                policy_no=policy.policy_no,
                status=status_word(policy),
                sum_insured=money(policy.sum_insured_fen),
                start=day(policy.start),
                end=day(policy.end),
                detail=policy.plate_no or "",
            )
        return [SlotSet("product", shown[0].product)] if len(shown) == 1 else []


class ActionAskRenewal(CustomerAction):
    """Renewal, next premium, grace period."""

    needs_identity = False

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_renewal"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The customer's own dates when known, else the rule of the product."""
        with self.services.unit_of_work() as uow:
            customer = uow.identity.customer_of(turn.sender_id, self.services.now())
        if customer:
            return self.answer_customer(customer.customer_id, turn, say)
        library = self.services.library()
        spoken = turn.first("product") or ("" if turn.is_payload else turn.text)
        product = library.resolve_product(spoken)
        if product is None and not _is_about_rules(turn.text):
            return super().answer(turn, say)
        self._say_rule(turn, say, product.code if product else None)
        return []

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """One line a policy, then the rule when one product is meant."""
        with self.services.unit_of_work() as uow:
            policies = named_policies(uow.policies.all_of(customer_id), turn)
        if not policies:
            say("utter_policy_unknown")
            return []
        today = self.services.now().astimezone(BEIJING).date()
        for policy in policies:
            _say_due(policy, today, say)
        product = self.services.library().resolve_product(policies[0].product)
        one = len(policies) == 1 and product is not None
        self._say_rule(turn, say, product.code if one and product else None)
        return []

    def _say_rule(self, turn: Turn, say: Say, code: str | None) -> None:
        library = self.services.library()
        section = words()["product_sections"]["ask_renewal"]
        question = "" if turn.is_payload else turn.text
        rule = quote_product(library, code, section, question) if code else []
        say("utter_renewal_rule", rule or quote_refs(library, REMINDERS))


def _is_about_rules(text: str) -> bool:
    return any(word in text for word in words()["renewal_rule_cues"])


def _say_due(policy: Policy, today: date, say: Say) -> None:
    values: dict[str, Any] = {
        "product": policy.product,
        "policy_no": policy.policy_no,
        "status": status_word(policy),
    }
    if policy.status == "lapsed":
        say("utter_renewal_lapsed", **values)
        return
    due = policy.renewal_due
    if due is None:
        say("utter_renewal_none", **values)
        return
    days = (due - today).days
    if days < 0:
        say("utter_renewal_overdue", due=day(due), days=-days, **values)
        return
    premium = money(policy.premium_fen)
    say("utter_renewal_due", due=day(due), days=days, premium=premium, **values)
