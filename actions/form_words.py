"""The words and intents by which `actions.forms` tells what a message does to a form.

In: nothing. Out: patterns and names; how they are weighed stands in `forms.fill`.
"""

from __future__ import annotations

import re

# Wishes that leave any form at once (a form for the same wish excepted).
LEAVING = ("request_handoff", "file_complaint")
# What may be wished beside a wish that is given up: 不退了，想改一下手机号.
WISHES = frozenset(
    (
        "report_claim",
        "dispute_claim",
        "file_complaint",
        "withdraw_complaint",
        "change_policy",
        "surrender_policy",
        "request_document",
        "manage_notice",
        "manage_privacy",
        "request_handoff",
    )
)
# Wishes of which another thing may be wanted instead: 不改手机号，改地址.
RESTATED = frozenset(("change_policy", "request_document", "manage_notice"))
# Questions that are answered inside a form, after which the form asks again.
QUESTIONS = frozenset(
    (
        "ask_product",
        "ask_coverage",
        "ask_exclusion",
        "ask_premium",
        "ask_application",
        "ask_cooling_off",
        "ask_waiting_period",
        "query_policy",
        "ask_renewal",
        "ask_clause_change",
        "track_claim",
        "ask_claim_process",
        "ask_claim_materials",
        "ask_claim_survey",
        "ask_claim_help",
        "track_complaint",
        "ask_complaint_process",
        "ask_service_channel",
        "ask_service_hours",
        "ask_service_standard",
        "ask_value_added",
        "ask_rights",
        "ask_definition",
        "bot_challenge",
        "greet",
        "thank",
    )
)
QUESTION_MARKS = re.compile(
    r"[?？]|吗|么|呢|多少|多久|几[天个点时号]|怎么|如何|哪|什么|啥|咋|能不能|可不可以|是不是|要不要|谁"
)
CORRECTING = re.compile(
    r"不对|不是|错了|写错|说错|改成|改为|应该是|更正|搞错|弄错|改一下|换成"
)
# In a longer answer only these words ask for a human or for a complaint.
HUMAN = re.compile(
    r"人工|真人|活人|坐席|转客服|接客服|转接|换人来|叫人来|(?:找|叫)你们(?:领导|经理)"
)
# To an open question they must be a wish: "转接了三次，人工坐席都不接" and "去年投诉过一次"
# are what the customer tells.
WANTS_HUMAN = re.compile(
    r"(?:转接?|接通?|要|找|叫|换|请)(?:一?[个位名]|到|你们)?(?:的)?"
    r"(?:人工|真人|活人|坐席|客服|领导|经理)|换个?人来|叫个?人来"
)
COMPLAINS = re.compile(r"(?:我|要|想|必须|坚决|马上|直接|帮我|给我)投诉(?!过|了|到)")
_DROP = (
    r"算了|不办了|不弄了|不用了|取消|退出|停下|停止|不填了|不查了|不投诉了|不用查了|"
    r"不报了|不想办了|先不办了|不要了|不退了|不改了|不弄了|不申请了|不查询了"
)
DROP_WORDS = re.compile(rf"^(?:{_DROP})")
# An open answer may ask to cancel something else: 取消短信提醒.
ONLY_DROP_WORDS = re.compile(rf"^(?:{_DROP}|[我就先吧了啊呀的嘛，,。.!！~～\s])++$")
# Code points; a longer answer is not a command, a very short one may be one even where
# free text was asked for.
SHORT = 12
VERY_SHORT = 5
# A few words that are no answer are easily taken for a greeting.
POLITENESS = ("greet", "thank")
PLAINLY_POLITE = 0.9
CERTAIN = 0.8  # probability from which a cancel is believed without its words
