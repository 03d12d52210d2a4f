"""Documents that broke the importer: ends, swallowed articles, vanished words."""

import pytest
from document_kit import (
    DOCUMENTS,
    articles,
    assert_lossless,
    parse,
    refs,
    skipped,
    text_of,
)

from actions.agreement.clauses import ParsedDocument
from actions.agreement.errors import NoClauseError
from actions.agreement.importing import import_file


def read(name: str) -> ParsedDocument:
    return import_file(DOCUMENTS / name)


# --- Nothing before the first article ends a document.


def test_that_an_end_mark_on_the_first_line_is_skipped_and_ends_nothing():
    document = read("end_word_first.txt")
    assert articles(document) == ["第一条", "第二条"]
    assert skipped(document) == [("本文档由用户上传", "furniture")]
    document = parse("本文档由用户上传\n客户服务协议\n第一条 服务渠道\n电话。")
    assert articles(document) == ["第一条"]
    assert document.title == "客户服务协议"
    assert text_of(document, "第一条") == "服务渠道\n电话。"


@pytest.mark.parametrize(
    "mark",
    [
        "相关推荐",
        "标签：合同 服务",
        "上一篇：保险合同",
        "评论(3)",
        "最新合同范本下载",
        "猜你喜欢的文档",
        "已有 15 人下载",
        "举报本文",
    ],
)
@pytest.mark.parametrize(
    "place", ["{}\n客户服务协议\n", "客户服务协议\n第一章 总则\n{}\n"]
)
def test_that_no_end_mark_before_the_first_article_ends_the_document(mark, place):
    source = place.format(mark) + "第一条 服务渠道\n电话。\n第二条 时限\n15日。"
    document = parse(source)
    assert articles(document) == ["第一条", "第二条"]
    assert (mark, "furniture") in skipped(document)
    assert_lossless(source, document)


def test_that_a_numbered_notice_before_the_first_article_stays_harmless():
    document = parse(
        "1. 本文档由用户上传\n2. 下载须知\n客户服务协议\n第一条 服务渠道\n电话。\n第二条 完。"
    )
    assert articles(document) == ["第一条", "第二条"]
    assert document.clauses[0].text == "服务渠道\n电话。"


def test_that_an_end_mark_between_articles_ends_nothing():
    document = read("end_word_mid.txt")
    assert refs(document) == ["第一条", "第二条", "第三条", "第三条(一)"]
    assert skipped(document) == [("最新资料下载", "furniture")]
    # The list of the article that was open, and an article after a lost one.
    for rest in ("（一）免费。\n（二）不退。", "第三条 费用\n不退。", "免费。\n不退。"):
        document = parse(f"第一条 费用\n最新资料下载\n{rest}")
        assert document.clauses[-1].text.endswith("不退。"), rest
        assert skipped(document) == [("最新资料下载", "furniture")]


def test_that_the_end_after_the_last_article_is_still_one():
    document = parse("第一条 服务\n电话。\n相关推荐\n合同范本5篇\n第一条 别的\n评论。")
    assert refs(document) == ["第一条"]
    assert text_of(document, "第一条") == "服务\n电话。"


# --- No article is swallowed by the one before.


def test_that_articles_may_begin_with_any_word():
    document = read("and_start.txt")
    assert len(articles(document)) == 9
    assert text_of(document, "第八条") == "约定的时限自次日起算。"


@pytest.mark.parametrize("sign", ["", " ", "\u3000", "：", "、", ". "])
@pytest.mark.parametrize("end", ["。", ""])
def test_that_no_word_after_an_article_number_makes_it_a_reference(sign, end):
    words = "与及或和之至规定约定到等中以另所"
    starts = [f"{word}其他有关的费用由甲方承担" for word in words]
    starts += [
        "规定的期限届满后不退",
        "约定的其他情形",
        "及时答复",
        "项目服务",
        "款项支付",
    ]
    source = "\n".join(
        f"第{n}条{sign}{text}{end}" for n, text in enumerate(starts, start=1)
    )
    document = parse(f"客户服务协议\n{source}")
    assert [clause.text for clause in document.clauses] == [t + end for t in starts]
    assert_lossless(f"客户服务协议\n{source}", document)


