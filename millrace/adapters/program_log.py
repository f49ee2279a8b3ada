"""What do supervised programs print, and how do they fare? A process of its own, fed by supervisor."""

import json
import logging
import os
import sys
from collections import defaultdict
from logging.handlers import RotatingFileHandler
from typing import TextIO

from supervisor.childutils import eventdata, get_headers, listener

MAX_BYTES = 10_000_000
BACKUPS = 2
LOG_VARIABLE = "MILLRACE_UP_LOG"

_LOG_EVENT = "PROCESS_LOG_"
_STATE_EVENT = "PROCESS_STATE_"


class ProgramLog:
    """One file of all programs' lines, each with its time and its program."""

    def __init__(self, path: str) -> None:
        handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._log = logging.Logger("programs")
        self._log.addHandler(handler)
        self._begun: defaultdict[str, str] = defaultdict(str)
        self._last: dict[str, str] = {}

    def add(self, program: str, text: str) -> None:
        """Write the whole lines of `text`; what is left waits for its end."""
        *lines, self._begun[program] = (self._begun[program] + text).split("\n")
        for line in filter(str.strip, lines):
            self._write(program, line)

    def finish(self, program: str) -> str:
        """Write what the program has begun, and return the last line it wrote."""
        if rest := self._begun.pop(program, "").strip():
            self._write(program, rest)
        return self._last.pop(program, "")

    def _write(self, program: str, line: str) -> None:
        self._last[program] = line.strip()
        self._log.info("%-10s %s", program, line.rstrip())


def follow(events: TextIO, log: ProgramLog) -> None:
    """Write every line, and say each change of a state as a line of JSON on standard error."""
    while True:
        listener.ready()
        header = events.readline()
        if not header:
            return
        facts = get_headers(header)
        _take(facts["eventname"], events.read(int(facts["len"])), log)
        listener.ok()


def _take(event: str, payload: str, log: ProgramLog) -> None:
    if event.startswith(_LOG_EVENT):
        headers, text = eventdata(payload)
        log.add(headers["processname"], text)
        return
    headers = get_headers(payload)
    program = headers["processname"]
    change = {
        "program": program,
        "state": event.removeprefix(_STATE_EVENT),
        "is_expected": headers.get("expected") == "1",
        "last_line": log.finish(program),
    }
    sys.stderr.write(json.dumps(change) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    # supervisor counts characters, not bytes, and leaves line ends as they are
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    follow(sys.stdin, ProgramLog(os.environ[LOG_VARIABLE]))
