# ruff: noqa: RUF001 - full width on purpose
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from actions.agreement.clauses import Clause, DocumentVersion, Hit, Product
from actions.agreement.encoder import open_encoder
from actions.agreement.errors import AgreementError
from actions.agreement.evaluating import Row, evaluate, unknown_refs
from actions.agreement.examples import QuestionReader
from actions.agreement.search import ClauseSearch
from actions.agreement.shelf import Library, Shelf
from actions.agreement.teaching import Lessons, product_lessons, service_lessons
from actions.agreement.topics import Knowledge, Section, Topic
from actions.agreement.vector_store import VectorStore
from actions.agreement.words import Words, normalise
from embedding.e5 import Kind, Vectors

SOURCE = DocumentVersion("service", "服务协议", "1", date(2026, 1, 1))


class LetterEncoder:
    """Encodes a text as the letters it holds: alike letters, alike vectors."""

    name = "letters"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        self.encoded += texts
        rows = np.full((len(texts), 64), 0.1, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for char in text:
                row[ord(char) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reader(knowledge: Knowledge | None = None) -> QuestionReader:
    store = VectorStore(LetterEncoder(), None)
    return QuestionReader(store, Words(), knowledge or Knowledge())


def clause(ref: str, text: str, **more: object) -> Clause:
    return Clause(SOURCE, ref, text, text, **more)  # type: ignore[arg-type]


CLAUSES = [
    clause("第一条", "甲方提供客服热线、在线客服和服务网点。"),
    clause("第二条", "甲方自收到投诉之日起十五个工作日内处理投诉。"),
    clause("第三条", "材料齐全的，甲方及时支付赔款。"),
]
KNOWLEDGE = Knowledge(
    topics=(
        Topic("channels", "a", ("客服热线和网点",), ("电话多少", "怎么联系你们")),
        Topic("complaint", "a", ("投诉处理时限",), ("投诉多久有结果", "几天处理投诉")),
        Topic("court", "a", ("向人民法院起诉",), ("去哪个法院打官司", "能起诉吗")),
    ),
    synonyms=((("打哪个号",), ("热线",)),),
    typos={"投述": "投诉"},
    outside=("今天天气怎么样", "讲个笑话", "股票多少钱"),
)


def build(knowledge: Knowledge = KNOWLEDGE, **questions: list[str]) -> ClauseSearch:
    read = reader(knowledge)
    return ClauseSearch(CLAUSES, service_lessons(CLAUSES, questions, read), read)


def test_that_a_question_finds_its_clause_with_a_verbatim_passage():
    hits = build().search("投诉几天能处理完")
    assert hits[0].clause.ref == "第二条"
    assert hits[0].passage in hits[0].clause.text
    assert 0.5 <= hits[0].score <= 1


@pytest.mark.parametrize(
    "question", ["投述多久有结果", "投訴多久有結果", "投诉多久有结果？？？"]
)
def test_that_spelling_does_not_matter(question):
    assert build().search(question)[0].clause.ref == "第二条"


@pytest.mark.parametrize(
    "question", ["今天天气好吗", "讲个笑话", "", "😀😀", "\x00", "。。。"]
)
def test_that_what_lies_outside_is_refused(question):
    assert build().search(question) == []


def test_that_a_topic_the_text_does_not_speak_of_is_refused():
    assert build().search("打官司去哪个法院") == []


def test_that_within_known_references_nothing_is_refused():
    hits = build().search("今天天气", within={"第三条", "第一条"}, limit=1)
    assert hits[0].clause.ref in ("第三条", "第一条")
    assert build().search("投诉", within=()) == []


def test_that_own_questions_win_over_words():
    search = build(**{"第三条": ["钱啥时候能到手", "什么时候能拿到钱"]})
    assert search.search("钱什么时候能到手")[0].clause.ref == "第三条"


def test_that_a_text_without_any_knowledge_is_searched_by_its_words():
    hits = build(Knowledge()).search("投诉处理要几个工作日")
    assert hits[0].clause.ref == "第二条"


def test_that_a_very_long_question_is_answered_from_its_beginning():
    assert build().search("投诉多久有结果" + "。啊" * 5000)


def test_that_a_long_clause_is_quoted_in_part():
    text = "甲" * 80 + "。" + "投诉在十五日内处理。" + "乙" * 80 + "。"
    read = reader()
    search = ClauseSearch([clause("第一条", text)], Lessons(), read)
    hit = search.search("投诉几日内处理", within={"第一条"})[0]
    assert "投诉在十五日内处理。" in hit.passage
    assert hit.passage in text and len(hit.passage) < len(text)


def test_that_topics_are_aligned_by_wording_not_by_number():
    moved = [clause("第九条", CLAUSES[1].text), clause("第八条", CLAUSES[0].text)]
    read = reader(KNOWLEDGE)
    lessons = service_lessons(moved, {}, read)
    assert lessons.members["clause 第九条"] == (0,)
    assert lessons.members["topic court"] == ()


def test_that_product_questions_lead_to_their_section():
    sheet = [
        clause("第一条", "犹豫期", title="犹豫期", has_children=True),
        clause(
            "第一条(一)", "十五日内可以退回保费。", path=("犹豫期",), parent="第一条"
        ),
        clause("第二条", "等待期", title="等待期", has_children=True),
        clause("第二条(一)", "九十日。", path=("等待期",), parent="第二条"),
    ]
    knowledge = Knowledge(
        outside=("天气怎么样",),
        sections=(
            Section("cooling", ("犹豫期",), ("买了想反悔可以吗", "几天内能反悔")),
            Section("waiting", ("等待期",), ("多久以后才管用", "多久生效能赔")),
        ),
    )
    read = reader(knowledge)
    lessons = product_lessons(sheet, {}, {}, read)
    assert lessons.members["section cooling"] == (0, 1)
    search = ClauseSearch(sheet, lessons, read, names=("重疾险",))
    assert search.search("重疾险买了能反悔吗")[0].clause.ref == "第一条(一)"


def product(code: str, label: str, *aliases: str) -> Product:
    return Product(code, label + "产品", label, aliases, SOURCE)


def library() -> Library:
    shelf = Shelf(
        facts={"hotline": "400"},
        papers={},
        products=(
            product("medical", "百万医疗险", "医疗险"),
            product("accident", "意外险", "意外医疗险"),
        ),
        clauses={"service": tuple(CLAUSES), "medical": (CLAUSES[2],), "accident": ()},
        questions={},
    )
    return Library(shelf, lambda: reader(KNOWLEDGE))


def test_that_a_clause_is_found_however_its_reference_is_written():
    held = [clause("第三条(四)2", "投诉。")]
    shelf = Shelf({}, {}, (), {"service": tuple(held)}, {})
    found = Library(shelf, reader)
    for ref in ("第三条(四)2", "第三条（四）2", " 第三条 (四) 2. ", "第三条（四）２"):
        assert found.clause(ref) == held[0]
    assert found.clause("第三条") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("百万医疗险多少钱", "medical"),
        ("意外医疗险多少钱", "accident"),
        ("医疗险", "medical"),
        ("意外险和医疗险", None),
        ("重疾险", None),
    ],
)
def test_that_the_longest_product_name_decides(text, code):
    found = library().resolve_product(text)
    assert (found.code if found else None) == code


