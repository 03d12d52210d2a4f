"""The rule of the import: no character of a document is lost or stands twice."""

import re
from collections import Counter
from pathlib import Path

import pytest
from document_kit import (
    AGREEMENT_DATA,
    DOCUMENTS,
    TESTS,
    assert_each_line_has_a_place,
    assert_lossless,
    characters,
    placed,
    source_lines,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.agreement.clauses import SourceLine
from actions.agreement.errors import NoClauseError
from actions.agreement.importing import import_file, parse_lines
from actions.agreement.reading import read_file, split_front_matter

FOLDERS = (
    DOCUMENTS,
    DOCUMENTS / "unseen",
    TESTS / "fixtures" / "agreements",
    AGREEMENT_DATA / "products",
)
FILES = [
    path
    for folder in FOLDERS
    for path in sorted(folder.iterdir())
    if path.suffix in (".txt", ".md") and path.stem.islower()
]
FILES.append(AGREEMENT_DATA / "service_agreement.md")
MARKDOWN_MARKS = "#*>`_\\-"
ADDED = """
15|200|1|2|3|4|5|vi|1/2|第 3 页|- 4 -|客户服务协议 第5页|相关推荐|最新资料下载
本文档由用户上传|评论(3)|标签：合同|等待期内除外|须满足下列全部条件：|其他事项|附加条款
责任免除|目录|药品目录|展开阅读全文|——————|______|相关费用由甲方承担|第二条
第九条约定的期限|第三条、第四条|（一）|（一）项的约定|1.|①|第一章 总则|第一部分 总则
【第二条】时限|【第二条 时限】十日|第二条：时限|Article 2 第二条 Fee 费用|依照|按照第三条
甲方（盖章）：|日期：2026年1月1日|第一条 服务......1|（一）药费   200
某某服务协议内部资料
"""
ADDITIONS = st.sampled_from([a for a in re.split(r"[|\n]", ADDED) if a])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_that_every_character_of_a_document_has_exactly_one_place(path: Path):
    document = import_file(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".txt":
        assert_lossless(text, document)
        return
    _, body = split_front_matter(text, path.name)
    missing = characters(body) - placed(document)
    assert set(missing) <= set(MARKDOWN_MARKS), missing
    assert placed(document) - characters(body) == Counter()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_that_every_line_as_read_has_a_place(path: Path):
    lines, _ = read_file(path)
    document = parse_lines(lines)
    assert_lossless("".join(line.text for line in lines), document)
    assert_each_line_has_a_place(lines, document)


@st.composite
def mutated(draw: st.DrawFn) -> list[SourceLine]:
    """A fixture, its lines moved, repeated and mixed with furniture and numbers."""
    lines, _ = read_file(draw(st.sampled_from(FILES)))
    start = draw(st.integers(0, max(0, len(lines) - 12)))
    texts = [(line.text, line.origin) for line in lines[start : start + 30]]
    if draw(st.booleans()):
        texts = draw(st.permutations(texts))
    short = [one for one in texts if len(one[0]) <= 20 and one[1] == "text"]
    if short:
        again = draw(st.sampled_from(short))
        for _ in range(draw(st.integers(0, 5))):
            texts.insert(draw(st.integers(0, len(texts))), again)
    for text in draw(st.lists(ADDITIONS, max_size=12)):
        texts.insert(draw(st.integers(0, len(texts))), (text, "text"))
    breaks = draw(st.sets(st.integers(0, len(texts)), max_size=4))
    page, found = 0, []
    for number, (text, origin) in enumerate(texts):
        page += number in breaks
        found.append(SourceLine(number, text, origin, page))
    return found


@settings(max_examples=250, deadline=None)
@given(mutated())
def test_that_no_character_is_lost_whatever_stands_where(lines: list[SourceLine]):
    try:
        document = parse_lines(lines)
    except NoClauseError:
        return
    assert_lossless("".join(line.text for line in lines), document)
    assert_each_line_has_a_place(lines, document)
    found = [clause.ref for clause in document.clauses]
    assert len(found) == len(set(found))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.text("第一二三条章节编（）()①1.、：依照规定与【】 服务|", max_size=24),
        max_size=12,
    )
)
def test_that_no_character_is_lost_in_a_heap_of_numbers(pieces: list[str]):
    lines = source_lines("\n".join(["第一条 开头", *pieces]))
    document = parse_lines(lines)
    assert_lossless("".join(line.text for line in lines), document)
    assert_each_line_has_a_place(lines, document)
