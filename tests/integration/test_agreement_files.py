from pathlib import Path

import pytest

from actions.agreement.errors import AgreementError
from actions.agreement.importing import import_file

TEXT = (
    "服务协议\n甲方：[全称]\n第一条 定义\n（一）保险期间：指协议期间。\n第二条 目的。\n"
)
AGREEMENTS = Path(__file__).parent.parent / "fixtures" / "agreements"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"],
)
def test_that_text_is_read_in_every_usual_encoding(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode(encoding))
    document = import_file(path)
    assert [clause.ref for clause in document.clauses] == [
        "第一条",
        "第一条(一)",
        "第二条",
    ]
    assert document.title == "服务协议"


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\u2028", "\x0c"])
def test_that_every_line_break_counts(tmp_path, newline):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.replace("\n", newline).encode())
    assert len(import_file(path).clauses) == 3


def test_that_markdown_marks_and_front_matter_are_no_text(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "---\nproduct: 重疾险\nversion: '1'\n---\n# 服务协议\n\n## 第一条 定义\n\n"
        "- (一) **保险期间**：指期间。\n\n1\\. 转义的数字。\n\n| 年龄 | 价 |\n|---|---|\n"
        "| 20 | 5 |\n",
        encoding="utf-8",
    )
    document = import_file(path)
    assert document.front_matter["product"] == "重疾险"
    assert document.title == "服务协议"
    assert [clause.text for clause in document.clauses] == [
        "定义",
        "保险期间：指期间。",
        "转义的数字。\n| 年龄 | 价 |\n| 20 | 5 |",
    ]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b"\xff\xfe\r\n", "empty|no text"),
        ("a.txt", bytes(range(256)) * 50, "not a text"),
        ("a.txt", b"PK\x03\x04" + b"\x00" * 50, "zip"),
        ("a.docx", b"\xd0\xcf\x11\xe0" + b"\x00" * 50, "old Word"),
        ("a.docx", b"plain text", "not a docx"),
        ("a.pdf", b"%PDF-1.7", r"\.pdf"),
        ("a.md", b"---\na: [\n---\n", "front matter"),
        ("a.txt", "没有条款的一封信。".encode(), "no article"),
    ],
)
def test_that_unusable_files_are_named_with_the_reason(tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AgreementError, match=said) as caught:
        import_file(path)
    assert name in str(caught.value)


def test_that_missing_and_oversized_files_are_refused(tmp_path):
    with pytest.raises(AgreementError, match="No such file"):
        import_file(tmp_path / "none.txt")
    big = tmp_path / "big.txt"
    with big.open("wb") as stream:
        stream.truncate(21 * 1024 * 1024)
    with pytest.raises(AgreementError, match="bytes"):
        import_file(big)


def test_that_a_web_copy_is_read_whole():
    document = import_file(AGREEMENTS / "web_copy.txt")
    assert len(document.clauses) == 38
    assert document.truncated
    assert document.clauses[-1].ref == "第四条(一)3"
    assert document.unplaced == ()
    assert [n.text for n in document.skipped][-3:] == [
        "评论(3)",
        "写得真好，谢谢分享。",
        "1楼 张三：收藏了",
    ]


def test_that_another_numbering_is_read_whole():
    document = import_file(AGREEMENTS / "renumbered.txt")
    assert document.unplaced == () and document.skipped == ()
    refs = [clause.ref for clause in document.clauses]
    assert {"第三条(二)", "第四条2", "第十一条", "第四章"} <= set(refs)
    assert not document.truncated


def test_that_the_demo_texts_are_read_without_a_rest():
    folder = Path(__file__).parents[2] / "data" / "agreement"
    for path in [folder / "service_agreement.md", *(folder / "products").glob("*.md")]:
        document = import_file(path)
        assert document.unplaced == (), path.name
        assert not document.truncated, path.name
        assert len(document.clauses) > 30, path.name
