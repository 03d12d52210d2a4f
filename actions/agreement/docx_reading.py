"""Reads the lines of a docx file, with the numbers Word computes itself.

In: the bytes of a docx. Out: (line, origin) pairs. Deleted text is left out,
inserted text is kept, tables become rows unless they only lay out clauses.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import (
    DefusedXmlException,
)
from defusedxml.ElementTree import fromstring

from actions.agreement.errors import AgreementError
from actions.agreement.markers import Kind, Strength, find_markers, is_reference
from actions.agreement.word_numbering import W, WordNumbering

MAX_PART_BYTES = 40 * 1024 * 1024  # one unpacked part; a real one is below 5 MB
MAX_PARTS = 5_000
_IGNORED = {W + name for name in ("del", "moveFrom", "instrText", "delText", "rPr")}
Pair = tuple[str, str]


def read_docx(data: bytes, name: str) -> list[Pair]:
    """Read a docx file.

    Args:
        data: the whole file.
        name: file name for messages.

    Raises:
        AgreementError: when it is damaged, encrypted, a zip bomb or no document.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MAX_PARTS:
                raise AgreementError(f"{name}: more than {MAX_PARTS} parts in the docx")
            document = _part(archive, "word/document.xml", name)
            numbering = _part(archive, "word/numbering.xml", name)
            styles = _part(archive, "word/styles.xml", name)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as err:
        raise AgreementError(f"{name}: damaged docx ({err})") from err
    except (ParseError, DefusedXmlException, NotImplementedError, ValueError) as err:
        raise AgreementError(f"{name}: damaged docx ({err!r})") from err
    body = document.find(W + "body") if document is not None else None
    if body is None:
        raise AgreementError(f"{name}: no Word document inside")
    try:
        return list(_blocks(body, WordNumbering(numbering, styles), False))
    except RecursionError as err:
        raise AgreementError(f"{name}: nested too deeply") from err


def _part(archive: zipfile.ZipFile, part: str, name: str) -> Element | None:
    try:
        info = archive.getinfo(part)
    except KeyError:
        return None
    with archive.open(info) as stream:
        data = stream.read(MAX_PART_BYTES + 1)
    if info.file_size > MAX_PART_BYTES or len(data) > MAX_PART_BYTES:
        raise AgreementError(
            f"{name}: {part} unpacks to more than {MAX_PART_BYTES:,} bytes"
        )
    root: Element = fromstring(data)
    return root


def _blocks(parent: Element, numbers: WordNumbering, toc: bool) -> Iterator[Pair]:
    for child in parent:
        if child.tag == W + "p":
            yield from _paragraph(child, numbers, toc)
        elif child.tag == W + "tbl":
            yield from _table(child, numbers, toc)
        elif child.tag == W + "sdt":
            gallery = child.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
            is_toc = gallery is not None and "Contents" in gallery.get(W + "val", "")
            content = child.find(W + "sdtContent")
            if content is not None:
                yield from _blocks(content, numbers, toc or is_toc)
        elif child.tag in (W + "ins", W + "moveTo", W + "customXml", W + "smartTag"):
            yield from _blocks(child, numbers, toc)


def _paragraph(paragraph: Element, numbers: WordNumbering, toc: bool) -> Iterator[Pair]:
    label = numbers.label(paragraph)
    text = "".join(_runs(paragraph))
    if not text.strip() and label and numbers.last_was_bullet:
        return
    origin = "toc" if toc or numbers.is_toc(paragraph) else "text"
    first = True
    for line in text.split("\n"):
        shown = f"{label} {line.strip()}" if first and label else line
        if line.strip() or (first and label):
            yield shown, origin
        first = False


def _runs(node: Element) -> Iterator[str]:
    for child in node:
        if child.tag in _IGNORED or child.tag == W + "pPr":
            continue
        if child.tag == W + "t":
            yield child.text or ""
        elif child.tag == W + "tab":
            yield "\t"
        elif child.tag in (W + "br", W + "cr"):
            yield "\n"
        elif child.tag == W + "noBreakHyphen":
            yield "-"
        elif child.tag.endswith("}AlternateContent"):
            choice = next((c for c in child if c.tag.endswith("}Choice")), None)
            if choice is not None:
                yield from _runs(choice)
        elif child.tag == W + "txbxContent":
            for paragraph in child.iter(W + "p"):
                yield "\n" + "".join(_runs(paragraph))
        else:
            yield from _runs(child)


def _table(table: Element, numbers: WordNumbering, toc: bool) -> Iterator[Pair]:
    rows: list[list[list[Pair]]] = []
    for row in table.iter(W + "tr"):
        cells: list[list[Pair]] = []
        for cell in row.iterfind(f".//{W}tc"):
            merge = cell.find(f"{W}tcPr/{W}vMerge")
            hidden = merge is not None and merge.get(W + "val") != "restart"
            cells.append([] if hidden else list(_blocks(cell, numbers, toc)))
        rows.append(cells)
    if _lays_out_clauses(rows):
        for cells in rows:
            for cell_lines in cells:
                yield from cell_lines
        return
    for cells in rows:
        shown = [" ".join(text.strip() for text, _ in cell) for cell in cells]
        if any(shown):
            yield "| " + " | ".join(shown) + " |", "row"


def _lays_out_clauses(rows: list[list[list[Pair]]]) -> bool:
    """A table around whole clauses is layout: an article begins inside it."""
    for cells in rows:
        for text, _ in (pair for cell in cells for pair in cell):
            markers = find_markers(text)
            if markers and markers[0].kind is Kind.ARTICLE:
                first = markers[0]
                if first.strength is Strength.LINE and not is_reference(first, text):
                    return True
    return False
