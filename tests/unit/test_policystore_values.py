"""Numbers, spellings, hashes, days and cells of the policy store; no database."""
# ruff: noqa: RUF001 - full-width letters are what is tested

import inspect
import re
from datetime import UTC, date, datetime

import pytest

from actions.policystore.claims import ClaimRepository
from actions.policystore.complaint_export import safe_cell
from actions.policystore.complaints import ComplaintRepository
from actions.policystore.id_tail import NOBODY, hash_tail, is_tail
from actions.policystore.numbers import new_number
from actions.policystore.plain import key, plain, spelled
from actions.policystore.policies import PolicyRepository
from actions.policystore.seed import read_day, read_moment
from actions.policystore.service_requests import ServiceRequestRepository

NOW = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # the 23rd in Beijing
TODAY = date(2026, 11, 23)
CLAIMS_TO_BE_SOMEBODY = {
    PolicyRepository: ["customer_id"],
    ClaimRepository: ["customer_id"],
    ComplaintRepository: ["sender_id", "customer_id"],
}
# Not about one customer's data: `file` carries its person, `verify` reads no words.
WITHOUT = {"file", "verify"}


@pytest.mark.parametrize("repository", CLAIMS_TO_BE_SOMEBODY, ids=lambda r: r.__name__)
def test_that_personal_data_is_read_only_for_somebody(repository):
    methods = {
        name: list(inspect.signature(method).parameters)[1:]
        for name, method in inspect.getmembers(repository, inspect.isfunction)
        if not name.startswith("_") and name not in WITHOUT
    }

    first = CLAIMS_TO_BE_SOMEBODY[repository]
    assert methods
    assert {name: taken[: len(first)] for name, taken in methods.items()} == {
        name: first for name in methods
    }


def test_that_requests_are_read_only_for_a_customer():
    for method in (ServiceRequestRepository.all_of, ServiceRequestRepository.get):
        assert list(inspect.signature(method).parameters)[1] == "customer_id"


@pytest.mark.parametrize("prefix", ["C", "T", "R"])
def test_that_a_number_is_letter_day_and_five_digits(prefix):
    assert new_number(prefix, NOW, lambda: 12) == f"{prefix}2026112300012"
    assert re.fullmatch(rf"{prefix}20261123\d{{5}}", new_number(prefix, NOW))


def test_that_numbers_do_not_count_up():
    drawn = {new_number("C", NOW) for _ in range(50)}

    ordered = sorted(drawn)
    assert len(drawn) > 40
    assert int(ordered[-1][1:]) - int(ordered[0][1:]) > 1000


@pytest.mark.parametrize(
    ("said", "kept"),
    [("a\0b", "ab"), ("\ud83da", "a"), ("🙂 中文", "🙂 中文"), ("abcdef", "abcde")],
)
def test_that_text_is_made_fit_for_every_database(said, kept):
    assert plain(said, 5) == kept
    assert plain(said, 5).encode()


def test_that_a_number_has_one_spelling():
    assert spelled(" ｐ２０２５ 0808\t0003３ ") == "P2025080800033"
    assert spelled("P" * 100_000) == "P" * 40


@pytest.mark.parametrize("odd", ["", "a\0", "x" * 201, "\ud800"])
def test_that_an_id_is_never_repaired(odd):
    with pytest.raises(ValueError, match="an id"):
        key(odd)
    assert key("web:a") == "web:a"


def test_that_a_tail_is_known_by_its_hash_only():
    kept = hash_tail("887X")

    assert is_tail("887x", kept)
    assert is_tail("８８７Ｘ", kept)
    assert not is_tail("8870", kept)
    assert not is_tail("", kept)
    assert hash_tail("887X") != kept  # salted
    assert b"887" not in kept.digest + kept.salt


def test_that_nobody_has_no_tail():
    assert not any(is_tail(f"{n:04d}", NOBODY) for n in range(20))


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("today", TODAY),
        ("today+20", date(2026, 12, 13)),
        ("today-1", date(2026, 11, 22)),
        ("next 11-23", TODAY),
        ("next 11-22", date(2027, 11, 22)),
        ("year before today+20", date(2025, 12, 13)),
        ("year before 2024-02-29", date(2023, 3, 1)),
    ],
)
def test_that_a_seed_day_is_read(said, day):
    assert read_day(said, TODAY) == day


def test_that_a_seed_moment_is_beijing_time():
    assert read_moment("2026-09-01 09:20") == datetime(2026, 9, 1, 1, 20, tzinfo=UTC)
    with pytest.raises(ValueError, match="soon"):
        read_day("soon", TODAY)


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+86 139",
        "-1",
        "@SUM(A1)",
        "＝1+1",
        "＠SUM(A1)",
        " =1",
        "\t=1",
        "\n=1",
        "\ttext",
        "|cmd",
        "\x00=1",
        "　=cmd|' /C calc'!A0",
    ],
)
def test_that_a_cell_is_never_a_formula(formula):
    assert safe_cell(formula).startswith("'")


def test_that_an_ordinary_cell_stays_as_it_is():
    for text in ("", "报案两周", "a=b", "1-2", "https://x", "'quoted"):
        assert safe_cell(text) == text
    assert len(safe_cell("长" * 50_000)) < 32_767
