"""Where the data stands in a customer's message: numbers, dates, amounts, plates.

In: the text as typed. Out: spans with ``value == text[start:end]``, code points, end
exclusive, sorted, without overlaps. Conventions: shared/INTENTS.md. No Rasa here.

Two things keep a hostile text from holding the server: every repeat in a pattern is
bounded and only the first `MAX_CHARACTERS` are read; and should a pattern run away all the
same, `components.searching` ends it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from actions.short_days import SHORT_DAY, is_day
from components.searching import Budget, Pattern, compiled
from components.text import MAX_CHARACTERS


@dataclass(frozen=True)
class Span:
    """One piece of data in a text."""

    entity: str
    start: int
    end: int
    value: str


_CN = "零〇一二两三四五六七八九十"
# Every repeat has an end: customers' text of any kind is read in linear time.
_NUM = rf"(?:\d{{1,11}}|[{_CN}]{{1,8}})"
# 2-3, 17、18: the least and the most.
_NUMS = rf"(?:{_NUM}(?:[-~—、到至]{_NUM})?)"
_EDGE = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"


def _numbered(letter: str) -> str:
    return rf"{_EDGE}[{letter}{letter.lower()}][ -]?(?:\d[ -]?){{12}}\d(?!\d)"


# --- dates -------------------------------------------------------------------------
_PART = (
    r"(?:凌晨|清晨|清早|大清早|一大早|早上|早晨|早间|上午|中午|正午|午后|下午|傍晚|晚上|夜里|夜间|"
    r"深夜|半夜|午夜|大半夜|晚间|早|晚)"
)
_CLOCK = (
    rf"(?:\d{{1,2}}[:：]\d{{2}}(?:[:：]\d{{2}})?"
    rf"|{_NUMS}(?:点|时(?!候|间|不|常|效))(?:钟|整|半|过|一刻|三刻|{_NUM}分?|多)?)"
)
_TIME = rf"(?:{_PART}?\s{{0,2}}{_CLOCK}|{_PART})"
_YEAR = rf"(?:(?:\d{{4}}|\d{{2}}|[{_CN}]{{2,4}})年|今年|去年|前年|大前年|明年|本年)"
_MONTH = rf"(?:{_NUM}月份?|上个?月|这个?月|本月|下个?月|当月)"
_DAY_NO = rf"(?:{_NUMS}[号日](?![楼院线店铺门单元])|初{_NUM}|底|初|中旬|上旬|下旬)"
_WEEKDAY = r"(?:周|星期|礼拜)[一二三四五六日天末]"
_DAY = (
    r"(?:大前天|前天|昨天|今天|明天|后天|大后天|昨日|今日|明日|前日|当天|当日|"
    r"昨晚|今晚|前晚|明晚|昨夜|今夜|今早起?|昨早|明早|今晨|[今昨前明]儿个|今儿早起|今儿|昨儿|前儿|明儿|琴日|今朝)"
)
_WEEK = rf"(?:(?:上上|上|这|本|下下|下)个?{_WEEKDAY}|{_WEEKDAY}|(?:上上|上|这|本|下)个?(?:周|星期|礼拜))"
_LUNAR = (
    r"(?:正月|冬月|腊月|[二三四五六七八九十]月)(?:初[一二三四五六七八九十]|廿[一二三四五六七八九]?)"
    r"|(?:正月|冬月|腊月)(?:二十|三十|十)[一二三四五六七八九]?"
)
_FESTIVAL = (
    rf"(?:(?:{_LUNAR}|元旦|春节|除夕|大年三十|大年初[一二三四五六七]|清明|五一|端午|中秋|国庆|双十一|双11|元宵|七夕|重阳|腊八|平安夜|圣诞|大年夜"
    r"|十一(?=假期|那天|期间))(?:节)?(?:假期)?(?:第[一二三四五六七]天|[前后][一两]天|前夕|当天|那天(?=[早上中下晚夜凌半傍]))?)"
)
_AGO = (
    rf"(?:(?:{_NUMS}|半|几|好几)[来多余几]?(?:个半?)?多?(?:分钟|刻钟|小时|钟头|天|周|星期|礼拜|(?<=[个半多来余])月|年)多?"
    r"(?:之前|以前|前)|(?<![提之以目当生])前(?:[两三四五六七八][三四五六七八九]|两)天)"
)
_OF = r"\s{0,2}的?\s{0,2}"
_ABSOLUTE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
    r"|(?<!\d)20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"
    rf"|{_YEAR}{_OF}{_MONTH}{_OF}{_DAY_NO}"
    rf"|{_YEAR}\s{{0,2}}{_MONTH}"
    rf"|{_MONTH}{_OF}{_DAY_NO}"
    r"|(?<![\d./-])(?:1[0-2]|0?[1-9])[-/.](?:[12]\d|3[01]|0?[1-9])(?![\d./-]|[万元块%折年岁楼])(?=号|日|\s|$|[\u4e00-\u9fff，。,;；])"
    rf"|{_MONTH}|{_YEAR})"
)
_DATE = (
    rf"(?:(?:{_AGO}|{_ABSOLUTE}|{_WEEK}|{_FESTIVAL}|{_DAY})[，, ]?的?\s{{0,2}}"
    rf"(?:{_DAY}\s{{0,2}})?{_TIME}?|(?<![\d月]){_NUMS}[号日]\s{{0,2}}{_TIME}?"
    rf"|{_PART}?\s{{0,2}}{_CLOCK}|{_PART})"
)
# Words that contain a date's characters and are none.
_NOT_DATE = re.compile(
    r"^(?:早|晚|中午|半夜|底|初|中旬|上午|下午|晚上|早上|凌晨|傍晚|夜里|当天|当日|当月)$|^[上下]$|^一点$|^一日$|^一天$"
)
_AFTER_NOT_DATE = re.compile(
    r"^(?:点|号(?:码|楼|院|线|店|门|单元)|日常|月经|月供|期间内)"
)
# 保20年, 交费二十年: how long, not when.
_BARE_YEARS = re.compile(rf"^(?:\d{{2}}|[{_CN}]{{2,4}})年$")
_BEFORE_YEARS = re.compile(
    r"[保交缴满近约整选]$|(?:交|缴|保障|期限|年限)[^，。,;；]{0,8}$"
)
_BARE_DAY_NOT = re.compile(
    r"^(?:号码|号楼|号线|号院|号店|号门|号单元|号坐席|号客服|日内|日游|号车)"
)

# --- amounts -----------------------------------------------------------------------
_CN_AMOUNT = r"[一二两三四五六七八九十百千万亿零〇半几]"
_FIGURE = r"\d[\d,]{0,17}(?:\.\d{1,6})?"
_UNIT = r"(?:块钱|元钱|块|元|圆|人民币|美元|港币|刀|毛钱|角钱)"
# What would make it a count of something else: 三百多人, 一千八百公里.
_NOT_COUNTED = (
    r"(?![万千百十多来A-Za-z公里字步人次户个米岁平吨名家号栋楼月年天份单页条种例块元])"
)
_TO = r"(?:[-~—]|到|至)"
_AMOUNT = (
    # 2-3千, 5000到8000元, 5、6万
    rf"(?:(?<![\dA-Za-z.、-])\d{{1,9}}(?:\.\d{{1,2}})?[万千百]?[块元]?{_TO}\d{{1,9}}(?:\.\d{{1,2}})?"
    rf"(?:[万千百]?{_UNIT}|[万千]{_NOT_COUNTED})"
    rf"|(?<![\d.、])\d、\d[万千](?:{_UNIT}|{_NOT_COUNTED})"
    rf"|[一二两三四五六七八九][百千万][一二三四五六七八九]{{2}}[十百千]?{_UNIT}"
    rf"|[￥¥$]\s?{_FIGURE}\s?(?:[万千百亿wWkK](?![A-Za-z]))?(?:多|余|来|几)?\s?{_UNIT}?"
    rf"|(?:rmb|RMB|人民币)\s?{_FIGURE}\s?[万千百亿]?\s?{_UNIT}?"
    rf"|{_FIGURE}\s?[万千百亿wWkK]?(?:多|余|来|几)?\s?{_UNIT}(?:[一二三四五六七八九]|\d(?!\d))?"
    rf"|{_FIGURE}\s?(?:万亿|亿|万|w|W)(?:多|余|来)?(?:{_CN_AMOUNT}千?|\d(?![\d.]))?(?![A-Za-z公里字步人次户个米里岁平吨名家])"
    rf"|\d(?:\.\d)?千(?![A-Za-z公里克瓦米万])"
    rf"|\d{{1,11}}(?:\.\d{{1,6}})?[kK](?:多|来)?(?![A-Za-z0-9])"
    r"|\d[万千]\d(?!\d)(?![A-Za-z公里字步人次户个米岁平吨名家号栋楼月年天])"
    # 两千八, 一百二: the last digit is of the next lower place.
    rf"|[一二两三四五六七八九][千百万][一二三四五六七八九]{_NOT_COUNTED}"
    rf"|[一二两三四五六七八九]百(?:多|来|出头){_NOT_COUNTED}"
    r"|(?:一两|两三|三五|三四|四五|五六|六七|七八|八九|二三)(?:[十百千]?万|[百千亿])(?:块钱?|元)?(?![人个次里公米斤])"
    rf"|[壹贰叁肆伍陆柒捌玖][壹贰叁肆伍陆柒捌玖拾佰仟万零]{{0,20}}[元圆]整?"
    rf"|(?:[一二两三四五六七八九十半几]{_CN_AMOUNT}{{0,12}}(?:点[一二三四五六七八九]{{1,4}})?[万千百亿十]?|[一二两三四五六七八九])(?:多|余|来)?\s?{_UNIT}(?:[一二三四五六七八九])?"
    rf"|(?:[一二两三四五六七八九十]{{1,4}}百?[一二三四五六七八九]{{0,2}}十?|[一二两三四五六七八九]千|[一二两三四五六七八九]百)万(?:[一二三四五六七八九]千?)?(?:多|余|来)?(?![一公里字步人次户个米里岁平吨名家分])"
    rf"|[一二两三四五六七八九]千[一二三四五六七八九]?百?(?:多|余|来)(?![万公里字步人次户个米里岁]))"
)
_BEFORE_NOT_AMOUNT = re.compile(r"(?:第|百)$")
_AFTER_NOT_AMOUNT = re.compile(r"^(?:医疗险?|身价|素|儿)")

# --- other -------------------------------------------------------------------------
_PLATE = (
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] ?"
    r"[A-HJ-NP-Za-hj-np-z][·•．.\- ]?"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{5,6}|[A-HJ-NP-Za-hj-np-z0-9]{4}[挂学警港澳])(?![A-Za-z0-9])"
)
_DAY_OF_ID = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_NUMBER = (
    rf"(?<!\d)[1-9]\d{{5}} ?(?:18|19|20)\d{{2}}{_DAY_OF_ID} ?\d{{3}}[\dXx](?![A-Za-z0-9])"
    # Fifteen digits until 1999, with a year of two.
    rf"|(?<=身份证)[^\d]{{0,14}}(?P<old>[1-9]\d{{7}}{_DAY_OF_ID}\d{{3}})(?!\d)"
)
_MOBILE = r"(?<![\dA-Za-z])(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"
_LANDLINE = r"(?<![\dA-Za-z-])(?:\(0\d{2,3}\)|（0\d{2,3}）|0\d{2,3})[- ]?[2-8]\d{6,7}(?:[- 转]\d{1,5}(?!号))?(?!\d)"
_LOCAL_LINE = r"(?<=座机)[是：: 号]{0,3}(?P<value>[2-8]\d{6,7})(?!\d)|(?<=固话)[是：: 号]{0,3}(?P<value2>[2-8]\d{6,7})(?!\d)"
_NOT_REACHABLE = re.compile(
    r"(?:快递|运单|物流|单号|工号|编号|订单|取件码|你们(?:的)?(?:客服|热线|电话)|客服(?:电话|热线)?|热线)"
    r"[是为：: 号码]{0,4}$"
)
_TAIL = r"(?:\d{4}|\d{3}[Xx])"
_LONG_TAIL = r"\d{5}[\dXx]"
_TAIL_CUED = (
    rf"(?:身份证|证件|身份|号码)[^，。,;；\d]{{0,8}}?(?:后|末|最后|尾)[^，。,;；\d]{{0,8}}?(?P<value>{_TAIL}){_END}"
    rf"|(?<![卡机号])(?:后四位|后4位|末四位|末4位|最后四位|最后4位|后面四位|后面4位|尾号|尾数|后四个数|末尾四位)[^，。,;；\d]{{0,6}}?(?P<value2>{_TAIL}){_END}"
    rf"|(?:身份证|证件号?)[尾号后四4位是为：: 的]{{0,8}}(?P<value3>{_TAIL}){_END}"
    rf"|(?:身份证|证件)[^，。,;；\d]{{0,6}}(?:后|末|最后)(?:六|6)位[^，。,;；\d]{{0,4}}"
    rf"(?P<value5>{_LONG_TAIL}){_END}"
    rf"|{_EDGE}(?P<value4>{_TAIL}){_END}(?=[^，。,;；]{{0,2}}(?:是|为)?[^，。,;；]{{0,4}}(?:身份证|证件)[^，。,;；]{{0,4}}(?:后|末|尾))"
)
_NOT_ID_TAIL = re.compile(
    r"(?:银行卡|卡号|手机|电话|保单|车牌|理赔|单号|快递|发票|订单)[^，。,;；]{0,10}$"
)
_TAIL_ALONE = re.compile(rf"^[\s,，.。:：是]*+(?P<value>{_TAIL})[\s,，.。!！呀啊哈]*+$")
_TAIL_WITH_X = compiled(rf"{_EDGE}(?P<value>\d{{3}}[Xx]){_END}")
_AFTER_NUMBER = re.compile(rf"^[\s,，、;；:：和及/]{{1,3}}(?P<value>{_TAIL}){_END}")


def folded(text: str) -> str:
    """Half-width letters and digits, one code point for one, so spans stay true."""
    return "".join(
        narrow if len(narrow := unicodedata.normalize("NFKC", c)) == 1 else c
        for c in text
    )


class EntityPatterns:
    """Finds all entities of a text; ``products`` are the words of the lookup table."""

    def __init__(self, products: Iterable[str]) -> None:
        words = sorted(set(products), key=len, reverse=True)
        alternatives = "|".join(map(re.escape, words)) or r"(?!)"
        self._product = compiled(alternatives, re.IGNORECASE)

    def find(self, text: str) -> list[Span]:
        """All entities; where two claim a character the more specific one keeps it.

        Only the first `MAX_CHARACTERS` are read.

        Raises:
            TimeoutError: a pattern ran away; see `components.searching`.
        """
        plain = folded(text[:MAX_CHARACTERS])
        budget = Budget()
        taken: list[tuple[str, int, int]] = []
        for entity, spans in (
            ("policy_no", _matches(_POLICY, plain, budget)),
            ("claim_no", _matches(_CLAIM, plain, budget)),
            ("complaint_no", _matches(_COMPLAINT, plain, budget)),
            ("id_number", _matches(_RE_ID_NUMBER, plain, budget)),
            ("plate_no", _matches(_RE_PLATE, plain, budget)),
            ("phone", _phones(plain, budget)),
            ("product", _matches(self._product, plain, budget)),
            ("amount", _amounts(plain, budget)),
            ("date", _dates(plain, budget)),
        ):
            taken += _free(entity, spans, taken)
        taken += _free("id_tail", _tails(plain, taken, budget), taken)
        taken.sort(key=lambda span: span[1])
        return [Span(e, start, end, text[start:end]) for e, start, end in taken]


_POLICY = compiled(_numbered("P"))
_CLAIM = compiled(_numbered("C"))
_COMPLAINT = compiled(_numbered("T"))
_RE_ID_NUMBER = compiled(_ID_NUMBER)
_RE_PLATE = compiled(_PLATE)
_RE_AMOUNT = compiled(_AMOUNT)
_RE_DATE = compiled(_DATE)
_RE_PHONES = (compiled(_MOBILE), compiled(_LANDLINE), compiled(_LOCAL_LINE))
_RE_TAIL = compiled(_TAIL_CUED)
_SHORT_SHAPE = re.compile(r"(?:1[0-2]|0?[1-9])[-/.](?:[12]\d|3[01]|0?[1-9])")
# 2-3天前, 3-4点, 17-18号 are no 2-3.
_IS_RANGE = re.compile("[点时号日天周年]|个月|分钟|小时|星期|礼拜")
_NEAR = 24  # characters before or after a find that may say what it is not

Positions = list[tuple[int, int]]


def _matches(pattern: Pattern, text: str, budget: Budget) -> Positions:
    return [_position(found) for found in budget.finditer(pattern, text)]


def _position(found: Any) -> tuple[int, int]:
    for name, value in found.groupdict().items():
        if value is not None:
            return found.span(name)
    return found.span()


def _free(
    entity: str, spans: Positions, taken: Sequence[tuple[str, int, int]]
) -> list[tuple[str, int, int]]:
    return [
        (entity, start, end)
        for start, end in spans
        if not any(start < e and s < end for _, s, e in taken)
    ]


def _before(text: str, start: int) -> str:
    return text[max(0, start - _NEAR) : start]


def _after(text: str, end: int) -> str:
    return text[end : end + _NEAR]


def _phones(text: str, budget: Budget) -> Positions:
    found = [span for p in _RE_PHONES for span in _matches(p, text, budget)]
    return [s for s in found if not _NOT_REACHABLE.search(_before(text, s[0]))]


def _amounts(text: str, budget: Budget) -> Positions:
    return [
        (start, end)
        for start, end in _matches(_RE_AMOUNT, text, budget)
        if not _BEFORE_NOT_AMOUNT.search(_before(text, start))
        and not _AFTER_NOT_AMOUNT.match(_after(text, end))
    ]


def _dates(text: str, budget: Budget) -> Positions:
    found = []
    for start, end in _matches(_RE_DATE, text, budget):
        while end > start and text[end - 1] in " ，,的":
            end -= 1
        said = text[start:end]
        if shape := _SHORT_SHAPE.match(said):
            is_range = _IS_RANGE.match(said, shape.end())
            short = SHORT_DAY.match(text, start)
            if not is_range and not (short and is_day(text, short)):
                continue
        if _NOT_DATE.match(said) or _AFTER_NOT_DATE.match(_after(text, end)):
            continue
        if _BARE_YEARS.match(said) and _BEFORE_YEARS.search(_before(text, start)):
            continue
        if said[-1:] in "号日" and _BARE_DAY_NOT.match(said[-1:] + _after(text, end)):
            continue
        found.append((start, end))
    return found


def _tails(
    text: str, taken: Sequence[tuple[str, int, int]], budget: Budget
) -> Positions:
    alone = _TAIL_ALONE.match(text)
    if alone:
        return [alone.span("value")]
    found = [
        span
        for span in _matches(_RE_TAIL, text, budget)
        if not _NOT_ID_TAIL.search(text[max(0, span[0] - 14) : span[0]])
        or "身份证" in text[max(0, span[0] - 14) : span[0]]
    ]
    for entity, _, end in taken:
        if entity == "policy_no":
            after = _AFTER_NUMBER.match(_after(text, end))
            if after:
                start, stop = after.span("value")
                found.append((end + start, end + stop))
    found += [s for s in _matches(_TAIL_WITH_X, text, budget) if s not in found]
    return sorted(set(found))
