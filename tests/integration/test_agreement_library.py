import json
import subprocess
import sys
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest

from actions import migrate
from actions.agreement.cite import cite
from actions.agreement.clauses import DocumentVersion
from actions.agreement.documents import fill_clauses
from actions.agreement.evaluating import evaluate, read_rows
from actions.agreement.importing import import_file
from actions.agreement.library import LibraryOpener, open_library
from actions.agreement.repository import AgreementRepository
from actions.agreement.search import ClauseSearch
from actions.agreement.teaching import service_lessons
from actions.database import build_engine
from actions.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
WEB_COPY = FIXTURES / "agreements" / "web_copy.txt"
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # The vectors are worth keeping between runs; the database is not.
    url = f"sqlite:///{tmp_path}/agreement.db"
    return read_settings(root=ROOT, database_url=url)


@pytest.fixture
def repository(settings: Settings) -> AgreementRepository:
    engine = build_engine(settings)
    migrate.upgrade(engine)
    return AgreementRepository(engine)


def source(day: date, label: str = "v") -> DocumentVersion:
    return DocumentVersion("service", "协议", label, day)


def test_that_importing_the_same_text_twice_stores_it_once(repository):
    parsed = import_file(WEB_COPY)
    first = repository.save(parsed, source(date(2026, 1, 1)), "a.txt", NOW, True)
    again = repository.save(parsed, source(date(2026, 1, 1)), "b.txt", NOW, True)
    later = repository.save(parsed, source(date(2027, 1, 1)), "b.txt", NOW, False)
    assert (first[1], again[1], later[1]) == (False, True, True)
    assert first[0] == again[0] == later[0]
    moved = repository.save(parsed, source(date(2027, 1, 1)), "b.txt", NOW, True)
    assert moved == (source(date(2027, 1, 1), "v-2"), False)


def test_that_the_version_in_force_on_a_day_is_chosen(repository):
    parsed = import_file(WEB_COPY)
    other = import_file(FIXTURES / "agreements" / "renumbered.txt")
    repository.save(parsed, source(date(2026, 1, 1), "old"), "a", NOW, True)
    repository.save(other, source(date(2026, 7, 1), "new"), "b", NOW, True)

    def label(day: date) -> str | None:
        found = repository.in_force("service", day)
        return found.source.version if found else None

    assert label(date(2025, 12, 31)) is None
    assert label(date(2026, 6, 30)) == "old"
    assert label(date(2026, 7, 1)) == "new"
    kept = repository.in_force("service", date(2026, 7, 1))
    assert kept is not None
    assert [(c.ref, c.text) for c in kept.clauses] == [
        (c.ref, c.text) for c in other.clauses
    ]


def test_that_an_import_is_quoted_from_its_first_day_on(settings, repository):
    opener = LibraryOpener(settings, seconds=count().__next__)
    before = opener.at(NOW)
    assert before.clause("第八条(一)") is not None  # the bundled text
    assert opener.at(NOW) is before
    parsed = import_file(WEB_COPY)
    repository.save(parsed, source(date(2026, 11, 23)), "a", NOW, True)
    after = opener.at(NOW)
    assert after.clause("第八条(一)") is None
    quoted = after.clause("第三条(四)2")
    assert quoted is not None and quoted.source.version == "v"
    assert "十五(15)个工作日" in quoted.text and "[例如" in quoted.original
    blank = after.clause("第一条(四)")
    assert blank is not None and cite(blank).open_blanks == ("[编号]",)


