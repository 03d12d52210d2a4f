"""``db`` and ``complaints`` of ``python -m actions``: JSON, files, exit codes."""
# ruff: noqa: RUF001 - full-width letters are what is tested

import argparse
import csv
import json
import stat

import pytest
from openpyxl import load_workbook
from store_kit import LI, ROOT, ZHANG, execute, file_complaint, opened

from actions.commands import claims, complaints, db, requests
from actions.policystore.complaint_export import HEADERS
from actions.services import open_services
from actions.settings import read_settings

MODULES = {"db": db, "complaints": complaints, "claims": claims, "requests": requests}
EVIL = '=HYPERLINK("http://evil","x")'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own as the commands find it: by folder and environment."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BAOKE_DATABASE_URL", raising=False)
    monkeypatch.setenv("BAOKE_CLOCK", "2026-11-23T10:00:00+08:00")
    open_services.cache_clear()
    yield tmp_path
    open_services.cache_clear()


def run(*words):
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for module in MODULES.values():
        module.register(commands)
    args = parser.parse_args(words)
    return MODULES[args.command].run(args)


def run_json(capsys, *words):
    code = run(*words, "--json")
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def ready(project):
    run("db", "upgrade")
    run("db", "seed")
    with opened(read_settings()) as store:
        yield store


def test_that_upgrade_and_seed_may_be_repeated(project, capsys):
    first = run_json(capsys, "db", "upgrade")
    assert first[0] == 0
    assert first[1]["changed"] is True
    assert run_json(capsys, "db", "upgrade") == (0, {**first[1], "changed": False})

    new = {"customers": 3, "policies": 4, "claims": 3}
    assert run_json(capsys, "db", "seed") == (0, new)
    assert run_json(capsys, "db", "seed") == (0, dict.fromkeys(new, 0))
    assert (project / "var/baoke.db").is_file()


def test_that_the_seed_counts_from_the_moved_clock(ready):
    with ready() as uow:
        due = uow.policies.get(ZHANG, "P2023060100027").renewal_due

    assert due.isoformat() == "2026-12-13"


def test_that_seeding_without_tables_fails_with_a_word(project, capsys):
    assert run("db", "seed") == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("db seed: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "url", ["mysql://a@b/c", "sqlite:////proc/none/x.db", "nonsense"]
)
def test_that_a_wrong_database_fails_with_a_word(project, capsys, monkeypatch, url):
    monkeypatch.setenv("BAOKE_DATABASE_URL", url)

    assert run("db", "upgrade") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_that_verify_tells_a_whole_log_from_a_broken_one(ready, capsys):
    capsys.readouterr()
    file_complaint(ready, "turn-1")
    whole = {"entries": 1, "ok": True, "first_bad": None}
    assert run_json(capsys, "complaints", "verify") == (0, whole)

    execute(ready, "UPDATE complaints SET wanted = 'x'")

    broken = {"entries": 1, "ok": False, "first_bad": 1}
    assert run_json(capsys, "complaints", "verify") == (1, broken)


def read_csv(file):
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [tuple(row) for row in csv.reader(lines)]


def read_xlsx(file):
    book = load_workbook(file)
    rows = list(book.active.iter_rows())
    assert all(cell.data_type != "f" for row in rows for cell in row)
    book.close()
    return [tuple(cell.value or "" for cell in row) for row in rows]


@pytest.mark.parametrize(("form", "read"), [("csv", read_csv), ("xlsx", read_xlsx)])
def test_that_an_export_is_a_table_without_formulas(ready, capsys, form, read):
    file_complaint(
        ready, "turn-1", customer_id=LI, what=EVIL, wanted="第一行\n第二行\x07"
    )
    file_complaint(ready, "turn-2", contact_phone="+8613900000009", category="＝1")
    capsys.readouterr()

    code, said = run_json(capsys, "complaints", "export", "--format", form)

    assert code == 0
    assert (said["entries"], said["ok"], said["complaints"]) == (2, True, 2)
    file = read_settings().root / said["file"]
    assert file.name == f"complaints-20261123-10{file.stem[-4:]}.{form}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = read(file)
    by_phone = {row[6]: row for row in rows}
    first, second = by_phone["13900000009"], by_phone["'+8613900000009"]
    assert rows[0] == HEADERS
    assert len(rows) == 3
    assert first[4] == f"'{EVIL}"
    assert first[5] == "第一行\n第二行"
    assert first[7] == LI
    assert second[3] == "'＝1"
    assert first[1] == "2026-11-23 10:00"
    assert (first[8], first[9]) == ("2026-12-14 18:00", "第三条(四)2")
    assert (first[10], first[11]) == ("已受理", "")


def test_that_an_export_goes_where_it_is_told(ready, tmp_path):
    target = tmp_path / "out/ledger.csv"

    assert run("complaints", "export", "--output", str(target)) == 0
    assert read_csv(target) == [HEADERS]


def test_that_a_broken_log_is_exported_but_told(ready, capsys, tmp_path):
    file_complaint(ready, "turn-1")
    execute(ready, "UPDATE complaints SET status = 'closed'")
    target = tmp_path / "ledger.csv"

    assert run("complaints", "export", "--output", str(target)) == 1
    assert "bad from entry 1" in capsys.readouterr().err
    assert len(read_csv(target)) == 2


