from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.agreement.clauses import ParsedDocument, SourceLine
from actions.agreement.errors import NoClauseError
from actions.agreement.importing import parse_lines


def parse(text: str) -> ParsedDocument:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return parse_lines([SourceLine(i, line) for i, line in enumerate(lines)])


def refs(document: ParsedDocument) -> list[str]:
    return [clause.ref for clause in document.clauses]


def text_of(document: ParsedDocument, ref: str) -> str:
    return next(clause.text for clause in document.clauses if clause.ref == ref)


def test_that_three_levels_get_stable_references_and_heading_paths():
    document = parse(
        "第三条 服务内容\n(四) 投诉\n1. 设立投诉部门。\n2. 十五个工作日内处理。"
    )
    assert refs(document) == [
        "第三条",
        "第三条(四)",
        "第三条(四)1",
        "第三条(四)2",
    ]
    last = document.clauses[-1]
    assert last.path == ("服务内容", "投诉")
    assert last.parent == "第三条(四)"
    assert document.clauses[0].has_children and not last.has_children


@pytest.mark.parametrize(
    ("second", "third"),
    [
        ("（一）", "１．"),
        ("(一)", "1、"),
        ("一、", "1."),
        ("㈠", "⑴"),
        ("（ 一 ）", "（1）"),
        ("(一)", "⒈"),
        ("一)", "①"),
        ("（一)", "1)"),
    ],
)
def test_that_every_way_of_writing_numbers_gives_the_same_reference(second, third):
    document = parse(f"第１条 定义\n{second}服务\n{third}咨询答复要及时。")
    assert refs(document) == ["第一条", "第一条(一)", "第一条(一)1"]
    assert text_of(document, "第一条(一)1") == "咨询答复要及时。"


def test_that_items_on_one_line_are_split_when_their_sequence_goes_on():
    document = parse(
        "第一条 服务如下：(一)信息服务 1.售前说明条款。2.售中告知结果。(二)理赔服务。"
        "第二条 目的 明确标准。"
    )
    assert refs(document) == [
        "第一条",
        "第一条(一)",
        "第一条(一)1",
        "第一条(一)2",
        "第一条(二)",
        "第二条",
    ]
    assert text_of(document, "第一条(一)1") == "售前说明条款。"


@pytest.mark.parametrize(
    "sentence",
    [
        "依照第三条第(二)款办理，费用为1.5倍，(二)项所述情形除外。",
        "按照本条(二)约定的方式办理，附件2.列明的除外。",
        "赔付比例按(二)所列标准，最高2.5万元。",
        "依照《保险法》第二条规定办理，并见第二条。",
        "收到之日起十五(15)个工作日内，二(2)次为限。",
        "统一、规范地提供[例如：2.健康管理 3.救援]服务。",
    ],
)
def test_that_numbers_inside_a_sentence_are_no_clauses(sentence):
    document = parse(f"第一条 服务\n(一) {sentence}\n(二) 其他服务。\n第二条 目的。")
    assert refs(document) == ["第一条", "第一条(一)", "第一条(二)", "第二条"]
    assert text_of(document, "第一条(一)") == sentence


def test_that_a_reference_wrapped_to_the_next_line_stays_text():
    document = parse(
        "第一条 服务\n(一) 甲方提供服务，乙方提出异议的，双方应当依照本协议第一条\n"
        "(二)项的约定办理，不得拖延。\n(二) 其他。"
    )
    assert refs(document) == ["第一条", "第一条(一)", "第一条(二)"]
    assert text_of(document, "第一条(一)").endswith(
        "第一条(二)项的约定办理，不得拖延。"
    )


def test_that_a_missing_number_is_reported_and_nothing_is_merged():
    document = parse("第一条 服务\n(一) 信息服务。\n(三) 投诉服务。\n第四条 费用。")
    assert refs(document) == ["第一条", "第一条(一)", "第一条(三)", "第四条"]
    missing = {n.ref for n in document.unplaced if n.reason == "missing_number"}
    assert missing == {"第一条(二)", "第二条", "第三条"}


def test_that_a_repeated_number_is_reported_with_everything_below_it():
    document = parse(
        "第一条 服务\n(一) 信息服务。\n(一) 又一个一。\n1. 它的下级。\n(二) 投诉。"
    )
    assert refs(document) == ["第一条", "第一条(一)", "第一条(二)"]
    assert [(n.text, n.reason) for n in document.unplaced] == [
        ("(一) 又一个一。", "duplicate_number"),
        ("1. 它的下级。", "below_unplaced"),
    ]
    assert text_of(document, "第一条(一)") == "信息服务。"


def test_that_page_furniture_and_contents_are_skipped_with_a_reason():
    document = parse(
        "首页 > 合同范本\n保险客户服务合同协议\n目录\n第一条 定义……1\n第二条 目的……2\n"
        "甲方：[公司全称]\n第一条 定义\n(一) 保险期间：指协议期间。\n- 2 -\n"
        "第 3 页 共 9 页\n第二条 目的\n明确标准。\n展开阅读全文\n相关推荐\n"
        "保险合同范本精选5篇\n评论(3)\n写得真好，谢谢分享。"
    )
    assert refs(document) == ["第一条", "第一条(一)", "第二条"]
    assert text_of(document, "第二条") == "目的\n明确标准。"
    assert document.title == "保险客户服务合同协议"
    reasons = Counter(note.reason for note in document.skipped)
    assert reasons == {"furniture": 6, "contents": 3, "page_number": 2}
    assert document.unplaced == ()
    assert not document.truncated


