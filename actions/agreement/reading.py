"""Turns a file into lines: txt and md in any usual encoding, docx through `docx.py`.

In: a path. Out: non-empty `SourceLine`s and the front matter of a Markdown file.
Everything that cannot be read ends in an `AgreementError` that names the file.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from actions.agreement.clauses import SourceLine
from actions.agreement.errors import AgreementError

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_LINES = 50_000
_BREAKS = re.compile(r"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Word (.doc) or encrypted file",
    b"{\\rtf": "RTF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\x00"), None)


def read_file(path: Path) -> tuple[list[SourceLine], dict[str, Any]]:
    """Read the non-empty lines of an agreement.

    Args:
        path: a .docx, .txt, .md or .markdown file, at most 20 MB.

    Returns:
        The lines and the metadata at the head of a Markdown file ({} otherwise).

    Raises:
        AgreementError: when the file is missing, empty, too big, broken, binary
            or of another format; the message says which.
    """
    data = _bytes_of(path)
    suffix = path.suffix.lower()
    what = next((n for sig, n in _SIGNATURES.items() if data.startswith(sig)), "")
    if suffix == ".docx":
        if what != "zip":
            raise AgreementError(f"{path.name}: not a docx file ({what or 'no zip'})")
        from actions.agreement.docx_reading import read_docx

        return _numbered(read_docx(data, path.name), path), {}
    if suffix not in (".txt", ".md", ".markdown", ".text"):
        raise AgreementError(
            f"{path.name}: cannot read {suffix or 'a file without suffix'}; "
            "save it as docx, txt or md"
        )
    if what:
        raise AgreementError(f"{path.name}: this is {what}, not a text file")
    text = decode(data, path.name)
    meta: dict[str, Any] = {}
    if suffix in (".md", ".markdown"):
        meta, text = split_front_matter(text, path.name)
        pieces = [(_plain(line), _origin(line)) for line in _split(text)]
        return _numbered(pieces, path), meta
    found: list[SourceLine] = []
    for page, part in enumerate(text.split("\f")):
        pieces = [(t, _origin(t).replace("heading", "text")) for t in _split(part)]
        found += _pieces(pieces, len(found), page)
    return _checked_lines(found, path), meta


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise AgreementError(
                f"{path.name}: {size:,} bytes; at most {MAX_FILE_BYTES:,} are read"
            )
        data = path.read_bytes()
    except OSError as err:
        raise AgreementError(f"{path}: {err.strerror or err}") from err
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise AgreementError(f"{path.name}: the file is empty")
    return data


def _numbered(pieces: list[tuple[str, str]], path: Path) -> list[SourceLine]:
    return _checked_lines(_pieces(pieces, 0, 0), path)


def _pieces(pieces: list[tuple[str, str]], first: int, page: int) -> list[SourceLine]:
    lines: list[SourceLine] = []
    for text, origin in pieces:
        text = text.translate(_INVISIBLE).strip()
        if text:
            lines.append(SourceLine(first + len(lines), text, origin, page))
    return lines


def _checked_lines(lines: list[SourceLine], path: Path) -> list[SourceLine]:
    if not lines:
        raise AgreementError(f"{path.name}: the file holds no text")
    if len(lines) > MAX_LINES:
        raise AgreementError(f"{path.name}: more than {MAX_LINES:,} lines")
    return lines


def _split(text: str) -> list[str]:
    return _BREAKS.split(text)


def decode(data: bytes, name: str) -> str:
    """Decode a text file: BOMs, UTF-8, UTF-16 without BOM, GB18030.

    Raises:
        AgreementError: when it is none of these or not text at all.
    """
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(bom):
            return _checked(_try(data, encoding), name)
    encodings = ["utf-8", "gb18030"]
    half = max(1, len(data) // 2)
    if data[1::2].count(0) > half * 0.05 or data[0::2].count(0) > half * 0.05:
        little = data[1::2].count(0) > data[0::2].count(0)
        encodings.insert(0, "utf-16-le" if little else "utf-16-be")
    for encoding in encodings:
        text = _try(data, encoding)
        if text is not None and _is_text(text):
            return text
    for encoding in ("utf-16-le", "utf-16-be"):  # Chinese without a single ASCII
        text = _try(data, encoding)
        if text is not None and _is_text(text) and "第" in text:
            return text
    raise AgreementError(
        f"{name}: not a text file in UTF-8, GB18030 or UTF-16 (binary or damaged)"
    )


def _checked(text: str | None, name: str) -> str:
    if text is None or not _is_text(text):
        raise AgreementError(f"{name}: damaged text (its byte order mark misleads)")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _is_text(text: str) -> bool:
    sample = text[:20_000]
    odd = sum(
        unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs")
        and char not in "\r\n\t\f\v"
        for char in sample
    )
    return odd <= len(sample) * 0.01


def split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str]:
    """Cut the YAML block at the head of a Markdown text.

    Raises:
        AgreementError: when the block is not valid YAML.
    """
    match = re.match(r"\s*---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL)
    if match is None:
        return {}, text
    try:
        meta = yaml.safe_load(match.group(1))
    except yaml.YAMLError as err:
        raise AgreementError(f"{name}: bad front matter: {err}") from err
    return (meta if isinstance(meta, dict) else {}), text[match.end() :]


_COMMENT = re.compile(r"^\s*<!--.*-->\s*$")


def _origin(line: str) -> str:
    line = line.strip()
    if line.count("|") >= 2 and line[0] == line[-1] == "|":
        return "row" if line.strip("|-: \t") else "text"
    return "heading" if re.match(r"#{1,2}\s", line) else "text"


# Bold, italic and code; `__` and `_` inside or beside words are blanks to fill in.
_MARKS = (
    re.compile(r"(?<![\\*])\*\*(?=[^\s*])([^*\n]+?)(?<=\S)\*\*(?!\*)"),
    re.compile(r"(?<![\w\\])__(?=[^\s_])([^_\n]+?)(?<=\S)__(?!\w)"),
    re.compile(r"(?<![\w\\*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"),
    re.compile(r"(?<![`\\])`([^`\n]+)`(?!`)"),
)


def _plain(line: str) -> str:
    """Take the marks of Markdown off a line, keep its words."""
    if _COMMENT.match(line):
        return line
    line = re.sub(r"^\s{0,3}(?:>\s*)+", "", line)
    line = re.sub(r"^\s*#{1,6}\s+(.*?)\s*#*\s*$", r"\1", line)
    line = re.sub(r"^\s*[-*+]\s+(?=\S)", "", line)
    for mark in _MARKS:
        line = mark.sub(r"\1", line)
    return re.sub(r"\\([\\.`*_{}()#+\-!\[\]])", r"\1", line)
