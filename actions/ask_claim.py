"""Capability: how claiming works in general; nothing personal."""

from __future__ import annotations

from actions.answers import quote_refs
from actions.base import BaokeAction, Events
from actions.claim_papers import kind_for_text, kinds, papers_for
from actions.say import Say, button
from actions.show import numbered
from actions.turn import Turn

REPORTING = "第三条(三)1"
SURVEY = "第三条(三)2"
PAYING = "第三条(三)3"
HELP = "第三条(三)4"


class ActionAskClaimProcess(BaokeAction):
    """How claiming works."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_process"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The steps and the two clauses that promise them."""
        library = self.services.library()
        facts = library.facts
        say(
            "utter_claim_process",
            quote_refs(library, REPORTING, PAYING),
            claim_hotline=facts["claim_hotline"],
            claim_hotline_hint=facts["claim_hotline_hint"],
        )
        return []


class ActionAskClaimMaterials(BaokeAction):
    """Which papers a claim needs, all at once (一次性告知)."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_materials"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The list for the claim type, or the question which type it is."""
        library = self.services.library()
        spoken = turn.first("choice") or turn.first("product") or turn.text
        kind = kind_for_text(library, spoken)
        if kind is None:
            say(
                "utter_which_claim_kind",
                quote_refs(library, REPORTING),
                [button(k, "ask_claim_materials", choice=k) for k in kinds(library)],
            )
            return []
        papers = papers_for(library, kind)
        say(
            "utter_claim_materials",
            papers.citations or quote_refs(library, REPORTING),
            kind=kind,
            papers=numbered(papers.names),
            app=library.facts["app"],
        )
        return []


class ActionAskClaimSurvey(BaokeAction):
    """Survey and loss assessment."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_survey"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The clause on surveys."""
        say("utter_claim_survey", quote_refs(self.services.library(), SURVEY))
        return []


class ActionAskClaimHelp(BaokeAction):
    """Help with certificates and third parties."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_claim_help"

    def answer(self, turn: Turn, say: Say) -> Events:
        """The clause on help."""
        say("utter_claim_help", quote_refs(self.services.library(), HELP))
        return []