def test_that_the_day_in_beijing_decides(settings, repository):
    parsed = import_file(WEB_COPY)
    repository.save(parsed, source(date(2026, 11, 24)), "a", NOW, True)
    opener = LibraryOpener(settings, seconds=count().__next__)
    assert opener.at(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)).clause("第八条(一)")
    evening = opener.at(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    assert evening.clause("第八条(一)") is None


def test_that_the_bundled_library_opens_without_tables(settings):
    library = open_library(settings, NOW)
    assert open_library(settings, NOW) is library
    assert library.facts["hotline"]
    assert len(library.products()) >= 6
    assert all(not clause.open_blanks for clause in library.clauses())
    commitment = library.commitment("第三条(四)2")
    assert commitment is not None
    assert (commitment.amount, commitment.unit) == (15, "工作日")
    for entries in library.papers.values():
        for entry in entries:
            place = entry["clause"]
            assert library.clause(place["ref"], place["product"]), entry


def test_that_every_question_of_the_data_names_a_clause(settings):
    from actions.agreement.documents import read_questions

    library = open_library(settings, NOW)
    asked = read_questions(ROOT / "data" / "agreement" / "questions.yml")
    assert not [ref for ref in asked.service if library.clause(ref) is None]
    for product, refs in asked.products.items():
        assert not [ref for ref in refs if library.clause(ref, product) is None]


def test_that_topics_find_their_clauses_in_the_demo_text(settings):
    library = open_library(settings, NOW)
    reader = LibraryOpener(settings, seconds=count().__next__).reader()
    lessons = service_lessons(library.clauses(), {}, reader)
    lines = (FIXTURES / "topic_refs.tsv").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split("\t") for line in lines[1:])
    clauses = library.clauses()
    for topic in reader.knowledge.topics:
        ref = wanted.get(topic.key)
        label = next(iter(lessons.labels[topic.questions[0]]))
        found = [clauses[i].ref for i in lessons.members[label]]
        assert found == ([ref] if ref else []), topic.key


@pytest.mark.parametrize("known", [True, False])
def test_that_the_development_questions_keep_their_figures(settings, known):
    library = open_library(settings, NOW)
    rows = read_rows(FIXTURES / "clause_dev.tsv")
    search = library.search
    if not known:
        parsed = import_file(WEB_COPY)
        clauses = fill_clauses(parsed.clauses, source(date(2026, 1, 1)), {})
        reader = LibraryOpener(settings, seconds=count().__next__).reader()
        lessons = service_lessons(clauses, {}, reader)
        search = ClauseSearch(clauses, lessons, reader).search
    figures = evaluate(rows, lambda question: search(question))
    assert figures["top1"] >= 0.9
    assert figures["top3"] >= 0.95
    assert figures["refusal_recall"] >= 0.9
    assert figures["answerable_refused"] <= 0.05
    assert figures["broken_quotes"] == 0


def run(settings: Settings, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "actions", *args],
        cwd=ROOT,
        env={"BAOKE_DATABASE_URL": settings.database_url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_that_the_commands_speak_json_and_store_nothing_on_a_dry_run(
    settings, repository
):
    done = run(settings, "agreement", "import", str(WEB_COPY), "--dry-run", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["truncated"] is True
    assert report["clauses"][-1]["ref"] == "第四条(一)3"
    assert {"ref", "text"} <= set(report["blanks"][0])
    assert repository.documents() == set()
    for stored in (True, False):
        arguments = ("agreement", "import", str(WEB_COPY), "--effective-from")
        done = run(settings, *arguments, "2026-01-01", "--json")
        assert json.loads(done.stdout)["stored"] is stored
    shown = run(settings, "agreement", "show", "第三条（四）2", "--json")
    (clause,) = json.loads(shown.stdout)["clauses"]
    assert clause["ref"] == "第三条(四)2" and clause["open_blanks"] == []


def test_that_an_operators_mistake_is_one_line_and_exit_one(
    settings, repository, tmp_path
):
    letter = tmp_path / "letter.txt"
    letter.write_text("没有条款。", encoding="utf-8")
    bad = tmp_path / "bad.tsv"
    bad.write_text("frage\tref\n", encoding="utf-8")
    for arguments in (
        ("agreement", "import", str(letter)),
        ("agreement", "import", str(WEB_COPY), "--effective-from", "tomorrow"),
        ("agreement", "show", "第九十九条"),
        ("eval-clauses", str(bad)),
    ):
        done = run(settings, *arguments)
        assert done.returncode == 1, arguments
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, done.stderr
    assert run(settings, "agreement", "burn").returncode == 2
