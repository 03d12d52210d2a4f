"""WeChat's XML, which may be hostile or hold what XML cannot: read without a DTD.

In: bytes of a callback. Out: its fields as text. Customers' phones send characters that
XML 1.0 forbids, and the platform passes them on: they are left out, and the rest of the
message stays. They are not cut out of the bytes, or ``]]`` and ``>`` on both sides of one
would end a CDATA section and its sender could write fields of their own: each is replaced
by a character that no text has, which the fields then lose.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.errors import BadInput

_MAX_FIELDS = 200
_MAX_DEPTH = 6
# A noncharacter of Unicode that XML allows: nobody can mean it.
_GAP = "\ufdd0"
_LEAVE_GAP = "baoke.gap"  # name of what decoding does with bytes that are none
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = re.compile(r"\A<\?xml[^>]{0,200}?>")
_ENCODING = re.compile(r"""\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# References of neighbours stand for one character when they are its two halves.
_REFERENCES = re.compile(r"(?:&#(?:x[0-9A-Fa-f]+|[0-9]+);)+")
_REFERENCE = re.compile(r"&#(x?)([0-9A-Fa-f]+);")
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
# Encodings by the name that Python knows; gb18030 holds the older two.
_ENCODINGS = {
    "utf-8": "utf-8", "ascii": "utf-8", "gb2312": "gb18030", "gbk": "gb18030",
    "gb18030": "gb18030", "iso8859-1": "latin-1",
}  # fmt: skip

Fields = dict[str, Any]


def read_xml(body: bytes) -> Fields:
    """Read a callback's XML; no DTD, no entities, no surprises.

    Raises:
        BadInput: It is no XML of WeChat's shape (status 400).
    """
    try:
        root = fromstring(_readable(_decode(body)), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as err:
        raise BadInput("bad_request", 400) from err
    if root.tag != "xml" or sum(1 for _ in root.iter()) > _MAX_FIELDS:
        raise BadInput("bad_request", 400)
    return _fields(root, _MAX_DEPTH)


def clean_xml_text(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text).replace(_GAP, "")


def _gap(err: UnicodeError) -> tuple[str, int]:
    assert isinstance(err, UnicodeDecodeError)
    return _GAP, err.end


codecs.register_error(_LEAVE_GAP, _gap)


def _decode(body: bytes) -> str:
    """Return the characters of a body, with a gap for bytes that are none.

    Raises:
        LookupError: Nobody knows the encoding.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", _LEAVE_GAP)
    body = body.removeprefix(codecs.BOM_UTF8)
    head = _DECLARATION.match(body[:300].decode("latin-1"))
    named = _ENCODING.search(head[0]) if head else None
    encoding = codecs.lookup(named[1]).name if named else "utf-8"
    return body.decode(_ENCODINGS[encoding], _LEAVE_GAP)


def _readable(text: str) -> str:
    """Return a body that XML's reader takes, with a gap for each character it refuses."""
    # At both ends there is no text that could keep a gap.
    begin, end = max(text.find("<"), 0), text.rfind(">") + 1
    head, tail = clean_xml_text(text[:begin]), clean_xml_text(text[end:])
    whole = head.lstrip("\ufeff \t\r\n") + _ILLEGAL.sub(_GAP, text[begin:end]) + tail
    return "".join(_without_references(_DECLARATION.sub("", whole)))


def _without_references(text: str) -> Iterator[str]:
    """Resolve references outside of CDATA sections; inside they are words."""
    at = 0
    while (begin := text.find(_CDATA, at)) >= 0:
        yield _REFERENCES.sub(_resolve, text[at:begin])
        end = text.find(_CDATA_END, begin)
        at = end + len(_CDATA_END) if end >= 0 else len(text)
        yield text[begin:at]
    yield _REFERENCES.sub(_resolve, text[at:])


def _resolve(found: re.Match[str]) -> str:
    units = [
        int(digits.lstrip("0") or "0", 16 if marked else 10)
        if len(digits.lstrip("0")) < 8
        else -1
        for marked, digits in _REFERENCE.findall(found[0])
    ]
    known = "".join(chr(u) if 0 <= u <= 0x10FFFF else _GAP for u in units)
    joined = known.encode("utf-16-le", "surrogatepass").decode("utf-16-le", _LEAVE_GAP)
    return escape(_ILLEGAL.sub(_GAP, joined))


def _fields(element: Element, depth: int) -> Fields:
    found: Fields = {}
    for child in element:
        nested = len(child) > 0 and depth > 0
        words = clean_xml_text(child.text or "")
        found[child.tag] = _fields(child, depth - 1) if nested else words
    return found