def test_that_items_may_begin_with_any_word_as_well():
    document = parse(
        "第一条 情形\n（一）约定的其他情形。\n（二）规定的期限。\n（三）与服务有关的费用。\n"
        "（四）目前的费用。\n1. 及时答复。\n2. 条件成就。\n3、至少一次。\n（五）、款待费用。"
    )
    assert refs(document)[1:] == [
        "第一条(一)",
        "第一条(二)",
        "第一条(三)",
        "第一条(四)",
        "第一条(四)1",
        "第一条(四)2",
        "第一条(四)3",
        "第一条(五)",
    ]
    assert text_of(document, "第一条(五)") == "款待费用。"


def test_that_a_line_that_ends_in_a_word_for_clauses_hides_no_article():
    document = read("item_heading.txt")
    assert len(articles(document)) == 4
    assert text_of(document, "第一条") == "服务渠道\n电话和网站。"
    assert text_of(document, "第二条") == "其他事项\n本协议自签订之日起生效。"
    assert document.clauses[1].title == "其他事项"
    assert text_of(document, "第三条").startswith("附加条款\n")


@pytest.mark.parametrize(
    "line",
    [
        "其他事项",
        "附加条款",
        "保险条",
        "给付款",
        "合同依据",
        "争议适用",
        "电话和",
        "本协议",
    ],
)
def test_that_no_last_word_of_a_line_hides_what_follows(line):
    source = (
        f"第一条 服务\n电话。\n{line}\n第二条 期限\n十日。\n第三条 {line}\n"
        f"（一）免费。\n（二）{line}\n1. 甲。\n2. 乙。\n{line}\n第四条 完。"
    )
    document = parse(source)
    assert refs(document) == [
        "第一条",
        "第二条",
        "第三条",
        "第三条(一)",
        "第三条(二)",
        "第三条(二)1",
        "第三条(二)2",
        "第四条",
    ]
    assert_lossless(source, document)


def test_that_articles_and_items_on_one_line_may_begin_with_any_word_too():
    document = parse(
        "第一条 甲方负责。第二条规定的期限内不答复的，可以投诉。第三条 及时答复。"
        "第四条与本协议有关的争议：（一）甲；（二）约定的其他情形；（三）与服务有关的。"
        "（二）项所述情形除外。第五条 完。"
    )
    assert refs(document) == [
        "第一条",
        "第二条",
        "第三条",
        "第四条",
        "第四条(一)",
        "第四条(二)",
        "第四条(三)",
        "第五条",
    ]
    assert text_of(document, "第四条(三)") == "与服务有关的。（二）项所述情形除外。"
    document = parse("第一条 甲。第二条规定的期限内不答复的，可以投诉。\n第二条 期限。")
    assert text_of(document, "第二条") == "期限。"


def test_that_references_cut_by_the_page_stay_words():
    document = parse(
        "第一条 甲方应当按照\n第二条约定的期限办理，并按照第三条\n（一）项的约定付费。\n"
        "第二条 期限\n十日。\n第三条规定的费用不退。\n第三条 费用\n（一）免费。\n"
        "第九条约定的除外。\n第四条、第五条约定的费用不退。\n第四条 完。"
    )
    assert refs(document) == ["第一条", "第二条", "第三条", "第三条(一)", "第四条"]
    assert text_of(document, "第二条").endswith("第三条规定的费用不退。")
    assert document.unplaced == ()


# --- Words do not vanish.


def test_that_a_line_standing_three_times_belongs_to_what_it_stands_under():
    document = read("repeat_line.txt")
    for ref in ("第一条(一)", "第一条(二)", "第一条(四)"):
        assert text_of(document, ref).endswith("须满足下列全部条件：")
    assert text_of(document, "第一条(三)").endswith("须满足下列至少一项条件：")
    assert text_of(document, "第一条(四)2") == "使用呼吸机。\n单纯酗酒引起的除外"
    document = read("repeat_except.txt")
    for ref in ("第一条(一)", "第一条(二)", "第一条(三)"):
        assert text_of(document, ref).endswith("\n等待期内除外")
    assert document.skipped == ()


