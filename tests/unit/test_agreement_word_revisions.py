"""docx: what Word does not show is no clause and takes no number."""

import io
import zipfile

import docx
import pytest
from document_kit import assert_lossless, characters
from docx.oxml import parse_xml
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.agreement.clauses import ParsedDocument
from actions.agreement.errors import NoClauseError
from actions.agreement.importing import import_file

SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LEVELS = (
    ("chineseCountingThousand", "第%1条"),
    ("chineseCounting", "（%2）"),
    ("decimal", "%3."),
)


def numbering(styles: tuple[str, ...] = (), name: str = "7", link: str = "") -> str:
    """An abstract list 第1条, （一）, 1. with the styles its levels are bound to."""
    levels = ""
    for index, (form, pattern) in enumerate(LEVELS):
        bound = styles[index] if index < len(styles) else ""
        levels += (
            f'<w:lvl w:ilvl="{index}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
            + (f'<w:pStyle w:val="{bound}"/>' if bound else "")
            + f'<w:lvlText w:val="{pattern}"/></w:lvl>'
        )
    return f'<w:abstractNum w:abstractNumId="{name}">{link}{levels}</w:abstractNum>'


LIST = numbering() + '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'


def run(text: str, properties: str = "", tag: str = "t") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


def deleted(text: str, tag: str = "del") -> str:
    kind = "delText" if tag == "del" else "t"
    return f'<w:{tag} w:id="1" w:author="a">{run(text, tag=kind)}</w:{tag}>'


def para(
    *pieces: str,
    level: int | None = None,
    style: str = "",
    mark: str = "",
    number: str = "",
) -> str:
    own = f'<w:pStyle w:val="{style}"/>' if style else ""
    if level is not None:
        number = f'<w:ilvl w:val="{level}"/><w:numId w:val="1"/>'
    own += f"<w:numPr>{number}</w:numPr>" if number else ""
    own += f"<w:rPr>{mark}</w:rPr>" if mark else ""
    body = "".join(p if p.startswith("<") else run(p) for p in pieces)
    return f"<w:p><w:pPr>{own}</w:pPr>{body}</w:p>"


def read(tmp_path, body: str, lists: str = LIST, styles: str = "", **parts: str):
    """Write a docx of raw parts and import it."""
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (
            ("document", f"<w:body>{body}</w:body>"),
            ("numbering", lists),
            ("styles", styles),
            *parts.items(),
        ):
            archive.writestr(
                f"word/{name}.xml", f'<w:{name} xmlns:w="{SPACE}">{content}</w:{name}>'
            )
    return import_file(path)


def clauses(document: ParsedDocument) -> dict[str, str]:
    return {clause.ref: clause.text for clause in document.clauses}


DEL = '<w:del w:id="9" w:author="a"/>'
MOVED = '<w:moveFrom w:id="9" w:author="a"/>'
HID = "<w:vanish/>"
GONE = {
    "deleted with its end": para(deleted("旧条"), level=0, mark=DEL),
    "deleted, its end left": para(deleted("旧条"), level=0),
    "moved away": para(deleted("旧条", "moveFrom"), level=0, mark=MOVED),
    "hidden with its end": para(run("旧条", HID), level=0, mark=HID),
    "hidden, its end left": para(run("旧条", HID), level=0),
    "hidden in the web": para(run("旧条", "<w:webHidden/>"), level=0),
    "always hidden": para(
        run("旧条", "<w:specVanish/>"), level=0, mark="<w:specVanish/>"
    ),
    "hidden by its style": para("旧条", level=0, style="Secret"),
    "hidden by a style below": para("旧条", level=0, style="Child"),
    "hidden by the style of its text": para(
        run("旧条", '<w:rStyle w:val="Ghost"/>'), level=0
    ),
    "empty and deleted": para(level=0, mark=DEL),
}
STYLES = (
    '<w:style w:type="paragraph" w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Child"><w:basedOn w:val="Secret"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Open"><w:basedOn w:val="Secret"/>'
    '<w:rPr><w:vanish w:val="0"/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Ghost"><w:rPr><w:vanish/></w:rPr></w:style>'
)


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_that_what_word_does_not_show_takes_no_number(tmp_path, gone):
    document = read(
        tmp_path,
        para("服务渠道。", level=0)
        + gone
        + para("答复时限。", level=0)
        + para("甲。", level=1),
        styles=STYLES,
    )
    assert clauses(document) == {
        "第一条": "服务渠道。",
        "第二条": "答复时限。",
        "第二条(一)": "甲。",
    }
    hidden = [note.text for note in document.skipped if note.reason == "hidden_text"]
    assert hidden in ([], ["旧条"])
    assert document.unplaced == ()


