"""All complaints as a table for the supervisor (csv or xlsx).

For the operator only: no customer's path leads here. Cells that a spreadsheet would
take for a formula get an apostrophe in front.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.policystore.complaint_tables import (
    ComplaintLogRow,
    ComplaintRow,
    ComplaintWordsRow,
)
from actions.policystore.numbers import BEIJING

Format = Literal["csv", "xlsx"]
BATCH = 1000

HEADERS = (
    "投诉编号",
    "受理时间",
    "受理渠道",
    "投诉类别",
    "投诉内容",
    "投诉请求",
    "联系电话",
    "客户编号",
    "办理时限",
    "时限依据",
    "状态",
    "撤回时间",
    "承办人",
    "被投诉人",
    "延期次数",
    "答复时间",
    "处理结果",
    "台账记录数",
)
STATUS_WORDS = {
    "received": "已受理",
    "investigating": "处理中",
    "extended": "已延期",
    "decided": "已答复",
    "reviewing": "核查中",
    "closed": "已结案",
    "withdrawn": "已撤回",
}
# Excel, LibreOffice and WPS read these as the beginning of a formula, full width too.
_FORMULA_STARTS = ("=", "+", "-", "@", "|")
# XML 1.0 has no way to write these; a cell takes 32,767 characters.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MAX_CELL = 32_766


def export_complaints(session: Session, file: Path, form: Format) -> int:
    """Write all complaints, oldest first; only the owner may read the file.

    Returns:
        How many.

    Raises:
        OSError: The file cannot be written.
    """
    rows = _rows(session)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    return _write_csv(file, rows) if form == "csv" else _write_xlsx(file, rows)


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = _UNWRITABLE.sub("", text)[:MAX_CELL]
    begin = unicodedata.normalize("NFKC", text[:80]).lstrip()
    is_formula = begin.startswith(_FORMULA_STARTS) or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if is_formula else text


def _rows(session: Session) -> Iterator[tuple[str, ...]]:
    decision = (
        select(ComplaintWordsRow.text)
        .where(
            ComplaintWordsRow.complaint_no == ComplaintRow.complaint_no,
            ComplaintWordsRow.kind == "decided",
        )
        .order_by(ComplaintWordsRow.entry_no.desc())
        .limit(1)
        .correlate(ComplaintRow)
        .scalar_subquery()
    )
    entries = (
        select(func.count())
        .select_from(ComplaintLogRow)
        .where(ComplaintLogRow.complaint_no == ComplaintRow.complaint_no)
        .correlate(ComplaintRow)
        .scalar_subquery()
    )
    found = session.execute(
        select(ComplaintRow, decision, entries)
        .order_by(ComplaintRow.filed_at, ComplaintRow.complaint_no)
        .execution_options(yield_per=BATCH)
    )
    for row, decided, count in found:
        cells = (
            row.complaint_no,
            _minute(row.filed_at),
            row.channel,
            row.category,
            row.what,
            row.wanted,
            row.contact_phone,
            row.customer_id or "",
            _minute(row.due_at),
            row.due_clause,
            STATUS_WORDS.get(row.status, row.status),
            _minute(row.withdrawn_at),
            row.handler or "",
            row.accused or "",
            str(row.extension_level),
            _minute(row.decided_at),
            decided or "",
            str(count),
        )
        yield tuple(safe_cell(cell) for cell in cells)


def _write_csv(file: Path, rows: Iterable[tuple[str, ...]]) -> int:
    count = 0
    # The mark tells Excel that this is UTF-8.
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADERS)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_xlsx(file: Path, rows: Iterable[tuple[str, ...]]) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("投诉台账")
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, header) for header in HEADERS]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    count = 0
    for row in rows:
        sheet.append(row)
        count += 1
    book.save(file)
    book.close()
    return count


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}" if moment else ""
