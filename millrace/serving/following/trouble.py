"""What keeps a service from following the channel?"""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from millrace.adapters import clock
from millrace.adapters.channel import BadPointerError
from millrace.adapters.channel_source import OversizedFileError, UnreachableChannelError
from millrace.adapters.scorer import UnprovenBundleError, UnreadableScorerError, UntrustedScorerError
from millrace.domain.bundle import CorruptBundleError
from millrace.errors import MillraceError
from millrace.serving.following.acceptance import RefusedPointerError
from millrace.serving.following.loaded import ClashingArmsError

log = logging.getLogger(__name__)


class TroubleKind(StrEnum):
    """What is wrong: a closed list, for metrics."""

    UNREACHABLE = "unreachable"
    NO_POINTER = "no_pointer"
    REFUSED_POINTER = "refused_pointer"
    BAD_BUNDLE = "bad_bundle"
    UNPROVEN = "unproven"
    STORE = "store"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Trouble:
    """What was found, and when it began."""

    kind: TroubleKind
    sentence: str
    since: datetime


class Doing(IntEnum):
    """What was being done when something was found wrong; of several troubles the first here is told."""

    READING = 1
    ACCEPTING = 2
    LOADING = 3
    KEEPING = 4


class Troubles:
    """What is wrong with one thing now. Each change is logged once; one thread writes, any may read."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._of: dict[Doing, Trouble] = {}

    @property
    def first(self) -> Trouble | None:
        found = self._of
        return found[min(found)] if found else None

    def begin(self, doing: Doing, kind: TroubleKind, sentence: str) -> None:
        """Remember a trouble; one of the same kind goes on since it began."""
        before = self._of.get(doing)
        is_same = before is not None and before.kind is kind
        since = before.since if before is not None and is_same else clock.now()
        if before is None or not is_same or before.sentence != sentence:
            log.warning("%s: %s: %s", self._subject, kind, sentence)
        self._of = {**self._of, doing: Trouble(kind, sentence, since)}

    def end(self, doing: Doing) -> None:
        """Forget the trouble there was, if any."""
        if doing in self._of:
            log.info("%s: over: %s", self._subject, self._of[doing].sentence)
            self._of = {key: trouble for key, trouble in self._of.items() if key != doing}

    def __contains__(self, doing: Doing) -> bool:
        return doing in self._of


_BAD_BUNDLE = (
    CorruptBundleError,
    OversizedFileError,
    UnreadableScorerError,
    UntrustedScorerError,
    ClashingArmsError,
)


def told(error: Exception) -> str:
    """Return one line about an error; that of a disk without names that change from try to try."""
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__} in the service's own store"
    return str(error) if isinstance(error, MillraceError) else f"{type(error).__name__}: {error}"


def kind_of(error: Exception) -> TroubleKind:
    """Sort an error of reading, fetching or loading. An error of a disk is one of the service's own."""
    match error:
        case UnreachableChannelError():
            return TroubleKind.UNREACHABLE
        case BadPointerError() | RefusedPointerError():
            return TroubleKind.REFUSED_POINTER
        case _ if isinstance(error, _BAD_BUNDLE):
            return TroubleKind.BAD_BUNDLE
        case UnprovenBundleError():
            return TroubleKind.UNPROVEN
        case OSError():
            return TroubleKind.STORE
        case _:
            return TroubleKind.UNEXPECTED