def test_that_hidden_words_inside_a_clause_are_named_and_not_quoted(tmp_path):
    document = read(
        tmp_path,
        para("十五日内", run("（内部：三十日）", HID), "答复。", level=0)
        + para("显示", run("仍显示", '<w:vanish w:val="0"/>'), level=0, style="Open")
        + para(run("又显示。", '<w:rStyle w:val="Ghost"/>'), level=0, style="Secret"),
        styles=STYLES,
    )
    assert clauses(document) == {
        "第一条": "十五日内答复。",
        "第二条": "显示仍显示",
        "第三条": "又显示。",  # two styles that hide switch each other off
    }
    assert [(n.text, n.reason) for n in document.skipped] == [
        ("（内部：三十日）", "hidden_text")
    ]


def test_that_a_paragraph_whose_end_was_deleted_goes_on_with_the_next(tmp_path):
    document = read(
        tmp_path,
        para("十五日", deleted("（自然日）"), level=0, mark=DEL)
        + para("内答复。", level=0)
        + para("第二件。", level=0)
        + para("其三", level=0, mark=MOVED)
        + para("未编号。"),
    )
    assert clauses(document) == {
        "第一条": "十五日内答复。",
        "第二条": "第二件。",
        "第三条": "其三未编号。",
    }


def test_that_moved_text_stands_only_where_it_went(tmp_path):
    document = read(
        tmp_path,
        para("甲。", level=0)
        + para(deleted("乙。", "moveFrom"), level=0, mark=MOVED)
        + para("丙。", level=0)
        + para(f'<w:moveTo w:id="2" w:author="a">{run("乙。")}</w:moveTo>', level=0),
    )
    assert clauses(document) == {"第一条": "甲。", "第二条": "丙。", "第三条": "乙。"}


def test_that_deleted_hidden_and_nested_rows_are_read_as_shown(tmp_path):
    def row(*cells: str, own: str = "") -> str:
        inner = "".join(f"<w:tc>{cell}</w:tc>" for cell in cells)
        return f"<w:tr><w:trPr>{own}</w:trPr>{inner}</w:tr>"

    nested = f"<w:tbl>{row(para('内'), para('里'))}</w:tbl>{para('')}"
    table = (
        row(para("年龄"), para("保费"))
        + row(para("20"), para("旧价"), own=DEL)
        + row(para("21"), para("暗价"), own="<w:hidden/>")
        + row(para(deleted("22")), para(run("23", HID)))
        + row(nested, para("外"))
    )
    document = read(tmp_path, para("费率", level=0) + f"<w:tbl>{table}</w:tbl>")
    assert clauses(document) == {
        "第一条": "费率\n| 年龄 | 保费 |\n| | 内 | 里 | | 外 |"
    }
    hidden = [note.text for note in document.skipped]
    assert hidden == ["21", "暗价", "23"]


def test_that_a_footnote_belongs_to_the_clause_that_points_to_it(tmp_path):
    note = f'<w:footnote w:id="2">{para("第二条 工作日不含节假日。")}</w:footnote>'
    rule = f'<w:footnote w:id="0" w:type="separator">{para("线")}</w:footnote>'
    pointer = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    document = read(
        tmp_path,
        para("三个工作日。", pointer, level=0) + para("完。", level=0),
        footnotes=rule + note,
    )
    assert clauses(document) == {
        "第一条": "三个工作日。\n第二条 工作日不含节假日。",
        "第二条": "完。",
    }


# --- Lists and levels that a style inherits.


def style(name: str, number: str = "", based: str = "", kind: str = "paragraph") -> str:
    base = f'<w:basedOn w:val="{based}"/>' if based else ""
    own = f"<w:pPr><w:numPr>{number}</w:numPr></w:pPr>" if number else ""
    return f'<w:style w:type="{kind}" w:styleId="{name}">{base}{own}</w:style>'


