"""What the controller says: each trouble once, and one trouble stops nothing else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from millrace.errors import MillraceError, UnavailableError

log = logging.getLogger("millrace.controller")


class Teller:
    """What was last said of each subject, and whether Prefect has answered since the tick began."""

    def __init__(self) -> None:
        self.prefect_answers = False
        self._said: dict[str, str] = {}

    @contextmanager
    def telling(self, subject: str) -> Iterator[None]:
        """Say what is wrong once, and go on: with the other models, and with this one at the next tick."""
        try:
            yield
        except UnavailableError as error:
            self.prefect_answers = False
            self._tell(subject, str(error))
        except MillraceError as error:
            self._tell(subject, str(error))
        except Exception as error:  # one model's surprise must not stop the others
            if self._tell(subject, f"a mistake in Millrace, please report it: {error!r}"):
                log.exception("%s", subject)
        else:
            self._said.pop(subject, None)

    def _tell(self, subject: str, words: str) -> bool:
        if self._said.get(subject) == words:
            return False
        self._said[subject] = words
        log.warning("%s: %s", subject, words)
        return True
