"""Does a training in a process of its own end when it is told to, with all it has started?"""

import os
import subprocess
import time
from pathlib import Path

import pytest

from millrace.adapters.training_process import run_script
from millrace.settings import PROJECT_ROOT

SLOW = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_what_takes_too_long_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    script, heard = tmp_path / "slow.py", list[str]()
    script.write_text(SLOW)
    with pytest.raises(subprocess.TimeoutExpired, match="timed out after 3"):
        run_script(script, tmp_path, PROJECT_ROOT, tmp_path, heard.append, timeout=3.0)
    [child] = heard
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
