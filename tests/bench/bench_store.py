"""How the policy store grows: from 10,000 to 1,000,000 policies, SQLite and PostgreSQL.

In: nothing. Out: figures as Markdown on standard output. Times are those of one unit of
work, a commit included where something is written. Run:
.venv/bin/python tests/bench/bench_store.py [--sizes 10000 1000000]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "integration")]

from postgres import binaries, cluster  # noqa: E402
from sqlalchemy import Engine, insert, text  # noqa: E402

from actions import migrate  # noqa: E402
from actions.database import to_json  # noqa: E402
from actions.policystore.complaint_check import intake_digest  # noqa: E402
from actions.policystore.complaint_log import GENESIS, entry_hash, utc_text  # noqa: E402
from actions.policystore.complaint_tables import (  # noqa: E402
    ComplaintLogHeadRow,
    ComplaintLogRow,
    ComplaintRow,
)
from actions.policystore.id_tail import hash_tail  # noqa: E402
from actions.policystore.model import ComplaintIntake  # noqa: E402
from actions.policystore.tables import ClaimRow, CustomerRow, PolicyRow  # noqa: E402
from actions.policystore.unit_of_work import Store, open_store  # noqa: E402
from actions.settings import read_settings  # noqa: E402

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TAIL = hash_tail("1234", b"0" * 16)
BATCH = 20_000
TIMES = 200
WAYS = ("identity check", "policy list", "claim status", "complaint append", "verify")


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    args = parser.parse_args()
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for size in args.sizes:
        for name, opened in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            if name == "PostgreSQL" and binaries() is None:
                continue
            with opened() as store:
                started = time.perf_counter()
                fill(store.engine, size)
                said = f"{name} {size}: filled in {time.perf_counter() - started:.0f} s"
                print(said, file=sys.stderr, flush=True)
                rows[name, size] = measure(store, size)
    report(rows)


@contextmanager
def sqlite() -> Iterator[Store]:
    """A store in a file."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _opened("sqlite:///store.db", Path(folder))


@contextmanager
def postgres() -> Iterator[Store]:
    """A store in a server of its own."""
    with tempfile.TemporaryDirectory() as folder, cluster() as server:
        yield from _opened(server.create(), Path(folder))


def _opened(url: str, root: Path) -> Iterator[Store]:
    settings = read_settings(root=root, data_dir=ROOT / "data", database_url=url)
    store = open_store(settings)
    migrate.upgrade(store.engine)
    try:
        yield store
    finally:
        store.close()


def policy_no(number: int) -> str:
    """A number as the product writes it."""
    return f"P20260101{number:07}"


def fill(engine: Engine, size: int) -> None:
    """Two policies a customer, three claims for ten policies, a complaint for ten."""
    customers, claims, complaints = size // 2, size * 3 // 10, size // 10
    with engine.begin() as connection:
        for batch in _batches(customers):
            connection.execute(insert(CustomerRow), [
                {"customer_id": f"CU{n:08}", "name": "张伟", "phone": "13900000001",
                 "id_tail_salt": TAIL.salt, "id_tail_hash": TAIL.digest}
                for n in batch
            ])  # fmt: skip
        for batch in _batches(size):
            connection.execute(insert(PolicyRow.__table__), [_policy(n) for n in batch])
        for batch in _batches(claims):
            connection.execute(insert(ClaimRow), [_claim(n) for n in batch])
        last = GENESIS
        for batch in _batches(complaints):
            filed = [_complaint(n) for n in batch]
            entries = []
            for number, values in zip(batch, filed, strict=True):
                entry = _entry(number + 1, values, last)
                last = entry["hash"]
                entries.append(entry)
            connection.execute(insert(ComplaintRow), filed)
            connection.execute(insert(ComplaintLogRow), entries)
        connection.execute(text("DELETE FROM complaint_log_head"))
        head = {"head_id": 1, "entry_no": complaints, "hash": last}
        connection.execute(insert(ComplaintLogHeadRow), head)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, BATCH):
        yield range(first, min(first + BATCH, count))


def _policy(n: int) -> dict[str, object]:
    return {
        "policy_no": policy_no(n), "customer_id": f"CU{n // 2:08}", "product": "车险",
        "product_code": "car", "name": "机动车保险", "status": "in_force",
        "insured_name": "张伟", "sum_insured_fen": 1, "premium_fen": 1,
        "start_on": NOW.date(), "end_on": NOW.date() + timedelta(days=365),
    }  # fmt: skip


