"""Running a verb of ours in a process of its own, so that what it imports ends with it."""

import subprocess
import sys
from typing import IO

from millrace.errors import MillraceError

TIMEOUT_SECONDS = 300
"""Bytes may have to be brought to a remote; who waits longer waits for nothing."""


class VerbFailedError(MillraceError):
    """A verb that was run beside this process ended with an error."""

    def __init__(self, verb: tuple[str, ...], code: int, words: str) -> None:
        self.verb, self.code, self.words = verb, code, words
        super().__init__(f"millrace {' '.join(verb)} ended with exit code {code}: {words}")


def start_verb(*verb: str, log: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Start `millrace <verb>` and do not wait for it; its complaints go to `log`, or where ours go."""
    return subprocess.Popen(_command(*verb), stdout=subprocess.DEVNULL, stderr=log)  # noqa: S603


def run_verb(*verb: str, may_end_with: tuple[int, ...] = ()) -> str:
    """Run `millrace <verb>` and return what it wrote; exit codes other than 0 and these are errors."""
    try:
        done = subprocess.run(  # noqa: S603
            _command(*verb), check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise VerbFailedError(verb, -1, f"it did not end within {TIMEOUT_SECONDS} seconds") from error
    if done.returncode not in {0, *may_end_with}:
        raise VerbFailedError(verb, done.returncode, (done.stderr or done.stdout).strip()[-500:])
    return done.stdout.strip()


def _command(*verb: str) -> list[str]:
    return [sys.executable, "-m", "millrace", *verb]
