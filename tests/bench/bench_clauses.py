"""Median time of one clause search, encoder included: 200 and 2,000 clauses.

Run by hand: `PYTHONPATH=. .venv/bin/python tests/bench/bench_clauses.py`. The
clauses are the demo agreement's, varied; every question is new, so that no cache helps.
"""

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from actions.agreement.library import LibraryOpener
from actions.agreement.search import ClauseSearch
from actions.agreement.teaching import service_lessons
from actions.settings import read_settings

ROUNDS = 60
FIXTURES = Path(__file__).parent.parent / "fixtures"


def main() -> None:
    settings = read_settings()
    opener = LibraryOpener(settings)
    demo = opener.at(datetime.now(UTC)).clauses()
    reader = opener.reader()
    lines = (FIXTURES / "clause_dev.tsv").read_text(encoding="utf-8").splitlines()
    questions = [line.split("\t")[0] for line in lines[1:]]
    for size in (200, 2000):
        clauses = [
            replace(
                demo[i % len(demo)],
                ref=f"第{i}条",
                text=f"{demo[i % len(demo)].text}{i}",
            )
            for i in range(size)
        ]
        started = time.perf_counter()
        search = ClauseSearch(clauses, service_lessons(clauses, {}, reader), reader)
        built = time.perf_counter() - started
        search.search("预热")
        times, encoding = [], []
        for number in range(ROUNDS):
            question = f"{questions[number % len(questions)]}{size}{number}"
            started = time.perf_counter()
            search.search(question)
            times.append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            reader.store.encoder.encode([f"{question}?"], "query")
            encoding.append((time.perf_counter() - started) * 1000)
        low, high = min(times), statistics.quantiles(times, n=20)[-1]
        print(
            f"{size} clauses: median {statistics.median(times):.1f} ms "
            f"(min {low:.1f}, p95 {high:.1f}; encoder alone "
            f"{statistics.median(encoding):.1f}), built in {built:.1f} s"
        )


if __name__ == "__main__":
    main()
