"""A policy store on SQLite and on PostgreSQL, and work for other processes to do on it.

Every test that asks for `store` or `empty_store` runs on both databases.
"""

import multiprocessing
import socket
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from reference_core import build_core
from sqlalchemy import text

from actions import migrate
from actions.policystore.model import ClaimReport, ComplaintIntake
from actions.policystore.seed import seed
from actions.policystore.unit_of_work import Store, open_store
from actions.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data/demo/policies.yml"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Beijing, a Monday
DUE = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
CLAUSE = "第三条(四)2"

ZHANG, LI, WANG = "CU000001", "CU000002", "CU000003"
ZHANG_CAR, LI_MEDICAL = "P2023060100027", "P2025080800033"


TOKEN = "core token"
CORE_TABLES = ("claims", "policies", "claim_history", "papers")
_BEHIND = {}  # _BEHIND[address] = the store behind a reference server


@pytest.fixture(params=["sqlite", "postgres"])
def store_settings(request, tmp_path):
    if request.param == "sqlite":
        url = "sqlite:///store.db"
    elif request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    else:
        return request.getfixturevalue("core_settings")
    return read_settings(root=tmp_path, data_dir=ROOT / "data", database_url=url)


# The same over a core system: policies and claims come from a server of their own.
everywhere = pytest.mark.parametrize(
    "store_settings", ["sqlite", "postgres", "http"], indirect=True
)


@pytest.fixture
def core_settings(tmp_path):
    """Settings of a store whose policies and claims lie behind the reference server."""
    data = {"root": tmp_path, "data_dir": ROOT / "data"}
    core = read_settings(**data, database_url="sqlite:///core.db")
    with opened(core) as behind:
        migrate.upgrade(behind.engine)
        seed(behind.engine, DEMO, NOW)
        with serving(build_core(behind, TOKEN)) as url:
            _BEHIND[url] = behind
            yield read_settings(
                **data,
                database_url="sqlite:///store.db",
                policy_store_url=url,
                policy_store_token=TOKEN,
            )


def skip_elsewhere(store):
    """What is asked of our own tables alone."""
    if store.core is not None:
        pytest.skip("the core system's own business")


@contextmanager
def serving(api):
    """Run a server in a thread."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(api, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture
def empty_store(store_settings):
    with opened(store_settings) as opened_store:
        yield opened_store


@pytest.fixture
def store(empty_store):
    migrate.upgrade(empty_store.engine)
    if empty_store.core is None:
        seed(empty_store.engine, DEMO, NOW)
    return empty_store


@contextmanager
def opened(settings, **options):
    opened_store = Store(settings, **options) if options else open_store(settings)
    try:
        yield opened_store
    finally:
        opened_store.close()


def a_report(**changes):
    told = {
        "policy_no": ZHANG_CAR,
        "what": "倒车时撞到柱子，后保险杠损坏",
        "happened_at": datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
        "happened_text": "昨天下午三点",
        "place": "小区地下车库",
        "injured": False,
        "contact_phone": "13900000001",
    }
    return ClaimReport(**{**told, **changes})


def an_intake(**changes):
    told = {
        "sender_id": "web:one",
        "customer_id": None,
        "category": "理赔",
        "what": "报案两周没有人联系",
        "wanted": "尽快处理并道歉",
        "contact_phone": "13900000009",
        "channel": "web",
    }
    return ComplaintIntake(**{**told, **changes})


def file_complaint(store, turn_id="turn-1", now=NOW, **changes):
    with store() as uow:
        return uow.complaints.file(an_intake(**changes), DUE, CLAUSE, turn_id, now)


def execute(store, *statements):
    """SQL from outside the product: what a person at the database could do."""
    with store.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def count(store, table):
    behind = _BEHIND.get(store.core and store.core.url, store)
    engine = (behind if table in CORE_TABLES else store).engine
    with engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def in_processes(work, settings, jobs, processes=2):
    """Run ``work(settings, job)`` for all jobs in other processes, at the same time."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(work, [settings] * len(jobs), jobs))


def try_tails(settings, job):
    """Make identity checks one after the other; returns their outcomes' names."""
    sender_id, policy_no, tails = job
    outcomes = []
    with opened(settings) as store:
        for tail in tails:
            with store() as uow:
                outcome = uow.identity.verify(sender_id, policy_no, tail, NOW)
            outcomes.append(type(outcome).__name__)
    return outcomes


def try_codes(settings, job):
    """Enter codes one after the other; returns their outcomes' names."""
    sender_id, policy_no, codes = job
    outcomes = []
    with opened(settings) as store:
        for code in codes:
            with store() as uow:
                outcome = uow.identity.enter_code(sender_id, policy_no, code, NOW)
            outcomes.append(type(outcome).__name__)
    return outcomes


def ask_for_codes(settings, job):
    """Make checks of the pair alone; returns their outcomes' names."""
    policy_no, tail, sender_ids = job
    outcomes = []
    with opened(settings) as store:
        for sender_id in sender_ids:
            with store() as uow:
                outcome = uow.identity.verify(sender_id, policy_no, tail, NOW)
            outcomes.append(type(outcome).__name__)
    return outcomes


def report_claims(settings, turn_ids):
    with opened(settings) as store:
        numbers = []
        for turn_id in turn_ids:
            with store() as uow:
                claim = uow.claims.report(ZHANG, a_report(), turn_id, NOW)
            numbers.append(claim.claim_no)
        return numbers


def report_claims_from_few_numbers(settings, turn_ids):
    """The same with only eight numbers a day, so that processes collide."""
    drawn = iter(range(1000))
    with opened(settings, draw=lambda: next(drawn) % 8) as store:
        numbers = []
        for turn_id in turn_ids:
            with store() as uow:
                claim = uow.claims.report(ZHANG, a_report(), turn_id, NOW)
            numbers.append(claim.claim_no)
        return numbers


def file_complaints(settings, turn_ids):
    with opened(settings) as store:
        return [file_complaint(store, turn_id).complaint_no for turn_id in turn_ids]


def upgrade_tables(settings, _job):
    with opened(settings) as store:
        return migrate.upgrade(store.engine)
