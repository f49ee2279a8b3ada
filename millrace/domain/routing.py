"""Which arm answers a request?"""

import hashlib
import math
from collections.abc import Sequence

from millrace.domain.pointer import WHOLE, Arm
from millrace.errors import MillraceError

_SPAN = 1 << 64


class NoWeightError(MillraceError):
    """No arm of a pointer has a weight."""

    def __init__(self) -> None:
        super().__init__(
            "found no arm with a weight, needed one to answer. `millrace reconcile` publishes it anew"
        )


def choose_arm(arms: Sequence[Arm], key: str) -> Arm:
    """Choose the arm of `key`: the same for the same key and weights, and each in proportion to its weight.

    When weights change, only the keys move that must: a key leaves its arm only for one that grew relative
    to it.

    Raises
    ------
    NoWeightError
        If no arm has a weight: none is to answer.

    References
    ----------
    Weighted rendezvous hashing: Schindelhauer, Schomaker, *Weighted distributed hash tables* (SPAA 2005),
    the logarithmic method.
    """
    weighted = [arm for arm in arms if arm.weight > 0]
    if not weighted:
        raise NoWeightError
    if len(weighted) == 1:
        return weighted[0]
    return min(weighted, key=lambda arm: (-math.log(_uniform(arm.digest, key)) / arm.weight, arm.digest))


def is_sampled(arm: Arm, key: str) -> bool:
    """Whether a shadow arm, which has a share of all requests, sees the request of `key`."""
    return arm.weight >= WHOLE or _uniform(arm.digest, key) * WHOLE < arm.weight


def _uniform(digest: str, key: str) -> float:
    """Return a number in (0, 1) that only `digest` and `key` decide."""
    seed = hashlib.blake2b(f"{digest}\0{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(seed) + 0.5) / _SPAN
