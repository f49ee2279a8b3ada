"""Running a verb of ours in a process of its own, so that what it imports ends with it."""

import subprocess
import sys

from millrace.errors import MillraceError


class VerbFailedError(MillraceError):
    """A verb that was run beside this process ended with an error."""

    def __init__(self, verb: tuple[str, ...], code: int, words: str) -> None:
        self.verb, self.code, self.words = verb, code, words
        super().__init__(f"millrace {' '.join(verb)} ended with exit code {code}: {words}")


def run_verb(*verb: str) -> str:
    """Run `millrace <verb>` and return what it wrote."""
    command = [sys.executable, "-m", "millrace", *verb]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise VerbFailedError(verb, done.returncode, (done.stderr or done.stdout).strip()[-500:])
    return done.stdout.strip()
