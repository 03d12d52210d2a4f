"""Capability: the service agreement itself, quoted clause by clause."""

from __future__ import annotations

from actions.agreement.cite import cite
from actions.answers import clause_with_limit, quote_refs, search_service
from actions.base import BaokeAction, Events
from actions.say import Say, button
from actions.show import day
from actions.turn import Turn
from actions.words import words

# Where the agreement speaks of it (shared/AGREEMENT.md, INTENTS.md).
CHANNELS = "第三条(二)1"
HOURS = "第三条(二)2"
STAFF = "第三条(二)3"
STANDARDS = ("第三条(五)1", "第三条(五)2")
VALUE_ADDED = ("第三条(六)1", "第三条(六)2")
RIGHTS = ("第四条(一)1", "第四条(一)2", "第四条(一)3")
DUTIES = "第四条(二)"
DEFINITIONS = "第一条"
CHANGES = "第三条(一)4"


class ActionAskServiceChannel(BaokeAction):
    """Phone, e-mail, APP, outlets."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_service_channel"

    def answer(self, turn: Turn, say: Say) -> Events:
        """All channels, from the insurer's settings, with the clause."""
        library = self.services.library()
        facts = library.facts
        outlets = "；".join(
            f"{outlet['name']}（{outlet['address']}）" for outlet in facts["outlets"]
        )
        keys = ("hotline", "claim_hotline_hint", "wechat", "app", "website", "email")
        say(
            "utter_service_channel",
            quote_refs(library, CHANNELS),
            outlets=outlets,
            **{key: facts[key] for key in keys},
        )
        return []


class ActionAskServiceHours(BaokeAction):
    """Opening hours and how soon somebody answers."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_service_hours"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Hours from the settings, promise from the clause the question is about."""
        library = self.services.library()
        facts = library.facts
        if any(cue in turn.text for cue in words()["limit_cues"]):
            clause = clause_with_limit(library, turn.text, HOURS)
            limit = library.commitment(clause.ref) if clause else None
            if clause and limit:
                counted = "days" if limit.unit == "自然日" else "working_days"
                say(
                    f"utter_service_limit_{counted}",
                    [cite(clause)],
                    working_days=facts["service_hours"]["working_days"],
                )
                return []
        say(
            "utter_service_hours",
            quote_refs(library, HOURS),
            service_hours=facts["service_hours"]["text"],
            off_hours=facts["service_hours"]["off_hours_text"],
            response_hours=facts["response_hours"],
        )
        return []


class ActionAskServiceStandard(BaokeAction):
    """Quality, connection rate, rules followed."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_service_standard"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The clause found for the question, else the clauses on standards."""
        library = self.services.library()
        found = [
            citation
            for citation in search_service(library, turn.text, "第三条")
            if citation.ref in (*STANDARDS, STAFF, HOURS)
        ]
        say("utter_service_standard", found or quote_refs(library, *STANDARDS))
        return []


class ActionAskValueAdded(BaokeAction):
    """Roadside help, health management, travel help."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_value_added"

    def answer(self, turn: Turn, say: Say) -> Events:
        """One service in detail when it is named, else the list."""
        library = self.services.library()
        offered = library.facts["value_added"]
        wanted = turn.first("choice") or turn.text
        item = next((i for i in offered if _is_named(i["name"], wanted)), None)
        citations = quote_refs(library, *VALUE_ADDED)
        if item:
            say("utter_value_added_item", citations, **item)
        else:
            names = [i["name"] for i in offered]
            say(
                "utter_value_added",
                citations,
                [button(name, "ask_value_added", choice=name) for name in names],
                services="、".join(names),
            )
        return []


def _is_named(name: str, text: str) -> bool:
    """健康管理 is named by any two neighbouring characters of it (健康, 管理)."""
    return any(name[i : i + 2] in text for i in range(len(name) - 1))


class ActionAskRights(BaokeAction):
    """The customer's rights and duties."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_rights"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Rights, or duties when the question is about those."""
        library = self.services.library()
        found = search_service(library, turn.text, "第四条")
        duties = [c.ref for c in library.clauses("service") if c.ref.startswith(DUTIES)]
        asks_duties = bool(found) and found[0].ref.startswith(DUTIES)
        refs = duties[:4] if asks_duties else RIGHTS
        say("utter_rights", quote_refs(library, *refs))
        return []


class ActionAskDefinition(BaokeAction):
    """What a word of the agreement or of a product means."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_definition"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Quote the definition; without one, offer those there are."""
        library = self.services.library()
        text = turn.first("choice") or turn.text
        defined = [
            clause
            for clause in library.clauses("service")
            if clause.parent == DEFINITIONS
        ]
        named = [c for c in defined if c.text.partition("：")[0].strip("“” ") in text]
        if named:
            say("utter_definition", quote_refs(library, *(c.ref for c in named)))
            return []
        hits = library.search(text)
        if hits:
            say("utter_definition", [cite(hits[0].clause, hits[0].passage)])
            return []
        names = [clause.text.partition("：")[0] for clause in defined]
        say(
            "utter_definition_list",
            buttons=[button(n, "ask_definition", choice=n) for n in names],
        )
        return []


class ActionAskClauseChange(BaokeAction):
    """Whether clauses or rates changed, and how one is told."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_clause_change"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Version in force and the clause on notices."""
        library = self.services.library()
        citations = quote_refs(library, CHANGES)
        clause = library.clause(CHANGES)
        say(
            "utter_clause_change",
            citations,
            version=clause.source.version if clause else "",
            effective_from=day(clause.source.effective_from) if clause else "",
        )
        return []
