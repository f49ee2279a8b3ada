"""Does time go by the wall, unless an installation sets its own clock?"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from millrace.adapters import clock

SAY = "from millrace.adapters import clock; print(clock.now().isoformat(), clock.wall_now().isoformat())"
SET = "from datetime import datetime; clock.set_clock(datetime.fromisoformat('2013-07-01T06:00:00+00:00'))"


def said(code: str, **environment: str) -> list[datetime]:
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return [datetime.fromisoformat(text) for text in done.stdout.split()]


def test_time_is_what_the_wall_says() -> None:
    now, wall = said(SAY)
    assert timedelta(0) <= wall - now < timedelta(minutes=1)
    assert abs(clock.wall_now() - wall) < timedelta(minutes=10)


def test_a_clock_that_was_set_is_that_of_every_process_and_not_of_the_wall(tmp_path: Path) -> None:
    file = str(tmp_path / "clock")
    now, wall = said(f"from millrace.adapters import clock; {SET}; {SAY}", MILLRACE_CLOCK=file)
    again, _ = said(SAY, MILLRACE_CLOCK=file)
    assert now.date() == again.date() == datetime(2013, 7, 1, tzinfo=UTC).date()
    assert again > now
    assert wall.year > now.year


def test_a_process_that_runs_already_hears_that_the_clock_was_set(tmp_path: Path) -> None:
    code = f"""
from millrace.adapters import clock
{SET}
print(clock.now().isoformat())
clock.set_clock(datetime(2013, 9, 1).astimezone())
print(clock.now().isoformat())
"""
    before, after = said(code, MILLRACE_CLOCK=str(tmp_path / "clock"))
    assert (before.month, after.year, after.month in {8, 9}) == (7, 2013, True)
