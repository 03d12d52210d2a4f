import io
import zipfile

import pytest

from actions.agreement.clauses import SourceLine
from actions.agreement.docx_reading import read_docx
from actions.agreement.errors import AgreementError
from actions.agreement.importing import parse_lines
from actions.agreement.number_formats import format_number

NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def level(index: int, number_format: str, pattern: str, extra: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{index}"><w:start w:val="1"/>'
        f'<w:numFmt w:val="{number_format}"/>{extra}<w:lvlText w:val="{pattern}"/></w:lvl>'
    )


LEVELS = (
    level(0, "chineseCountingThousand", "第%1条")
    + level(1, "chineseCounting", "（%2）")
    + level(2, "decimal", "%3.")
)
NUMBERING = (
    f'<w:abstractNum w:abstractNumId="7">{LEVELS}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
)


def paragraph(
    text: str, level: int | None = None, num: int = 1, style: str = ""
) -> str:
    number = (
        f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{num}"/></w:numPr>'
        if level is not None
        else ""
    )
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    return (
        f"<w:p><w:pPr>{styled}{number}</w:pPr>"
        f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'
    )


def docx(body: str, numbering: str = NUMBERING, styles: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml",
            f"<w:document {NS}><w:body>{body}</w:body></w:document>",
        )
        archive.writestr(
            "word/numbering.xml", f"<w:numbering {NS}>{numbering}</w:numbering>"
        )
        archive.writestr("word/styles.xml", f"<w:styles {NS}>{styles}</w:styles>")
    return stream.getvalue()


def lines_of(data: bytes) -> list[str]:
    return [text for text, _ in read_docx(data, "a.docx")]


def refs_of(data: bytes) -> list[str]:
    lines = [
        SourceLine(i, text, origin)
        for i, (text, origin) in enumerate(read_docx(data, "a.docx"))
    ]
    return [clause.ref for clause in parse_lines(lines).clauses]


def test_that_numbers_word_computes_become_references():
    body = (
        paragraph("定义", 0)
        + paragraph("保险期间。", 1)
        + paragraph("客户服务。", 1)
        + paragraph("服务", 0)
        + paragraph("信息", 1)
        + paragraph("售前说明。", 2)
        + paragraph("售中告知。", 2)
        + paragraph("理赔", 1)
        + paragraph("报案。", 2)
    )
    assert refs_of(docx(body)) == [
        "第一条",
        "第一条(一)",
        "第一条(二)",
        "第二条",
        "第二条(一)",
        "第二条(一)1",
        "第二条(一)2",
        "第二条(二)",
        "第二条(二)1",
    ]


