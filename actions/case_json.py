"""Cases as JSON: for the desk, for commands, for what customers are told."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from actions.policystore.case_model import ComplaintCase
from actions.policystore.model import Claim, ServiceRequest
from actions.show import BEIJING

Json = dict[str, Any]


def complaint_json(case: ComplaintCase) -> Json:
    """Return a complaint with its log."""
    shown = plain(asdict(case.complaint))
    shown |= {
        "sender_id": case.sender_id,
        "customer_id": case.customer_id,
        "handler": case.handler,
        "accused": case.accused,
        "accused_login": case.accused_login,
        "accused_title": case.accused_title,
        "extension_level": case.extension_level,
        "extension_asked_by": case.extension_asked_by,
        "decided_by": case.decided_by,
        "entries": plain([asdict(entry) for entry in case.entries]),
    }
    return cast(Json, shown)


def claim_json(claim: Claim, authority: Json) -> Json:
    """Return a claim with who handles it and who has agreed to what."""
    return cast(Json, plain(asdict(claim) | authority))


def request_json(request: ServiceRequest) -> Json:
    """Return a service request."""
    return cast(Json, plain(asdict(request)))


def plain(value: Any) -> Any:
    """Turn moments and days into text, in Beijing time, however deep."""
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).isoformat()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value