@pytest.mark.parametrize(
    "line",
    [
        "等待期内除外",
        "由甲方承担",
        "（此处略）",
        "本合同另有约定的除外",
        "详见保险单",
        "免赔额",
        "见附表第1页",
    ],
)
@pytest.mark.parametrize("times", [3, 7])
def test_that_repetition_alone_is_no_page_header(line, times):
    items = "".join(
        f"（{'一二三四五六七'[n]}）第{n}类给付\n按天给付\n{line}\n"
        for n in range(times)
    )
    source = f"某医疗保险条款\n第一条 给付\n{items}第二条 生效\n次日生效。"
    document = parse(source)
    assert document.skipped == () and document.unplaced == ()
    assert sum(line in clause.text for clause in document.clauses) == times


def test_that_a_number_inside_a_sentence_is_no_page_number():
    document = read("page_mid.txt")
    assert text_of(document, "第一条").endswith("起15个工作日内答复客户。")
    assert text_of(document, "第二条") == "费用\n每件200元。"
    assert document.skipped == ()


@pytest.mark.parametrize(
    "numbers",
    [("1", "2", "3"), ("15", "16", "17"), ("1/2", "2/2", "1/3"), ("500", "10", "60")],
)
def test_that_not_even_numbers_that_count_up_are_pages_inside_sentences(numbers):
    source = "客户服务协议\n" + "".join(
        f"第{n}条 时限\n甲方应当提供服务，\n不得拖延，\n不得推诿，\n"
        f"并在收到申请之后\n{number}\n个工作日内答复。\n"
        for n, number in enumerate(numbers, start=1)
    )
    document = parse(source)
    assert document.skipped == ()
    for clause, number in zip(document.clauses, numbers, strict=True):
        assert f"{number}个工作日内答复。" in clause.text


@pytest.mark.parametrize(
    "line",
    [
        "2024年1月1日",
        "vi",
        "______",
        "目录",
        "下载",
        "www.example.com",
        "相关费用由甲方承担",
        "反馈处理结果",
        "回复期限为十日",
        "未经许可，不得转让",
        "资料由甲方保存",
        "请以保险单为准",
        "剩余部分由乙方承担",
        "（一）药费......200",
        "时间：15日内答复",
        "负责人应当答复客户",
        "注：均含税",
    ],
)
@pytest.mark.parametrize("rest", ["\n均按约定办理。\n第二条 完。", "\n均按约定办理。"])
def test_that_words_a_web_page_uses_too_stay_in_their_clause(line, rest):
    document = parse(f"客户服务协议\n第一条 说明\n下列各项\n{line}{rest}")
    words = line.removeprefix("（一）")
    assert any(words in clause.text for clause in document.clauses)
    assert document.skipped == () and document.unplaced == ()
    assert [note.text for note in document.parties] == ["客户服务协议"]


def pages(number: str, between: str = "\n") -> str:
    """Four pages of two articles each with a foot."""
    names = "一二三四五六七八"
    body = "第{}条 事项\n甲方应当提供服务，\n乙方应当配合。\n双方应当保密。\n"
    return "客户服务协议\n" + between.join(
        body.format(names[2 * n]) + body.format(names[2 * n + 1]) + number.format(n + 1)
        for n in range(4)
    )


@pytest.mark.parametrize(
    ("foot", "between", "reason"),
    [
        ("{}", "\n", "page_number"),
        ("{}/4", "\n", "page_number"),
        ("{}", "\f", "page_number"),
        ("- {} -", "\n", "page_number"),
        ("第 {} 页 共 4 页", "\n", "page_number"),
        ("客户服务协议 第{}页", "\n", "repeated_header"),
    ],
)
def test_that_page_numbers_are_still_told_by_their_pages(foot, between, reason):
    document = parse(pages(foot, between))
    assert [why for _, why in skipped(document)] == [reason] * 4
    assert len(articles(document)) == 8
    assert {clause.text for clause in document.clauses} == {
        "事项\n甲方应当提供服务，\n乙方应当配合。\n双方应当保密。"
    }


