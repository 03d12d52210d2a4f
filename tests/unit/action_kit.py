"""Fakes for the actions' tests: a turn, a store, an agreement, a fixed clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.agreement.clauses import Clause, DocumentVersion
from actions.agreement.commitments import Commitment
from actions.base import BaokeAction
from actions.clock import Clock
from actions.policystore.model import (
    Claim,
    ClaimReport,
    Complaint,
    ComplaintIntake,
    Customer,
    Policy,
    ServiceRequest,
)
from actions.say import Say
from actions.services import Services
from actions.settings import Settings
from actions.turn import Entity, Turn
from worktime.calendar import WorkCalendar

ROOT = Path(__file__).resolve().parents[2]
# A Friday, 10:00 in Beijing.
NOW = datetime(2026, 10, 9, 2, 0, tzinfo=UTC)
SENDER = "web:one"
ZHANG = Customer("c-1", "张伟", "13900000001")


def turn_of(
    text: str,
    intent: str = "inform",
    confidence: float = 0.95,
    slots: Mapping[str, Any] | None = None,
    sender_id: str = SENDER,
    turn_id: str = "turn-1",
    **entities: str,
) -> Turn:
    """A message; ``policy_no="P…"`` adds an entity."""
    return Turn(
        sender_id=sender_id,
        turn_id=turn_id,
        text=text,
        intent=intent,
        confidence=confidence,
        entities=tuple(Entity(k, v, 0, len(v)) for k, v in entities.items()),
        slots=dict(slots or {}),
    )


@dataclass(frozen=True)
class Said:
    """One reply: the response's name, its values, citations, buttons, handoff."""

    response: str
    values: Mapping[str, Any]
    refs: list[str]
    buttons: list[dict[str, str]]
    handoff: Mapping[str, Any] | None


@dataclass
class Ear:
    """Keeps what an action says; `say` is given to the action."""

    dispatcher: CollectingDispatcher = field(default_factory=CollectingDispatcher)

    @property
    def say(self) -> Say:
        return Say(self.dispatcher)

    @property
    def heard(self) -> list[Said]:
        return [_said(message) for message in self.dispatcher.messages]

    @property
    def names(self) -> list[str]:
        return [said.response for said in self.heard]


_OWN_KEYS = {"text", "buttons", "elements", "custom", "template", "response"}
_OWN_KEYS |= {"image", "attachment"}


def _said(message: Mapping[str, Any]) -> Said:
    custom = message.get("custom") or {}
    return Said(
        response=message["response"],
        values={k: v for k, v in message.items() if k not in _OWN_KEYS},
        refs=[citation["ref"] for citation in custom.get("citations", [])],
        buttons=message.get("buttons") or [],
        handoff=custom.get("handoff"),
    )


@dataclass(frozen=True)
class FixedClock(Clock):
    moment: datetime

    def now(self) -> datetime:
        return self.moment


@dataclass
class FakeIdentity:
    """Who is bound to which conversation."""

    bound: dict[str, Customer] = field(default_factory=dict)
    unbound: list[str] = field(default_factory=list)
    outcome: Any = None
    locked: datetime | None = None
    tried: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    withdrawn: list[tuple[str, bool]] = field(default_factory=list)
    checked: datetime = NOW

    def checked_at(self, sender_id: str, now: datetime) -> datetime | None:
        return self.checked if sender_id in self.bound else None

    def enter_code(self, sender_id: str, policy_no: str, code: str, now: Any) -> Any:
        self.codes.append(code)
        return self.outcome

    def withdraw_code(self, idempotency_key: str, *, perhaps_sent: bool) -> None:
        self.withdrawn.append((idempotency_key, perhaps_sent))

    def customer_of(self, sender_id: str, now: datetime) -> Customer | None:
        return self.bound.get(sender_id)

    def locked_until(self, sender_id: str, now: datetime) -> datetime | None:
        return self.locked

    def verify(
        self, sender_id: str, policy_no: str, tail: str, now: datetime, origin: str = ""
    ) -> Any:
        self.tried.append((policy_no, tail))
        self.origins.append(origin)
        return self.outcome

    def unbind(self, sender_id: str) -> bool:
        self.unbound.append(sender_id)
        return self.bound.pop(sender_id, None) is not None


@dataclass
class FakePolicies:
    owned: dict[str, list[Policy]] = field(default_factory=dict)

    def all_of(self, customer_id: str) -> list[Policy]:
        return self.owned.get(customer_id, [])

    def get(self, customer_id: str, policy_no: str) -> Policy | None:
        owned = self.owned.get(customer_id, [])
        return next((p for p in owned if p.policy_no == policy_no), None)


