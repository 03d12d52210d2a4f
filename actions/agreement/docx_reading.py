"""Reads the lines of a docx file, with the numbers Word computes itself.

In: the bytes of a docx. Out: (line, origin) pairs of what Word shows. Deleted and
moved-away text is left out, hidden text is a line of its own that no clause gets,
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
from actions.agreement.word_numbering import WordNumbering
from actions.agreement.word_styles import W, WordStyles, is_mark_removed, switch

MAX_PART_BYTES = 40 * 1024 * 1024  # one unpacked part; a real one is below 5 MB
MAX_PARTS = 5_000
HIDDEN = "hidden"  # origin of text that Word does not show
NOTE = "note"  # origin of a footnote or endnote, after the line that points to it
_IGNORED = {W + name for name in ("del", "moveFrom", "instrText", "delText", "rPr")}
_WRAPPERS = {W + name for name in ("ins", "moveTo", "customXml", "smartTag")}
_WORDS = {W + "t", W + "delText"}
_SIGNS = {
    W + "tab": "\t",
    W + "br": "\n",
    W + "cr": "\n",
    W + "noBreakHyphen": "-",
}
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
Pair = tuple[str, str]
Run = tuple[str, bool]


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
            styles = WordStyles(_part(archive, "word/styles.xml", name))
            notes = _notes_of(
                footnote=_part(archive, "word/footnotes.xml", name),
                endnote=_part(archive, "word/endnotes.xml", name),
            )
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as err:
        raise AgreementError(f"{name}: damaged docx ({err})") from err
    except (ParseError, DefusedXmlException, NotImplementedError, ValueError) as err:
        raise AgreementError(f"{name}: damaged docx ({err!r})") from err
    body = document.find(W + "body") if document is not None else None
    if body is None:
        raise AgreementError(f"{name}: no Word document inside")
    try:
        reader = _Reader(WordNumbering(numbering, styles), styles, notes)
        return list(reader.blocks(body, False))
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


def _notes_of(**parts: Element | None) -> dict[str, Element]:
    """Footnotes and endnotes by kind and identifier, Word's own rules left out."""
    return {
        kind + node.get(W + "id", ""): node
        for kind, part in parts.items()
        if part is not None
        for node in part.iterfind(W + kind)
        if node.get(W + "type") in (None, "normal")
    }


def _flat(parent: Element, toc: bool) -> Iterator[tuple[Element, bool]]:
    """Paragraphs and tables in order, wrappers opened; and whether in contents."""
    for child in parent:
        if child.tag in (W + "p", W + "tbl"):
            yield child, toc
        elif child.tag == W + "sdt":
            gallery = child.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
            is_toc = gallery is not None and "Contents" in gallery.get(W + "val", "")
            content = child.find(W + "sdtContent")
            if content is not None:
                yield from _flat(content, toc or is_toc)
        elif child.tag in _WRAPPERS:
            yield from _flat(child, toc)


