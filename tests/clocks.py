"""The moments at which the suite must be green, and the clock that shows them.

`BAOKE_TEST_CLOCK=<name>` runs a whole pytest process at one of them: time-machine moves
the wall clock and the time zone of this process, and `BAOKE_CLOCK` that of every process
it starts. Monotonic time runs on as it is. `make test-clocks` runs all of them.
"""

import os
from datetime import datetime
from zoneinfo import ZoneInfo

import time_machine

SETTING = "BAOKE_TEST_CLOCK"
BEIJING = "Asia/Shanghai"
# name: what Beijing's clock shows; the time zone of the machine
MOMENTS = {
    "night": ("2026-12-02T03:00", "UTC"),
    "lunch_break": ("2026-12-03T12:30", BEIJING),
    "saturday": ("2026-12-05T10:00", "America/New_York"),
    "national_day": ("2026-10-01T11:00", "Pacific/Kiritimati"),
    "make_up_working_day": ("2026-10-10T17:59", "UTC"),  # a Saturday
    "end_of_the_calendar": ("2026-12-31T23:59", "Asia/Kathmandu"),  # 2027 is unknown
    "leap_day": ("2028-02-29T00:30", "Pacific/Pago_Pago"),
}


def start_from_environment() -> None:
    """Move this process's clock when the environment asks for it."""
    name = os.environ.get(SETTING)
    if name:
        shown, zone = MOMENTS[name]
        moment = datetime.fromisoformat(shown).replace(tzinfo=ZoneInfo(BEIJING))
        os.environ["BAOKE_CLOCK"] = moment.isoformat()
        time_machine.travel(moment.astimezone(ZoneInfo(zone)), tick=True).start()
