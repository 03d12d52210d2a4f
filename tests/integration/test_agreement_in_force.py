"""Which text is in force: kinds keep apart, and any version can be taken back."""

import argparse
import io
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import docx
import pytest
from sqlalchemy import text

from actions import migrate
from actions.agreement.clauses import DocumentVersion
from actions.agreement.importing import import_file
from actions.agreement.library import LibraryOpener
from actions.agreement.repository import AgreementRepository
from actions.commands import agreement
from actions.database import build_engine
from actions.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
AGREEMENTS = ROOT / "tests" / "fixtures" / "agreements"
WEB_COPY = AGREEMENTS / "web_copy.txt"
RENUMBERED = AGREEMENTS / "renumbered.txt"
BUNDLED = ROOT / "data" / "agreement" / "service_agreement.md"
SHEET = ROOT / "data" / "agreement" / "products" / "accident.md"
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
TODAY = date(2026, 11, 23)

PRODUCT_CLAUSES = """{title}
第一条 保险责任
我们按约定赔付住院费用。
第二条 责任免除
故意行为造成的，我们不赔。
第三条 保险费
保险费每年一百元。
第四条 等待期
等待期为三十日。
"""
PRIVACY = """{title}
第一条 收集
我们收集您的电话，用于客服热线、咨询、投诉和理赔报案的答复。
第二条 使用
保险公司按最小范围使用，官方网站公布增值服务。
第三条 删除
您可以请求删除。
"""
CONTRACT = """{title}
第一条 标的
甲方把房屋出租给乙方。
第二条 租金
每月一千元，电话联系。
第三条 违约
违约的赔偿一个月租金。
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/agreement.db"
    made = read_settings(root=ROOT, database_url=url)
    migrate.upgrade(build_engine(made))
    return made


@pytest.fixture
def repository(settings: Settings) -> AgreementRepository:
    return AgreementRepository(build_engine(settings))


def run(settings: Settings, *args: str) -> subprocess.CompletedProcess[str]:
    """The command in this process: the encoder is opened once."""
    parser = argparse.ArgumentParser()
    agreement.register(parser.add_subparsers(dest="command"))
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.setenv("BAOKE_DATABASE_URL", settings.database_url)
        patch.setenv("BAOKE_CLOCK", "2026-11-23T04:00:00Z")
        code = agreement.run(parser.parse_args(["agreement", *args, "--json"]))
    return subprocess.CompletedProcess(args, code, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True, scope="module")
def one_reader():
    """Every command reads with the same encoder and words, as one process would."""
    opener = LibraryOpener(read_settings(root=ROOT))
    with pytest.MonkeyPatch.context() as patch:
        made = opener.reader()
        patch.setattr(LibraryOpener, "reader", lambda _: made)
        yield


def done(settings: Settings, *args: str):
    process = run(settings, *args)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def in_force(settings: Settings, document: str = "service") -> str:
    return done(settings, "show", "--document", document)["version"]


def write(folder: Path, name: str, words: str) -> Path:
    file = folder / name
    if file.suffix == ".docx":
        page = docx.Document()
        for line in words.splitlines():
            page.add_paragraph(line)
        page.save(str(file))
    else:
        file.write_text(words, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("医疗保险条款.txt", PRODUCT_CLAUSES.format(title="医疗保险条款"), "product"),
        ("条款.docx", PRODUCT_CLAUSES.format(title="人身保险条款"), "product"),
        # The file's name is no evidence.
        (
            "客户服务协议.txt",
            PRODUCT_CLAUSES.format(title="个人意外伤害保险"),
            "product",
        ),
        ("无题.txt", PRODUCT_CLAUSES.format(title="内部资料"), "product"),
        ("隐私.txt", PRIVACY.format(title="客户隐私政策"), "doubtful"),
        ("隐私.docx", PRIVACY.format(title="个人信息保护政策"), "doubtful"),
        ("租房.txt", CONTRACT.format(title="房屋租赁合同"), "doubtful"),
        ("保洁.txt", CONTRACT.format(title="保洁服务合同"), "doubtful"),
        ("空.txt", "客户服务协议\n第一条\n第二条\n第三条\n", "doubtful"),
        ("空壳.txt", "第一条 甲\n第二条 乙\n第三条 丙\n", "doubtful"),
        # The title says one thing and the contents another.
        ("混.txt", PRODUCT_CLAUSES.format(title="客户服务协议"), "doubtful"),
    ],
)
def test_that_another_kind_of_document_leaves_the_agreement_in_force(
    settings, tmp_path, name, words, said
):
    done(settings, "import", str(WEB_COPY), "--label", "ours")
    file = write(tmp_path, name, words)
    refused = run(settings, "import", str(file))
    assert refused.returncode == 1
    assert refused.stdout == "" and len(refused.stderr.splitlines()) == 1
    assert said in refused.stderr and "--kind service" in refused.stderr
    assert (
        "title" in refused.stderr and "headings" in refused.stderr
    )  # how it was judged
    assert in_force(settings) == "ours"
    told = done(settings, "import", str(file), "--dry-run")
    assert told["refused"] and told["judged"] == said and not told["stored"]


@pytest.mark.parametrize("file", [WEB_COPY, RENUMBERED, BUNDLED])
def test_that_agreements_of_the_family_are_taken_without_a_word(settings, file):
    told = done(settings, "import", str(file), "--label", "new")
    assert (told["kind"], told["in_force"]) == ("service", True)
    assert in_force(settings) == "new"


def test_that_a_product_sheet_goes_to_its_product_only(settings, tmp_path):
    words = SHEET.read_text(encoding="utf-8").replace(
        "一百八十日内因该", "一百日内因该"
    )
    told = done(settings, "import", str(write(tmp_path, "新版.md", words)))
    assert (told["document"], told["kind"]) == ("accident", "product")
    assert in_force(settings) == "2026.1"
    shown = done(settings, "show", "--document", "意外险")
    assert "一百日内因该" in "".join(clause["text"] for clause in shown["clauses"])
    # A likeness with one of our products is not enough: it may be another insurer's.
    other = PRODUCT_CLAUSES.format(title="意外伤害保险条款")
    file = write(tmp_path, "别家.txt", other)
    assert run(settings, "import", str(file)).returncode == 1
    named = done(
        settings, "import", str(file), "--kind", "product", "--product", "意外险"
    )
    assert named["document"] == "accident"
    assert "waiting" not in named["lost_topics"] and "papers" in named["lost_topics"]
    assert in_force(settings) == "2026.1"


def test_that_a_product_nobody_has_is_named(settings, tmp_path):
    file = write(tmp_path, "a.txt", PRODUCT_CLAUSES.format(title="宠物保险条款"))
    refused = run(
        settings, "import", str(file), "--kind", "product", "--product", "宠物险"
    )
    assert refused.returncode == 1 and "accident (意外险)" in refused.stderr


def test_that_a_text_said_to_be_an_agreement_warns_of_what_is_lost(settings, tmp_path):
    file = write(tmp_path, "a.txt", PRODUCT_CLAUSES.format(title="医疗保险条款"))
    process = run(settings, "import", str(file), "--kind", "service", "--label", "odd")
    told = json.loads(process.stdout)
    assert told["in_force"] and told["replaces"]["version"] == "2026.1"
    assert "complaint_deadline" in told["lost_topics"]
    assert set(told["missing_commitments"]) == {"第三条(二)2", "第三条(四)2"}
    assert "--kind says so; judged product" in process.stderr
    assert "topics that the text before has" in process.stderr


def test_that_a_reordered_agreement_is_said_to_promise_elsewhere(settings, tmp_path):
    lines = BUNDLED.read_text(encoding="utf-8")
    complaint = lines[lines.index("(四) 投诉处理") : lines.index("(五) 服务质量")]
    claims = lines[lines.index("(三) 理赔服务") : lines.index("(四) 投诉处理")]
    swapped = lines.replace(
        claims + complaint,
        complaint.replace("(四)", "(三)", 1) + claims.replace("(三)", "(四)", 1),
    ).replace("应当在受理报案后的合理时间内派员", "应当在受理报案后三十个工作日内派员")
    told = done(settings, "import", str(write(tmp_path, "换序.md", swapped)))
    assert "第三条(四)2" in told["missing_commitments"]
    assert any(
        "complaint_deadline stands in 第三条(三)2" in w for w in told["warnings"]
    )
    checked = done(settings, "check")
    (lacking,) = checked["missing_commitments"]
    assert lacking["ref"] == "第三条(四)2"
    done(settings, "use", "bundled")
    assert done(settings, "check")["missing_commitments"] == []


def test_that_another_insurers_agreement_is_named(settings, tmp_path):
    words = RENUMBERED.read_text(encoding="utf-8").replace(
        "【公司名称】", "东方红人寿保险股份有限公司"
    )
    told = done(settings, "import", str(write(tmp_path, "a.txt", words)))
    assert any("东方红人寿保险股份有限公司" in line for line in told["warnings"])


def test_that_importing_the_right_text_again_puts_it_in_force(settings):
    right = ("import", str(WEB_COPY), "--label", "right")
    done(settings, *right)
    done(settings, "import", str(RENUMBERED), "--label", "wrong")
    assert in_force(settings) == "wrong"
    again = done(settings, *right)
    assert (again["stored"], again["reused"], again["in_force"]) == (False, True, True)
    assert again["replaces"]["version"] == "wrong"
    assert in_force(settings) == "right"
    with_day = ("import", str(RENUMBERED), "--effective-from", "2026-11-23")
    assert done(settings, *with_day)["in_force"]
    assert in_force(settings) == "wrong"


def test_that_one_command_sets_back_what_is_in_force(settings):
    done(settings, "import", str(WEB_COPY), "--label", "first")
    done(settings, "import", str(RENUMBERED), "--label", "second")
    used = done(settings, "use", "first")
    assert (used["before"], used["version"], used["in_force"]) == (
        "second",
        "first",
        True,
    )
    assert in_force(settings) == "first"
    done(settings, "use", "2026.1")  # the bundled text's own label
    assert in_force(settings) == "2026.1"
    done(settings, "use", "second")
    rows = [row for row in done(settings, "list") if row["document"] == "service"]
    assert [(r["version"], r["bundled"], r["in_force"]) for r in rows] == [
        ("2026.1", True, False),
        ("first", False, False),
        ("second", False, True),
    ]
    assert {row["kind"] for row in rows} == {"service"}
    wrong = run(settings, "use", "third")
    assert wrong.returncode == 1 and "first, second, bundled" in wrong.stderr


def test_that_a_past_day_that_does_not_count_is_said(settings):
    done(settings, "import", str(WEB_COPY), "--label", "now")
    older = (
        "import",
        str(RENUMBERED),
        "--label",
        "old",
        "--effective-from",
        "2026-03-01",
    )
    told = done(settings, *older)
    assert (told["stored"], told["in_force"]) == (True, False)
    assert any("agreement use old" in line for line in told["warnings"])
    assert in_force(settings) == "now"
    done(settings, "use", "old")
    assert in_force(settings) == "old"


def test_that_first_days_to_come_hold_for_imports_and_choices(settings, repository):
    done(settings, "import", str(WEB_COPY), "--label", "now")
    planned = ("import", str(RENUMBERED), "--label", "next")
    told = done(settings, *planned, "--effective-from", "2027-01-01")
    assert (
        not told["in_force"]
        and "2027-01-01" in told["warnings"][-1] + told["warnings"][0]
    )
    refused = run(settings, "use", "next")
    assert refused.returncode == 1 and "2027-01-01" in refused.stderr

    def version(day: date) -> str | None:
        held = repository.in_force("service", day)
        return held.source.version if held else None

    assert (version(TODAY), version(date(2027, 1, 1))) == ("now", "next")
    used = done(settings, "use", "bundled")  # today; the planned one still begins
    assert any("next takes over on 2027-01-01" in line for line in used["warnings"])
    assert (version(TODAY), version(date(2027, 1, 1))) == (None, "next")
    done(settings, "use", "now", "--effective-from", "2027-01-01")
    assert (version(TODAY), version(date(2027, 1, 1))) == (None, "now")
    done(settings, "use", "next", "--effective-from", "2026-12-01")
    assert (version(TODAY), version(date(2026, 12, 1))) == (None, "next")


def test_that_two_texts_with_one_title_are_told_apart(settings, tmp_path):
    words = WEB_COPY.read_text(encoding="utf-8")
    file = write(tmp_path, "二稿.txt", words.replace("听取意见", "认真听取意见"))
    first = done(settings, "import", str(WEB_COPY))
    second = done(settings, "import", str(file))
    assert first["title"] == second["title"]
    assert first["version"] != second["version"]
    done(settings, "use", first["version"])
    assert in_force(settings) == first["version"]
    files = {row["file"] for row in done(settings, "list", "--document", "service")}
    assert files == {None, "web_copy.txt", "二稿.txt"}


def test_that_cited_versions_stay_resolvable(settings):
    done(settings, "import", str(WEB_COPY), "--label", "cited")
    done(settings, "import", str(RENUMBERED), "--label", "later")
    for label in ("cited", "2026.1"):
        shown = done(settings, "show", "第三条(四)2", "--version", label)
        assert shown["version"] == label
        assert "十五(15)个工作日" in shown["clauses"][0]["text"]
    assert run(settings, "show", "--version", "never").returncode == 1


def test_that_the_running_server_notices_a_choice(settings, repository):
    opener = LibraryOpener(settings, seconds=count().__next__)
    repository.save(import_file(WEB_COPY), source("a"), "a", NOW, False)
    repository.save(import_file(RENUMBERED), source("b"), "b", NOW, False)
    seen = []
    for choice in ("a", "b", None):
        repository.use("service", choice, TODAY, NOW)
        seen.append(opener.at(NOW).clauses()[0].source.version)
    assert seen == ["a", "b", "2026.1"]


def source(label: str) -> DocumentVersion:
    return DocumentVersion("service", "协议", label, TODAY)


def test_that_imports_at_the_same_time_leave_one_text_in_force(settings, repository):
    files = [WEB_COPY, RENUMBERED] * 4

    def save(file: Path) -> str:
        own = AgreementRepository(build_engine(settings))
        return own.save(import_file(file), source("v"), file.name, NOW, False)[
            0
        ].version

    with ThreadPoolExecutor(len(files)) as pool:
        labels = list(pool.map(save, files))
    assert set(labels) == {"v", "v-2"}
    assert len(repository.listed()) == 2
    held = repository.in_force("service", TODAY)
    assert held is not None and held.source.version in labels


def test_that_what_was_in_force_before_the_upgrade_stays(tmp_path):
    made = read_settings(root=ROOT, database_url=f"sqlite:///{tmp_path}/old.db")
    engine = build_engine(made)
    migrate.upgrade(engine)
    repository = AgreementRepository(engine)
    repository.save(import_file(WEB_COPY), source("a"), "a", NOW, False)
    repository.save(import_file(RENUMBERED), source("b"), "b", NOW, False)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM agreement_uses"))
    migrate.downgrade(engine, "0004")
    migrate.upgrade(engine)
    held = repository.in_force("service", TODAY)
    assert held is not None and held.source.version == "b"
