"""How values are shown to a customer: money, dates, masked names and numbers.

In: fen, UTC moments, stored names. Out: Chinese text in Beijing time. Formats only.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from actions.moments import When
from actions.money import Amount
from actions.words import words

BEIJING = ZoneInfo("Asia/Shanghai")
FEN_PER_YUAN = 100


def money(fen: int | None) -> str:
    """``860000`` → ``8,600.00元``; a dash when there is no amount yet."""
    if fen is None:
        return "—"
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{yuan:,}.{rest:02d}元"


def day(moment: datetime | date | None) -> str:
    """A day in Beijing as ``2026-10-12``; a dash when there is none."""
    if moment is None:
        return "—"
    if isinstance(moment, datetime):
        moment = moment.astimezone(BEIJING).date()
    return moment.isoformat()


def day_begins(moment: datetime) -> datetime:
    """Midnight in Beijing of a moment's day."""
    return moment.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)


def minute(moment: datetime) -> str:
    """A moment in Beijing as ``2026-10-12 18:00``."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def moment(said: When) -> str:
    """A moment no more exact than it was said: ``2026-10-08 晚上``, ``约2026-10-08``."""
    first = exactly(said.start, said)
    if said.until is None:
        return _about(first) if said.estimate else first
    last = exactly(said.until, said)
    same_day = day(said.start) + " "
    if last.startswith(same_day):
        last = last.removeprefix(same_day)
    return _about(words()["from_to"].format(first=first, last=last))


def exactly(start: datetime, said: When) -> str:
    """One of the moments ``said`` can mean, without the hour that was not said."""
    if said.precision == "minute":
        return minute(start)
    return f"{day(start)} {said.part}" if said.precision == "part" else day(start)


def amount(said: Amount) -> str:
    """A sum as it was said: ``3,000.00元``, ``约2,000.00元至3,000.00元``."""
    least = money(said.fen)
    if said.most > said.fen:
        least = words()["from_to"].format(first=least, last=money(said.most))
    return _about(least) if said.estimate else least


def _about(value: str) -> str:
    return str(words()["about"].format(value=value))


def masked_name(name: str) -> str:
    """张伟 → 张*, 欧阳小红 → 欧**红: enough to recognise, too little to leak."""
    if len(name) <= 2:
        return name[:1] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def masked_phone(phone: str) -> str:
    """13900000001 → 139****0001."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"


def numbered(lines: list[str]) -> str:
    """Lines as ``1. …`` each on its own line."""
    return "\n".join(f"{index}. {line}" for index, line in enumerate(lines, start=1))