def _within(parent: Element, name: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, not those of a table inside it."""
    for child in parent:
        if child.tag == W + name:
            yield child
        elif child.tag in _WRAPPERS or child.tag in (W + "sdt", W + "sdtContent"):
            yield from _within(child, name)


def _symbol(node: Element) -> str:
    """A character by its number; the places private to a font show nothing."""
    try:
        code = int(node.get(W + "char", ""), 16)
    except ValueError:
        return ""
    return "" if not 0x20 <= code < 0xD800 else chr(code)


class _Reader:
    """Walks through the document in reading order; counts numbers on the way."""

    def __init__(
        self, numbers: WordNumbering, styles: WordStyles, notes: dict[str, Element]
    ) -> None:
        self._numbers = numbers
        self._styles = styles
        self._notes = notes
        self._pending: list[Element] = []  # notes of the paragraph being read

    def blocks(self, parent: Element, toc: bool) -> Iterator[Pair]:
        """Lines of a body, a cell or a note."""
        joined: list[Element] = []  # paragraphs whose end is gone, and the next
        for node, in_toc in _flat(parent, toc):
            if node.tag == W + "p":
                joined.append(node)
                if is_mark_removed(node):
                    continue
                if self._styles.hides_mark(node) and not self._shows_number(node):
                    continue
                yield from self._paragraph(joined, in_toc)
            else:
                yield from self._paragraph(joined, in_toc)
                yield from self._table(node, in_toc)
            joined = []
        yield from self._paragraph(joined, toc)

    def _shows_number(self, node: Element) -> bool:
        """A numbered paragraph with text stays one, even if its end is hidden."""
        return self._numbers.is_numbered(node) and any(
            text.strip() and not hidden for text, hidden in self._runs(node)
        )

    def _paragraph(self, nodes: list[Element], toc: bool) -> Iterator[Pair]:
        """Lines of one paragraph as shown, made of `nodes` that run together."""
        if not nodes:
            return
        self._pending = []
        pieces = [list(self._runs(node)) for node in nodes]
        notes, self._pending = self._pending, []
        shown = ["".join(text for text, hid in piece if not hid) for piece in pieces]
        owners = [n for n, text in zip(nodes, shown, strict=True) if text.strip()]
        text = "".join(shown)
        label = ""
        if owners or not self._is_removed(nodes):
            numbered = filter(self._numbers.is_numbered, owners or nodes[-1:])
            first_numbered = next(numbered, None)
            if first_numbered is not None:
                label = self._numbers.label(first_numbered)
                if not text.strip() and self._numbers.last_was_bullet:
                    label = ""
        origin = "toc" if toc or self._numbers.is_toc((owners or nodes)[0]) else "text"
        first = True
        for line in text.split("\n"):
            if line.strip() or (first and label):
                yield (f"{label} {line.strip()}" if first and label else line), origin
            first = False
        hidden = "".join(text for piece in pieces for text, hid in piece if hid)
        for line in hidden.split("\n"):
            if line.strip():
                yield line, HIDDEN if origin == "text" else origin
        for note in notes:
            for line, kind in self.blocks(note, False):
                yield line, kind if kind == HIDDEN else NOTE

    def _is_removed(self, nodes: list[Element]) -> bool:
        """A paragraph that once held words, or whose end is gone, has no number."""
        return all(
            is_mark_removed(node)
            or self._styles.hides_mark(node)
            or any(child.tag in _WORDS and child.text for child in node.iter())
            for node in nodes
        )

    def _runs(self, node: Element, within: Element | None = None) -> Iterator[Run]:
        """Pieces of text with whether Word hides them."""
        paragraph = node if within is None else within
        for child in node:
            if child.tag in _IGNORED or child.tag == W + "pPr":
                continue
            if child.tag == W + "r":
                hidden = self._styles.hides_run(child, paragraph)
                for text, inner in self._runs(child, paragraph):
                    yield text, hidden or inner
            elif child.tag in (W + "t", _MATH_TEXT):
                yield child.text or "", False
            elif child.tag in _SIGNS:
                yield _SIGNS[child.tag], False
            elif child.tag == W + "sym":
                yield _symbol(child), False
            elif child.tag in (W + "footnoteReference", W + "endnoteReference"):
                kind = child.tag.removeprefix(W).removesuffix("Reference")
                note = self._notes.get(kind + (child.get(W + "id") or ""))
                if note is not None and note not in self._pending:
                    self._pending.append(note)
            elif child.tag.endswith("}AlternateContent"):
                choice = next((c for c in child if c.tag.endswith("}Choice")), None)
                if choice is not None:
                    yield from self._runs(choice, paragraph)
            elif child.tag == W + "p":  # of a text box
                yield "\n", False
                yield from self._runs(child)
            else:
                yield from self._runs(child, paragraph)

    def _table(self, table: Element, toc: bool) -> Iterator[Pair]:
        rows: list[list[list[Pair]]] = []
        for row in _within(table, "tr"):
            properties = row.find(W + "trPr")
            if properties is not None and properties.find(W + "del") is not None:
                continue
            unseen = bool(switch(properties, "hidden"))
            cells: list[list[Pair]] = []
            for cell in _within(row, "tc"):
                own = cell.find(W + "tcPr")
                if own is not None and own.find(W + "cellDel") is not None:
                    continue
                merge = None if own is None else own.find(W + "vMerge")
                covered = merge is not None and merge.get(W + "val") != "restart"
                away = unseen or covered
                cells.append(
                    self._unseen(cell) if away else list(self.blocks(cell, toc))
                )
            rows.append(cells)
        if _lays_out_clauses(rows):
            for cells in rows:
                for pairs in cells:
                    yield from pairs
            return
        for cells in rows:
            shown = [
                " ".join(text.strip() for text, origin in pairs if origin != HIDDEN)
                for pairs in cells
            ]
            if any(shown):
                yield "| " + " | ".join(shown) + " |", "row"
            for pairs in cells:
                yield from (pair for pair in pairs if pair[1] == HIDDEN)

    def _unseen(self, cell: Element) -> list[Pair]:
        """The text of a cell that is not shown; its paragraphs take no number."""
        texts = ["".join(text for text, _ in self._runs(p)) for p in _within(cell, "p")]
        return [(text.replace("\n", " "), HIDDEN) for text in texts if text.strip()]


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
