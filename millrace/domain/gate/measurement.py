"""Can what was measured of a challenger be believed?"""

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from millrace.domain.gate.code import Code
from millrace.errors import MillraceError


class NoEvidenceError(MillraceError):
    """What a rule was to judge is not there, or is not what it should be: never a pass."""

    def __init__(self, code: Code, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


@dataclass(frozen=True)
class Source:
    """Of what something was measured: in which run, of which bundle, on which judged set."""

    run_key: str
    digest: str
    rows: str


@dataclass(frozen=True)
class Measurement:
    """What one rule judges, measured of a bundle. A class of its own for each rule, in the rule's file.

    Every float of it must be finite, every int is a count, and records in a tuple have different `name`s:
    `find_flaw` holds it to that. What may be undefined is None.
    """

    source: Source


@dataclass(frozen=True)
class NotMeasured:
    """Why there is no measurement: what was to make one broke, or took too long."""

    reason: str
    code: Code = Code.ERROR


def find_flaw(found: Measurement, expected: Iterable[Source]) -> tuple[Code, str] | None:
    """Say why a measurement cannot be believed, None where it can.

    Parameters
    ----------
    expected
        What it may be of: this run's bundle on the sets that judge.
    """
    wanted = tuple(expected)
    for code, name in ((Code.STALE, "run_key"), (Code.OTHER_DIGEST, "digest"), (Code.OTHER_ROWS, "rows")):
        is_of, should_be = getattr(found.source, name), {getattr(one, name) for one in wanted}
        if is_of not in should_be:
            known = " or ".join(sorted(one[:12] for one in should_be))
            return code, f"measured with {name} {is_of[:12]!r}, needed {known!r}"
    return next(_flaws(found, type(found).__name__), None)


def _flaws(value: Any, name: str) -> Iterator[tuple[Code, str]]:
    if isinstance(value, Source) or value is None:
        return
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        yield Code.NOT_FINITE, f"{name} is {value}"
    elif isinstance(value, int | np.integer) and not isinstance(value, bool) and value < 0:
        yield Code.NEGATIVE, f"{name} is {value}"
    elif isinstance(value, np.ndarray):
        yield from _flaws_of_array(value, name)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _flaws(getattr(value, field.name), f"{name}.{field.name}")
    elif isinstance(value, tuple):
        yield from _flaws_of_several(value, name)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _flaws(one, f"{name}[{key}]")


def _flaws_of_array(values: "np.ndarray[Any, Any]", name: str) -> Iterator[tuple[Code, str]]:
    if values.size == 0:
        yield Code.EMPTY, f"{name} has no number"
    elif values.dtype.kind == "f" and not np.isfinite(values).all():
        odd = int(np.count_nonzero(~np.isfinite(values)))
        yield Code.NOT_FINITE, f"{odd} of {values.size} numbers of {name} are NaN or infinite"


def _flaws_of_several(values: tuple[Any, ...], name: str) -> Iterator[tuple[Code, str]]:
    named = [one.name for one in values if hasattr(one, "name")]
    twice = sorted({one for one in named if named.count(one) > 1})
    if twice:
        yield Code.DUPLICATED, f"{name} has {twice[0]!r} twice"
    for at, one in enumerate(values):
        yield from _flaws(one, f"{name}[{getattr(one, 'name', at)}]")
