"""Chinese numerals (一二三, 壹贰叁, 十五) to integers and back, 0–9999."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
_VALUES = {char: value for value, char in enumerate(DIGITS)} | {
    char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")
}
_VALUES |= {"两": 2, "兩": 2, "貳": 2, "參": 3, "陸": 6, "O": 0, "○": 0}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
CHINESE_NUMERAL = "[" + "".join(c for c in [*_VALUES, *_UNITS] if c != "O") + "廿]"


def chinese_to_int(text: str) -> int | None:
    """Read a numeral in Chinese or (full-width) Arabic digits.

    Returns:
        The number, or None when the text is not one.
    """
    text = text.replace("廿", "二十").replace(" ", "")
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    if any(char not in _VALUES and char not in _UNITS for char in text):
        return None
    if not any(char in _UNITS for char in text):
        return int("".join(str(_VALUES[char]) for char in text))
    total, digit = 0, None
    for char in text:
        if char in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[char]
            digit = None
        else:
            digit = _VALUES[char]
    return total + (digit or 0)


def int_to_chinese(number: int) -> str:
    """Write a number the way article numbers are written: 15 → 十五.

    Args:
        number: 0–9999.

    Raises:
        ValueError: when out of range.
    """
    if not 0 <= number <= 9999:
        raise ValueError(f"no article number: {number}")
    if number == 0:
        return DIGITS[0]
    parts: list[str] = []
    pending_zero = False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit == 0:
            pending_zero = bool(parts)
            continue
        if pending_zero:
            parts.append(DIGITS[0])
            pending_zero = False
        parts.append(DIGITS[digit] + name)
    text = "".join(parts)
    return text[1:] if text.startswith("一十") else text
