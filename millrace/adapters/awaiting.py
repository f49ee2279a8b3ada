"""When does a server answer? `python -m millrace.adapters.awaiting URL COMMAND...` runs COMMAND then."""

import os
import sys
import time
import urllib.request

POLL_SECONDS = 0.2
ANSWER_SECONDS = 5.0


def answers(url: str) -> bool:
    """Return whether a GET of `url` succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS):  # noqa: S310
            return True
    except OSError:
        return False


def main(url: str, *command: str) -> None:
    """Wait without end: who started us says how the server fares, and ends us too."""
    while not answers(url):
        time.sleep(POLL_SECONDS)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