def test_that_headers_repeated_on_every_page_are_skipped():
    page = "某某服务协议内部资料\n{} 应当及时提供服务。\n并且保持渠道畅通。\n"
    document = parse(
        "协议书\n第一条 目的。\n再说一句。\n又说一句。\n"
        + "".join(page.format(f"第{n}条") for n in "二三四五")
    )
    assert refs(document) == ["第一条", "第二条", "第三条", "第四条", "第五条"]
    assert {note.reason for note in document.skipped} == {"repeated_header"}
    assert len(document.skipped) == 4
    assert all("内部资料" not in clause.text for clause in document.clauses)


def test_that_contents_without_a_title_are_recognised():
    document = parse(
        "服务协议\n第一条 定义\n第二条 服务目的\n"
        "第一条 定义\n保险期间是约定期间。\n第二条 服务目的\n明确服务标准。"
    )
    assert refs(document) == ["第一条", "第二条"]
    assert [note.text for note in document.skipped] == [
        "第一条 定义",
        "第二条 服务目的",
    ]


def test_that_a_text_that_breaks_off_keeps_its_last_clause():
    document = parse(
        "第四条 权利\n(一) 乙方的权利\n1. 有权要求服务。\n2. 有权随时通过约定渠道向甲方"
    )
    assert document.truncated
    assert text_of(document, "第四条(一)2") == "有权随时通过约定渠道向甲方"


def test_that_signatures_belong_to_the_parties_and_end_the_text():
    document = parse(
        "甲方：____\n第一条 目的。\n第二条 本协议一式两份。\n甲方（盖章）：____\n"
        "日期：    年  月  日"
    )
    assert [n.reason for n in document.parties] == ["party", "signature", "signature"]
    assert text_of(document, "第二条") == "本协议一式两份。"
    assert not document.truncated


def test_that_blanks_are_listed_with_their_reference():
    document = parse(
        "甲方：[公司全称]\n第一条 期限\n(一) [例如：十五(15)]个工作日内答复。\n"
        "(二) 拨打【热线】，编号____。"
    )
    assert [(b.ref, b.text) for b in document.blanks] == [
        ("首部", "[公司全称]"),
        ("第一条(一)", "[例如：十五(15)]"),
        ("第一条(二)", "【热线】"),
        ("第一条(二)", "____"),
    ]


def test_that_chapters_do_not_restart_the_articles():
    document = parse("第一章 总则\n第一条 目的。\n第二章 服务\n第二条 服务内容。")
    assert refs(document) == ["第一章", "第一条", "第二章", "第二条"]
    assert document.clauses[-1].path == ("服务",)


def test_that_a_text_without_an_article_is_refused():
    with pytest.raises(NoClauseError, match="第X条"):
        parse("尊敬的客户：\n1. 您好。\n2. 再见。")


def test_that_continued_paragraphs_and_broken_lines_stay_in_their_clause():
    document = parse(
        "第一条 甲方应当在收到乙方提出的书面投诉申请之后的合理时间之内及时开\n展调查。\n"
        "乙方应当配合。\n第二条 完。"
    )
    assert text_of(document, "第一条") == (
        "甲方应当在收到乙方提出的书面投诉申请之后的合理时间之内及时开展调查。\n乙方应当配合。"
    )


PIECES = """
第一条 定义|第二条 目的：|第三条|第三条 服务内容|第十条 跳号|(一) 服务。|（二）理赔
(三)其他，|(一)甲(二)乙(三)丙|1. 售前。|2．售中；3.售后|1.5倍赔付|依第二条(一)项办理。
甲方：[全称]|乙方：____|目录|第一条 定义......1|- 3 -|相关推荐|评论(2)|下载文档
保险客户服务合同协议|应当在十五(15)个工作日内|本协议自签字之日起生效。|日期：2026年1月1日
一、总则|⑴甲⑵乙|①甲②乙|第一章 总则|第条|(一)|。|随便写的一行
"""
LINES = st.sampled_from(PIECES.replace("\n", "|").strip("|").split("|"))


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=25))
def test_that_every_line_lands_in_exactly_one_place(pieces: Sequence[str]):
    lines = [SourceLine(i, text) for i, text in enumerate(["第一条 开头", *pieces])]
    try:
        document = parse_lines(lines)
    except NoClauseError:
        return
    placed: dict[int, list[str]] = {line.number: [] for line in lines}
    for clause in document.clauses:
        for number in clause.lines:
            placed[number].append("clause")
    for name in ("parties", "skipped", "unplaced"):
        for note in getattr(document, name):
            if note.line is not None:
                placed[note.line].append(name)
    for number, places in placed.items():
        kinds = set(places)
        # One line may hold a clause and, further right, a number nobody can place.
        assert kinds in (
            {"clause"},
            {"parties"},
            {"skipped"},
            {"unplaced"},
            {"clause", "unplaced"},
            {"parties", "clause"},
        ), (number, lines[number].text, places)
        assert len(places) == len(kinds) or kinds >= {"clause"}
    assert len({c.ref for c in document.clauses}) == len(document.clauses)
    kept = Counter("".join(c.text for c in document.clauses))
    whole = Counter("".join(line.text for line in lines))
    assert not {k: v for k, v in (kept - whole).items() if not k.isspace()}