NUM = '<w:numId w:val="1"/>'
IN_ONE, IN_TWO = '<w:ilvl w:val="1"/>', '<w:ilvl w:val="2"/>'
INHERITED = {
    "level only, list from its base": (
        style("H1", NUM) + style("H2", IN_ONE, "H1") + style("H3", IN_TWO, "H2"),
        LIST,
    ),
    "level bound by the list": (
        style("H1", NUM) + style("H2", NUM, "H1") + style("H3", "", "H1"),
        LIST.replace(numbering(), numbering(("H1", "H2", "H3"))),
    ),
    "level by the list although the style says another": (
        style("H1", NUM) + style("H2", IN_TWO + NUM, "H1") + style("H3", IN_ONE, "H1"),
        LIST.replace(numbering(), numbering(("H1", "H2", "H3"))),
    ),
    "level only, its list bound by the list alone": (
        style("H1", NUM) + style("H2", IN_ONE) + style("H3", IN_TWO),
        LIST.replace(numbering(), numbering(("H1", "H2", "H3"))),
    ),
    "list through a numbering style": (
        style("H1", NUM)
        + style("H2", IN_ONE, "H1")
        + style("H3", IN_TWO, "H1")
        + style("Law", '<w:numId w:val="5"/>', kind="numbering"),
        '<w:abstractNum w:abstractNumId="3"><w:numStyleLink w:val="Law"/></w:abstractNum>'
        + numbering(name="4")
        + '<w:num w:numId="1"><w:abstractNumId w:val="3"/></w:num>'
        '<w:num w:numId="5"><w:abstractNumId w:val="4"/></w:num>',
    ),
    "list through a linked numbering style": (
        style("H1", NUM) + style("H2", IN_ONE, "H1") + style("H3", IN_TWO, "H1"),
        '<w:abstractNum w:abstractNumId="3"><w:numStyleLink w:val="Law"/></w:abstractNum>'
        + numbering(name="4", link='<w:styleLink w:val="Law"/>')
        + '<w:num w:numId="1"><w:abstractNumId w:val="3"/></w:num>',
    ),
}


@pytest.mark.parametrize(("styles", "lists"), INHERITED.values(), ids=INHERITED)
def test_that_list_and_level_are_inherited_each_for_itself(tmp_path, styles, lists):
    styles += style("Deep", "", "H2") + style("Off", '<w:numId w:val="0"/>', "H1")
    document = read(
        tmp_path,
        para("服务。", style="H1")
        + para("电话。", style="H2")
        + para("甲。", style="H3")
        + para("不编号。", style="Off")
        + para("网站。", style="Deep")
        + para("时限。", style="H1")
        + para("直接。", style="H1", number=IN_ONE),
        lists,
        styles,
    )
    assert clauses(document) == {
        "第一条": "服务。",
        "第一条(一)": "电话。",
        "第一条(一)1": "甲。\n不编号。",
        "第一条(二)": "网站。",
        "第二条": "时限。",
        "第二条(一)": "直接。",
    }


# --- The rule: nothing lost, whatever was edited.

WORDS = st.text("甲乙丙丁服务期限费用，。", min_size=1, max_size=6)
STATES = st.sampled_from(["shown", "shown", "hidden", "deleted", "moved", "inserted"])
HEADS = st.sampled_from(["", "", "第一条 ", "第二条", "（一）", "1.", "相关推荐", "15"])


PARAGRAPHS = st.lists(
    st.tuples(HEADS, st.lists(st.tuples(WORDS, STATES), max_size=4)), max_size=9
)


@settings(max_examples=80, deadline=None)
@given(paragraphs=PARAGRAPHS)
def test_that_no_visible_character_of_a_docx_is_lost(paragraphs, tmp_path_factory):
    """Written with python-docx; the revisions are put in as Word writes them."""
    file = docx.Document()
    shown = ["第一条 开头"]
    hidden: list[str] = []
    file.add_paragraph(shown[0])
    for head, pieces in paragraphs:
        paragraph = file.add_paragraph(head)
        shown.append(head)
        for words, state in pieces:
            if state == "shown":
                paragraph.add_run(words)
            elif state == "hidden":
                paragraph.add_run(words).font.hidden = True
            else:
                tag = {"deleted": "del", "moved": "moveFrom", "inserted": "ins"}[state]
                xml = deleted(words, tag)
                paragraph._p.append(
                    parse_xml(
                        xml.replace(f"<w:{tag} ", f'<w:{tag} xmlns:w="{SPACE}" ', 1)
                    )
                )
            if state in ("shown", "inserted"):
                shown.append(words)
            elif state == "hidden":
                hidden.append(words)
    stream = io.BytesIO()
    file.save(stream)
    path = tmp_path_factory.mktemp("docx") / "a.docx"
    path.write_bytes(stream.getvalue())
    try:
        document = import_file(path)
    except NoClauseError:
        return
    assert_lossless("".join(shown + hidden), document)
    named = [n.text for n in document.skipped if n.reason == "hidden_text"]
    assert characters("".join(named)) == characters("".join(hidden))