def test_that_a_products_word_names_its_document():
    held = library()
    assert held.clauses("百万医疗险") == held.clauses("medical") != ()
    assert held.clauses("unknown") == ()
    assert held.search("投诉", document="unknown") == []


def test_that_commitments_come_from_the_filled_text():
    commitment = library().commitment("第二条")
    assert commitment is not None and commitment.amount == 15
    assert library().commitment("第一条") is None


def test_that_evaluation_counts_refusals_and_ranks():
    def search(question: str) -> list[Hit]:
        order = {"a": "123", "b": "213", "c": "", "d": "", "e": "1"}[question]
        return [Hit(clause(n, "x"), 1.0, "x") for n in order]

    rows = [Row("a", ("1",)), Row("b", ("1", "9")), Row("c", ("1",)), Row("d", ())]
    figures = evaluate([*rows, Row("e", ())], search)
    assert figures["n"] == 5
    assert (figures["top1"], figures["top3"], figures["mrr"]) == (0.3333, 0.6667, 0.5)
    assert (figures["refusal_recall"], figures["refusal_precision"]) == (0.5, 0.5)
    assert [error["question"] for error in figures["errors"]] == ["b", "c", "e"]


def test_that_normal_form_is_simplified_half_width_and_short():
    assert normalise("ＡＢＣ 保單！！！\x00\n哈哈哈哈哈") == "abc 保单! 哈哈"


def test_that_an_unknown_encoder_is_named():
    with pytest.raises(AgreementError, match="e5-small"):
        open_encoder("no-such-model")


def test_that_a_reference_nobody_knows_is_told() -> None:
    known = clause("第三条(四)2", "十五个工作日内答复。")
    rows = [Row("多久", ("第三条（四）2", "第九条"), 7), Row("天气", (), 8)]
    assert list(unknown_refs(rows, [known])) == [
        "7: no clause 第九条; this row can only be wrong"
    ]