def test_that_headers_beside_page_numbers_are_still_skipped():
    document = parse(pages("某某保险公司\n第 {} 页"))
    assert [why for _, why in skipped(document)].count("repeated_header") == 4
    assert all("公司" not in clause.text for clause in document.clauses)


def test_that_a_chapter_heading_on_the_next_page_is_skipped_while_it_is_open():
    document = parse(
        "第一章 总则\n第一条 甲。\n第一章 总则\n第二条 乙。\n第二章 其他\n第三条 丙。"
    )
    assert refs(document) == ["第一章", "第一条", "第二条", "第二章", "第三条"]
    assert skipped(document) == [("第一章 总则", "repeated_header")]


# --- Other ways of writing.


def test_that_numbers_in_brackets_and_before_a_colon_are_numbers():
    for name in ("bracket_article.txt", "colon_article.txt"):
        document = read(name)
        assert [clause.text for clause in document.clauses] == [
            "服务渠道\n电话和网站。",
            "答复时限\n收到投诉之日起15日内答复。",
        ]
    document = parse(
        "【第一条 服务渠道】电话。\n[第二条] 见【第一条】。\n第三条 [具体小时数]内。"
    )
    assert [c.text for c in document.clauses] == [
        "服务渠道 电话。",
        "见【第一条】。",
        "[具体小时数]内。",
    ]


def test_that_chapters_that_begin_anew_are_told_apart():
    assert refs(read("tags_mid.txt")) == [
        "第一章",
        "第一章第一条",
        "第一章第一条(一)",
        "第一章第一条(二)",
        "第二章",
        "第二章第一条",
        "第二章第一条(一)",
    ]


def test_that_parts_are_headings_and_articles_run_on():
    document = read("part_article.txt")
    assert articles(document) == ["第一条", "第二条"]
    assert refs(document) == ["第一部分", "第一条", "第二部分", "第二条"]
    assert document.clauses[-1].path == ("理赔",)
    document = parse(
        "第一编 总则\n第一章 目的\n第一条 甲。\n第二编 附则\n第二部分费用不退。\n第二条 乙。"
    )
    assert refs(document) == ["第一编", "第一编第一章", "第一条", "第二编", "第二条"]


def test_that_both_languages_stay_in_their_article():
    document = read("english.txt")
    assert articles(document) == ["第一条", "第二条"]
    assert text_of(document, "第一条") == (
        "Article 1 Service 服务\n"
        "The Insurer shall answer within 15 days. 保险人应在15日内答复。"
    )


def test_that_marks_of_markdown_hide_no_article(tmp_path):
    document = read("md_bold.md")
    assert articles(document) == ["第一条", "第二条", "第三条", "第四条"]
    assert text_of(document, "第四条") == "生效。"
    path = tmp_path / "a.md"
    path.write_text(
        "*第一条* 甲方__乙方__，____年____月，2*3*4。\n\n> - `第二条` **期限**\n",
        encoding="utf-8",
    )
    document = import_file(path)
    assert [clause.text for clause in document.clauses] == [
        "甲方__乙方__，____年____月，2*3*4。",
        "期限",
    ]


def test_that_headings_stand_with_what_follows_and_several_articles_share_a_line():
    document = read("definitions.txt")
    assert articles(document) == ["第一条", "第二条", "第三条"]
    assert text_of(document, "第一条") == "保险责任\n我们赔付住院费用。"
    assert text_of(document, "第二条(二)") == "战争。"
    assert text_of(document, "第三条").startswith("释义\n")
    assert len(articles(read("two_on_line.txt"))) == 4
    document = parse("客户服务协议\n总则\n第一条 甲。\n乙方的责任\n第二条 丙。")
    assert text_of(document, "第一条").startswith("总则\n甲。")
    assert document.title == "客户服务协议" and document.unplaced == ()


def test_that_a_text_without_articles_is_refused_still():
    with pytest.raises(NoClauseError):
        parse(
            "相关推荐\n第三条规定的，\n按照第二条办理。".replace(
                "第三条规定的", "依照第三条"
            )
        )