@dataclass
class FakeClaims:
    owned: dict[str, list[Claim]] = field(default_factory=dict)
    reports: list[tuple[str, ClaimReport, str]] = field(default_factory=list)

    def all_of(self, customer_id: str) -> list[Claim]:
        return self.owned.get(customer_id, [])

    def report(
        self, customer_id: str, report: ClaimReport, turn_id: str, now: datetime
    ) -> Claim:
        self.reports.append((customer_id, report, turn_id))
        return claim_of("reported", policy_no=report.policy_no, product="重疾险")


@dataclass
class FakeComplaints:
    """Complaints with the conversation and the customer that may see them."""

    stored: list[tuple[str, str | None, Complaint]] = field(default_factory=list)
    intakes: list[ComplaintIntake] = field(default_factory=list)
    withdrawn: list[tuple[str, str]] = field(default_factory=list)

    def all_of(self, sender_id: str, customer_id: str | None) -> list[Complaint]:
        return [
            complaint
            for sender, owner, complaint in self.stored
            if sender == sender_id or (owner and owner == customer_id)
        ]

    def get(self, sender_id: str, customer_id: str | None, no: str) -> Complaint | None:
        seen = self.all_of(sender_id, customer_id)
        return next((c for c in seen if c.complaint_no == no), None)

    def file(
        self,
        intake: ComplaintIntake,
        due_at: datetime,
        due_clause: str,
        turn_id: str,
        now: datetime,
    ) -> Complaint:
        self.intakes.append(intake)
        complaint = replace(
            complaint_of("received"), filed_at=now, due_at=due_at, due_clause=due_clause
        )
        self.stored.append((intake.sender_id, intake.customer_id, complaint))
        return complaint

    def withdraw(
        self, sender_id: str, customer_id: str | None, no: str, turn_id: str, now: Any
    ) -> Complaint | None:
        self.withdrawn.append((no, turn_id))
        return self.get(sender_id, customer_id, no)


@dataclass
class FakeRequests:
    recorded: list[tuple[str, str, str, dict[str, Any], str]] = field(
        default_factory=list
    )
    needs_human: bool = True
    stored: list[ServiceRequest] = field(default_factory=list)

    def record(
        self,
        sender: str,
        customer: str,
        kind: Any,
        detail: Any,
        turn_id: str,
        now: Any,
        due: Any = None,
    ) -> ServiceRequest:
        self.recorded.append((sender, customer, kind, detail, turn_id))
        due_at, ref = due or (None, None)
        made = ServiceRequest("R2026100900001", kind, "open", now, self.needs_human,
                              detail, due_at, ref)  # fmt: skip
        self.stored.append(made)
        return made

    def all_of(self, customer_id: str) -> list[ServiceRequest]:
        return self.stored

    def move(
        self, number: str, to: str, actor: str, now: Any, result: str | None = None
    ) -> ServiceRequest:
        self.stored = [
            replace(r, status=to) if r.request_no == number else r for r in self.stored
        ]
        return self.stored[-1]


@dataclass
class FakeStore:
    """A unit of work over lists; the same object every time it is opened."""

    identity: FakeIdentity = field(default_factory=FakeIdentity)
    policies: FakePolicies = field(default_factory=FakePolicies)
    claims: FakeClaims = field(default_factory=FakeClaims)
    complaints: FakeComplaints = field(default_factory=FakeComplaints)
    requests: FakeRequests = field(default_factory=FakeRequests)

    def __enter__(self) -> FakeStore:
        return self

    def __exit__(self, *error: object) -> None:
        return None


@dataclass(frozen=True)
class FakeProduct:
    code: str
    name: str


@dataclass
class FakeLibrary:
    """Every clause exists, except those in ``absent``."""

    commitments: dict[str, Commitment] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    facts: Mapping[str, str] = field(
        default_factory=lambda: {
            "hotline": "95500",
            "complaint_email": "ts@example.com",
            "regulator_hotline": "12378",
            "company_short": "保客",
        }
    )
    products: Mapping[str, str] = field(
        default_factory=lambda: {"重疾险": "critical_illness", "车险": "motor"}
    )

    @property
    def papers(self) -> Mapping[str, Any]:
        return _papers()

    def clause(self, ref: str, document: str = "service") -> Clause | None:
        if ref in self.absent:
            return None
        return clause_of(ref, document)

    def clauses(self, document: str) -> list[Clause]:
        return [clause_of("第八条", document, title="退保与现金价值")]

    def search(self, *asked: object, **more: object) -> list[Any]:
        return []

    def commitment(self, ref: str) -> Commitment | None:
        return self.commitments.get(ref)

    def resolve_product(self, text: str) -> FakeProduct | None:
        code = self.products.get(text)
        return FakeProduct(code, text) if code else None


