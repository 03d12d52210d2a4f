"""11.20, 11/20, 11-20: a day only where its surroundings say so.

Two numbers with a mark between them are more often a share, a length, a score or an
estimate (3/4的车门, 1.5米, 1-2个人). What is no day for certain is asked for: asking costs
one question, a wrong day a wrong claim. The assistant's entity patterns keep to it too.
"""

from __future__ import annotations

import re

SHORT_DAY = re.compile(
    r"(?<![0-9A-Za-z./\-:%$¥第])(?P<month>1[0-2]|0?[1-9])(?P<mark>[./\-])"
    r"(?P<day>[12][0-9]|3[01]|0?[1-9])(?![0-9./\-:%A-Za-z])"
)
_CLAUSE_END = "，。；！？,;!?\n"
# What may stand beside a day that is a clause of its own: 时间是11.20左右.
_FILLER = (
    r"(?:[我是就在于从的这那个嗯哦呃啊呢吧了哈呀呗:\s~()\"'“”]|大概|大约|差不多|应该|好像|可能|"
    r"左右|前后|日期|时间|出险|出事|事故|发生|车祸|受伤|住院|入院|就诊|日子|那天|当天|不对|不是|"
    r"改成|改为|更正|今年|去年|前年)"
)
_FILLED = re.compile(rf"{_FILLER}{{0,16}}")
# What follows a day in a longer clause: another word of time, or what happened.
_GOES_ON = re.compile(
    r"\s{0,2}(?:[号日](?!元)|[到至]\s?(?:1[0-2]|0?[1-9])[./-][0-9]|[那当这]天|[当那]日|凌晨|清晨|早|上午|中午|下午|午后|傍晚|晚(?![会宴期])|夜|半夜|深夜|"
    r"周[一二三四五六日天]|[01]?[0-9][点时:]|2[0-4][点时:]|[一二两三四五六七八九十]{1,3}点|"
    r"出(?:的|了|险|事|车祸|门|交通)|发生|发现|发病|撞|碰(?!头)|刮|蹭|追尾|被|在|我|他|她|开车|骑|"
    r"摔|跌|住院|入院|出院|确诊|就诊|去|手术|起火|着火|那次|的(?:事|车祸|时候|早|上午|中午|下午|晚))"
)
_NO_DAY_BEFORE = re.compile(
    r"(?:版本?|比例|比分|比率|型号|系统|占|概率|视力|血压|血糖|排量|尺码|尺寸|[长宽高深重厚价]|直径|"
    r"单价|责任|每|共|各|约|赔了?|花了?|付了?|交了?|修了?)(?:是|为|了|大概|大约|:)?\s?$"
)
_NEAR = 12  # characters looked at beside it


def short_day(text: str) -> tuple[int, int] | None:
    """Month and day of the first short date in ``text``, or None."""
    for found in SHORT_DAY.finditer(text):
        if is_day(text, found):
            return int(found["month"]), int(found["day"])
    return None


def is_day(text: str, found: re.Match[str]) -> bool:
    """Whether this match of `SHORT_DAY` in ``text`` names a day."""
    start, end = found.span()
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    before = re.split(f"[{_CLAUSE_END}]", before)[-1]
    after = re.split(f"[{_CLAUSE_END}]", after, maxsplit=1)[0]
    if _NO_DAY_BEFORE.search(before):
        return False
    month, day = found["month"], found["day"]
    is_next = found["mark"] == "-" and day == str(int(month) + 1)
    if _GOES_ON.match(after):
        return not (is_next and after[:1] in ("号", "日"))  # 3-4号
    # 1-2 is one to two; 01-02, 1/2 and 11-12 may be a day.
    return (
        not (is_next and len(day) == 1)
        and _FILLED.fullmatch(before) is not None
        and _FILLED.fullmatch(after) is not None
    )