def test_that_numbers_come_from_a_style_and_its_base():
    styles = (
        '<w:style w:type="paragraph" w:styleId="Article"><w:pPr><w:numPr>'
        '<w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="Child"><w:basedOn w:val="Article"/>'
        "</w:style>"
        '<w:style w:type="paragraph" w:styleId="Item"><w:pPr><w:numPr>'
        '<w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    )
    body = (
        paragraph("定义", style="Article")
        + paragraph("期间。", style="Item")
        + paragraph("目的。", style="Child")
    )
    assert lines_of(docx(body, styles=styles)) == [
        "第一条 定义",
        "（一） 期间。",
        "第二条 目的。",
    ]


def test_that_a_level_bound_to_a_style_is_found():
    numbering = (
        '<w:abstractNum w:abstractNumId="7">'
        + level(0, "chineseCounting", "第%1条")
        + level(1, "chineseCounting", "(%2)", '<w:pStyle w:val="Item"/>')
        + '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    )
    styles = (
        '<w:style w:type="paragraph" w:styleId="Item"><w:pPr><w:numPr>'
        '<w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    )
    body = paragraph("定义", 0) + paragraph("期间。", style="Item")
    assert lines_of(docx(body, numbering, styles)) == ["第一条 定义", "(一) 期间。"]


def test_that_a_start_override_restarts_a_list():
    numbering = NUMBERING + (
        '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="2">'
        '<w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    )
    body = (
        paragraph("服务", 0)
        + paragraph("甲。", 2)
        + paragraph("乙。", 2)
        + paragraph("丙。", 2, num=2)
        + paragraph("丁。", 2, num=2)
    )
    assert [line[:2] for line in lines_of(docx(body, numbering))[1:]] == [
        "1.",
        "2.",
        "1.",
        "2.",
    ]


def test_that_a_level_that_never_restarts_goes_on():
    numbering = (
        '<w:abstractNum w:abstractNumId="7">'
        + level(0, "chineseCounting", "第%1条")
        + level(1, "decimal", "%2.", '<w:lvlRestart w:val="0"/>')
        + '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    )
    body = (
        paragraph("甲", 0)
        + paragraph("一项。", 1)
        + paragraph("乙", 0)
        + paragraph("二项。", 1)
    )
    assert lines_of(docx(body, numbering))[3] == "2. 二项。"


def test_that_number_zero_switches_numbering_off():
    body = paragraph("定义", 0) + paragraph("说明文字", 0, num=0)
    assert lines_of(docx(body)) == ["第一条 定义", "说明文字"]


@pytest.mark.parametrize(
    ("value", "number_format", "written"),
    [
        (15, "chineseCounting", "十五"),
        (21, "chineseCountingThousand", "二十一"),
        (10, "ideographDigital", "一〇"),
        (3, "chineseLegalSimplified", "叁"),
        (2, "ideographTraditional", "乙"),
        (3, "decimalEnclosedCircleChinese", "③"),
        (3, "decimalEnclosedParen", "⑶"),
        (7, "decimalFullWidth", "７"),
        (4, "lowerRoman", "iv"),
        (28, "lowerLetter", "bb"),
        (5, "decimalZero", "05"),
        (5, "somethingNew", "5"),
    ],
)
def test_that_word_number_formats_are_written(value, number_format, written):
    assert format_number(value, number_format) == written


def test_that_typed_numbers_and_deleted_text_are_read_as_shown():
    body = (
        "<w:p><w:r><w:t>第一条 定义</w:t></w:r><w:del><w:r><w:delText>旧</w:delText>"
        "</w:r></w:del><w:ins><w:r><w:t>新</w:t></w:r></w:ins></w:p>"
        "<w:p><w:r><w:t>(一) 甲。</w:t><w:br/><w:t>(二) 乙。</w:t></w:r></w:p>"
    )
    assert lines_of(docx(body)) == ["第一条 定义新", "(一) 甲。", "(二) 乙。"]


def test_that_a_table_becomes_rows_and_a_layout_table_becomes_clauses():
    def table(*rows: tuple[str, ...]) -> str:
        return (
            "<w:tbl>"
            + "".join(
                "<w:tr>"
                + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in cells)
                + "</w:tr>"
                for cells in rows
            )
            + "</w:tbl>"
        )

    fees = table(("1.", "拖车"), ("2.", "搭电"))
    body = table(("第一条 费用",), ("(一) 见下表：",)) + fees
    data = docx(body)
    assert refs_of(data) == ["第一条", "第一条(一)"]
    assert lines_of(data)[2:] == ["| 1. | 拖车 |", "| 2. | 搭电 |"]


def test_that_words_own_contents_are_marked():
    contents = (
        "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery "
        'w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>'
        + paragraph("第一条 定义")
        + "</w:sdtContent></w:sdt>"
    )
    data = docx(contents + paragraph("定义。", 0))
    assert read_docx(data, "a.docx") == [
        ("第一条 定义", "toc"),
        ("第一条 定义。", "text"),
    ]


def test_that_damaged_files_are_refused_with_their_name():
    whole = docx(paragraph("定义", 0))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (41 * 1024 * 1024))
    entity = io.BytesIO()
    with zipfile.ZipFile(entity, "w") as archive:
        archive.writestr(
            "word/document.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
        )
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    for data in (
        whole[: len(whole) // 2],
        b"PK\x03\x04nonsense",
        bomb.getvalue(),
        entity.getvalue(),
        other.getvalue(),
    ):
        with pytest.raises(AgreementError, match=r"a\.docx"):
            read_docx(data, "a.docx")
