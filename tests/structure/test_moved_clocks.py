"""No test may depend on the day, the hour or the time zone: the short form of that proof.

Everything in `tests/unit` that knows of a clock, and the integration tests named here, run
once more at each moment of `tests/clocks.py`. `make test-clocks` runs both suites whole.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clocks import MOMENTS, SETTING

ROOT = Path(__file__).resolve().parents[2]
KNOWS_A_CLOCK = re.compile(r"clock|today|hours", re.IGNORECASE)
INTEGRATION = (
    "tests/integration/test_web_turns.py::test_that_after_hours_the_next_working_time_is_told",
    "tests/integration/test_policystore_requests.py",
)


def chosen():
    """Test files of the unit suite that could read the time, and the named others."""
    files = sorted((ROOT / "tests/unit").glob("test_*.py"))
    return [
        *(str(f) for f in files if KNOWS_A_CLOCK.search(f.read_text("utf-8"))),
        *(str(ROOT / name) for name in INTEGRATION),
    ]


@pytest.mark.parametrize("moment", MOMENTS)
def test_that_the_tests_are_green_at_any_moment(moment):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen()],
        cwd=ROOT,
        env={**os.environ, SETTING: moment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_that_a_moved_clock_is_seen_by_this_process_and_those_it_starts():
    code = (
        "import clocks; clocks.start_from_environment()\n"
        "import os, time; from datetime import UTC, datetime\n"
        "print(datetime.now(UTC).date(), datetime.now().hour, time.time() > 1.8e9,"
        " os.environ['BAOKE_CLOCK'])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "tests",
        env={**os.environ, SETTING: "leap_day"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    # Half past midnight in Beijing is the afternoon before in UTC, half past five in Pago Pago.
    assert shown == ["2028-02-28", "5", "True", "2028-02-29T00:30:00+08:00"]
