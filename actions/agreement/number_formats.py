"""Word's number formats: a counter written as 三, 叁, 甲, 03, c, iii, ⑶ and so on."""

from __future__ import annotations

from actions.agreement.numerals import DIGITS, int_to_chinese

_LEGAL = str.maketrans("零一二三四五六七八九十百千", "零壹贰叁肆伍陆柒捌玖拾佰仟")
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"


def format_number(value: int, number_format: str) -> str:
    """Write a number in one of Word's number formats.

    Args:
        value: the counter.
        number_format: `w:numFmt` value; unknown ones are written as decimal.
    """
    if number_format == "none":
        return ""
    if value < 0 or value > 9999:
        return str(value)
    if number_format in (
        "chineseCounting",
        "chineseCountingThousand",
        "taiwaneseCounting",
        "taiwaneseCountingThousand",
        "japaneseCounting",
    ):
        return int_to_chinese(value)
    if number_format in (
        "ideographDigital",
        "taiwaneseDigital",
        "japaneseDigitalTenThousand",
    ):
        return "".join("\u3007" if c == "0" else DIGITS[int(c)] for c in str(value))
    if number_format in ("chineseLegalSimplified", "ideographLegalTraditional"):
        return int_to_chinese(value).translate(_LEGAL)
    if number_format == "ideographTraditional" and 1 <= value <= 10:
        return _STEMS[value - 1]
    if number_format == "ideographZodiac" and 1 <= value <= 12:
        return _BRANCHES[value - 1]
    return _western(value, number_format)


def _western(value: int, number_format: str) -> str:
    if number_format == "decimalZero":
        return f"{value:02d}"
    if number_format in ("decimalFullWidth", "decimalFullWidth2"):
        return "".join(chr(ord(c) + 0xFEE0) for c in str(value))
    if number_format.startswith("decimalEnclosedCircle") and 1 <= value <= 20:
        return chr(0x2460 + value - 1)
    if number_format == "decimalEnclosedParen" and 1 <= value <= 20:
        return chr(0x2474 + value - 1)
    if number_format == "decimalEnclosedFullstop" and 1 <= value <= 20:
        return chr(0x2488 + value - 1)
    if number_format in ("lowerLetter", "upperLetter") and value >= 1:
        letter = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter.upper() if number_format == "upperLetter" else letter
    if number_format in ("lowerRoman", "upperRoman") and value >= 1:
        roman = _roman(value)
        return roman if number_format == "upperRoman" else roman.lower()
    return str(value)


def _roman(value: int) -> str:
    pairs = zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    )
    text = ""
    for size, sign in pairs:
        text += sign * (value // size)
        value %= size
    return text