def test_that_an_unwritable_file_fails_with_a_word(ready, capsys):
    assert run("complaints", "export", "--output", "/proc/none/x.csv") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_that_a_complaint_is_handled_by_commands(ready, capsys):
    number = file_complaint(ready).complaint_no
    steps = [
        ("assign", "leader", "--handler", "agent1", "--accused", "王强"),
        ("progress", "agent1", "--text", "已联系理赔部"),
        ("ask-extension", "agent1", "--text", "等回函"),
        ("extend", "leader"),
        ("decide", "agent1", "--text", "补付200元"),
        ("close", "leader"),
    ]
    for step, actor, *told in steps:
        code, case = run_json(
            capsys, "complaints", step, number.lower(), "--as", actor, *told
        )
        assert code == 0, step
    code, shown = run_json(capsys, "complaints", "show", number)

    assert case == shown
    assert (shown["status"], shown["extension_level"]) == ("closed", 1)
    assert shown["due_at"].startswith("2026-12-23T23:59:59")  # 30 days after filing
    assert [e["kind"] for e in shown["entries"]] == [
        "filed",
        "assigned",
        "progress",
        "extension_asked",
        "extended",
        "decided",
        "closed",
    ]
    assert run_json(capsys, "complaints", "list") == (0, [])
    assert run_json(capsys, "complaints", "verify")[1]["ok"]


def test_that_a_claim_is_decided_by_commands(ready, capsys):
    number = "C2026101500012"
    told = ("--line", "重大疾病保险金=500000.00", "--line", "已付=-100000")
    step = ("claims", "decide", number, "--as", "agent1", "--outcome", "approved")
    assert run(*step, "--amount", "400000", *told) == 1  # a paper is missing
    assert "papers_need_reason" in capsys.readouterr().err
    told += ("--papers-reason", "病理报告由医院直接寄来")

    code, claim = run_json(capsys, *step, "--amount", "400000", *told)
    assert (code, claim["status"]) == (0, "under_assessment")  # waits for a second one
    assert run(*step, "--amount", "400000", *told) == 1
    assert "same_person" in capsys.readouterr().err
    second = ("claims", "approve", number, "--as", "leader", "--amount", "400000")
    code, claim = run_json(capsys, *second)

    assert (code, claim["status"], claim["amount_fen"]) == (0, "approved", 40_000_000)
    assert [line["fen"] for line in claim["calculation"]] == [50_000_000, -10_000_000]
    assert run("claims", "move", number, "--as", "agent1", "--to", "paying") == 0
    assert "paying" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("complaints", "show", "T2099010100001"), "no such number"),
        (("claims", "move", "C2099010100001", "--as", "x", "--to", "paid"), "no such"),
        (("claims", "move", "C2026101500012", "--as", "x", "--to", "paid"),
         "refused: no_such_move"),
        (("claims", "decide", "C2026101500012", "--as", "x", "--outcome", "approved",
          "--amount", "1e999999"), "refused: unreadable_amount"),
        (("claims", "decide", "C2026101500012", "--as", "x", "--outcome", "approved",
          "--amount", "0.001"), "refused: unreadable_amount"),
        (("claims", "decide", "C2026101500012", "--as", "x", "--outcome", "approved",
          "--amount", "nan"), "refused: unreadable_amount"),
        (("claims", "decide", "C2026101500012", "--as", "x", "--outcome", "declined",
          "--reason", "y", "--clause", "第六条"), "refused: unreadable_clause"),
        (("requests", "show", "R2099010100001"), "no such number"),
    ],
)  # fmt: skip
def test_that_a_step_that_cannot_be_is_said_in_one_line(ready, capsys, words, why):
    assert run(*words) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert why in said.err
    assert said.err.count("\n") == 1


def test_that_an_import_names_the_limits_and_what_is_missing(project, capsys, tmp_path):
    from actions.commands import agreement

    file = ROOT / "data/agreement/service_agreement.md"
    parser = argparse.ArgumentParser()
    agreement.register(parser.add_subparsers(dest="command"))

    def imported(path):
        args = parser.parse_args(
            ["agreement", "import", str(path), "--dry-run", "--json"]
        )
        assert agreement.run(args) == 0
        said = capsys.readouterr()
        return json.loads(said.out), said.err

    found, quiet = imported(file)
    other = tmp_path / "other.md"
    text = file.read_text(encoding="utf-8")
    other.write_text(text.replace("[具体小时数]", "[几个]"), encoding="utf-8")
    gap, warned = imported(other)

    limits = {(one["ref"], one["amount"], one["unit"]) for one in found["commitments"]}
    assert {("第三条(二)2", 2, "工作小时"), ("第三条(四)2", 15, "工作日")} <= limits
    assert (found["missing_commitments"], quiet) == ([], "")
    assert gap["missing_commitments"] == ["第三条(二)2"]
    assert "第三条(二)2 promises no time" in warned
    args = parser.parse_args(["agreement", "import", str(other), "--json"])
    assert agreement.run(args) == 1
    refused = capsys.readouterr()
    assert "nothing was stored: 第三条(二)2 promises no time" in refused.err
    assert refused.out == ""