def _claim(n: int) -> dict[str, object]:
    policy = n * 10 // 3
    return {
        "claim_no": f"C20261101{n:07}", "customer_id": f"CU{policy // 2:08}",
        "policy_no": policy_no(policy), "kind": "车险", "status": "reported",
        "reported_at": NOW, "what": "倒车时撞到柱子", "happened_text": "昨天",
        "place": "车库", "injured": False, "contact_phone": "13900000001",
        "turn_id": f"bench-{n}",
    }  # fmt: skip


def _complaint(n: int) -> dict[str, object]:
    return {
        "complaint_no": f"T20261101{n:07}", "sender_id": f"web:{n}", "customer_id": None,
        "category": "理赔", "what": "报案两周没有人联系", "wanted": "尽快处理",
        "contact_phone": "13900000009", "channel": "web", "status": "received",
        "filed_at": NOW, "due_at": NOW + timedelta(days=15), "due_clause": "第三条(四)2",
        "content_salt": f"{n:032}", "turn_id": f"bench-{n}",
    }  # fmt: skip


def _entry(number: int, values: dict[str, object], last: str) -> dict[str, object]:
    row = ComplaintRow(**values)
    data = to_json({
        "intake": intake_digest(row), "status": "received",
        "due_at": utc_text(row.due_at), "due_clause": row.due_clause,
    })  # fmt: skip
    head = (
        number,
        row.complaint_no,
        "filed",
        utc_text(NOW),
        "customer:web",
        data,
        last,
    )
    names = ("entry_no", "complaint_no", "kind", "at", "actor", "data", "prev_hash")
    return {**dict(zip(names, head, strict=True)), "hash": entry_hash(*head)}


def measure(store: Store, size: int) -> dict[str, float]:
    """Median milliseconds of each way; seconds of reading the whole log."""
    dice = random.Random(7)
    numbers = [dice.randrange(size) for _ in range(TIMES)]

    def check(n: int) -> None:
        with store() as uow:
            uow.identity.verify(f"web:b{n}", policy_no(n), "1234", NOW)

    def policies(n: int) -> None:
        with store() as uow:
            assert uow.policies.all_of(f"CU{n // 2:08}")

    def claims(n: int) -> None:
        with store() as uow:
            uow.claims.all_of(f"CU{n // 2:08}")

    def append(n: int) -> None:
        intake = ComplaintIntake(f"web:a{n}", None, "理赔", "慢", "快", "1", "web")
        with store() as uow:
            due = NOW + timedelta(days=15)
            uow.complaints.file(
                intake, due, "第三条(四)2", f"append-{n}-{time.time_ns()}", NOW
            )

    found = {
        name: median_ms(way, numbers)
        for name, way in zip(WAYS, (check, policies, claims, append), strict=False)
    }
    started = time.perf_counter()
    with store() as uow:
        checked = uow.complaints.verify()
    seconds = time.perf_counter() - started
    assert checked.ok, checked
    return {**found, "verify": seconds * 100_000 / checked.entries}


def median_ms(way: Callable[[int], None], numbers: list[int]) -> float:
    """Median of milliseconds over all numbers; the first ten do not count."""
    times = []
    for n in numbers:
        started = time.perf_counter()
        way(n)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[10:])


def report(rows: dict[tuple[str, int], dict[str, float]]) -> None:
    """Print a table."""
    print(f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}; milliseconds, median of "
          f"{TIMES - 10}; verify in seconds for 100,000 entries.\n")  # fmt: skip
    print("| store | policies | " + " | ".join(WAYS) + " |")
    print("|---|---|" + "---|" * len(WAYS))
    for (name, size), row in rows.items():
        cells = " | ".join(f"{row[way]:.2f}" for way in WAYS)
        print(f"| {name} | {size:,} | {cells} |")
    for name in dict.fromkeys(name for name, _ in rows):
        sizes = [size for other, size in rows if other == name]
        low, high = rows[name, min(sizes)], rows[name, max(sizes)]
        cells = " | ".join(f"{high[way] / low[way]:.2f} ×" for way in WAYS)
        print(f"| {name} | {max(sizes) // min(sizes)} × as many | {cells} |")


if __name__ == "__main__":
    main()