@cache
def _papers() -> Mapping[str, Any]:
    path = ROOT / "data" / "agreement" / "papers.yml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def clause_of(ref: str, document: str = "service", title: str = "") -> Clause:
    source = DocumentVersion(document, document, "2026.1", date(2026, 1, 1))
    text = f"{ref}的内容。"
    return Clause(source, ref, text, text, title)


@cache
def calendar() -> WorkCalendar:
    return WorkCalendar.load(ROOT / "data" / "calendar")


def services_of(
    store: FakeStore,
    library: FakeLibrary | None = None,
    now: datetime = NOW,
    sms: Any = None,
) -> Services:
    """Services over the fakes and the real calendar."""
    kept = library or FakeLibrary()
    return Services(
        settings=Settings(root=ROOT),
        unit_of_work=lambda: store,  # type: ignore[arg-type,return-value]
        library=lambda: kept,  # type: ignore[arg-type,return-value]
        calendar=calendar(),
        clock=FixedClock(now),
        sms=sms,
    )


def with_services(kind: type[BaokeAction], services: Services) -> Any:
    """An action of this kind that uses the fakes."""
    action = kind()
    action.services_factory = lambda: services  # type: ignore[misc]
    return action


def verified_store() -> FakeStore:
    """A store where this conversation belongs to 张伟."""
    store = FakeStore()
    store.identity.bound[SENDER] = ZHANG
    return store


def run_form(action: BaokeAction, turn: Turn) -> tuple[dict[str, Any], Ear]:
    """Run ``validate_…`` through a tracker: slots set and what was said."""
    tracker = Tracker(
        sender_id=turn.sender_id,
        slots=dict(turn.slots),
        latest_message={
            "text": turn.text,
            "intent": {"name": turn.intent, "confidence": turn.confidence},
            "entities": [
                {"entity": e.kind, "value": e.value, "start": e.start, "end": e.end}
                for e in turn.entities
            ],
            "metadata": {"turn_id": turn.turn_id},
        },
        events=[],
        paused=False,
        followup_action=None,
        active_loop={},
        latest_action_name=None,
    )
    ear = Ear()
    events = asyncio.run(action.run(ear.dispatcher, tracker, {}))
    return slots_of(events), ear


def slots_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Slots an action sets; the last event wins."""
    return {e["name"]: e["value"] for e in events if e["event"] == "slot"}


def followups(events: list[dict[str, Any]]) -> list[str]:
    """Actions an action asks Rasa to run next."""
    return [e["name"] for e in events if e["event"] == "followup"]


def policy_of(number: str = "P2024013100018", **changes: Any) -> Policy:
    policy = Policy(
        policy_no=number,
        product="重疾险",
        product_code="critical_illness",
        name="安心重疾险",
        status="in_force",
        insured_name="张伟",
        sum_insured_fen=50_000_000,
        premium_fen=860_000,
        start=date(2024, 2, 1),
        end=None,
        renewal_due=date(2027, 2, 1),
    )
    return replace(policy, **changes)


def claim_of(status: Any, number: str = "C2026100100001", **changes: Any) -> Claim:
    claim = Claim(
        claim_no=number,
        policy_no="P2024013100018",
        product="重疾险",
        kind="重疾",
        status=status,
        status_since=datetime(2026, 10, 1, 1, 0, tzinfo=UTC),
        reported_at=datetime(2026, 10, 1, 1, 0, tzinfo=UTC),
        what="确诊",
        happened_at=None,
        happened_text="上周",
        place="北京",
        injured=False,
        contact_phone="13900000001",
    )
    return replace(claim, **changes)


def complaint_of(
    status: Any, number: str = "T2026100100001", **changes: Any
) -> Complaint:
    complaint = Complaint(
        complaint_no=number,
        category="理赔",
        what="一直没人管",
        wanted="尽快处理",
        contact_phone="13900000001",
        channel="web",
        status=status,
        filed_at=datetime(2026, 10, 1, 1, 0, tzinfo=UTC),
        due_at=datetime(2026, 10, 15, 10, 0, tzinfo=UTC),
        due_clause="第三条(四)2",
    )
    return replace(complaint, **changes)
