"""What became true of an answer, and how far was it off?"""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from millrace.domain.canonical import value_text
from millrace.domain.kinds import Task

if TYPE_CHECKING:
    from millrace.domain.explanation.logged import AnswerExplanation


@dataclass(frozen=True)
class Truth:
    """The newest word on what became true, since it was first said at `at`.

    `label` is a class as text, or the value itself for a regression.
    """

    label: str | float
    at: datetime


def tell_truth(found: "AnswerExplanation") -> str:
    """Say what the truth was beside the answer, or by when it is to be expected."""
    if found.truth is None:
        by = f"; by data.label_delay it is expected by {_at(found.label_due)}" if found.label_due else ""
        return f"Its label is not there yet{by}."
    told = f"The truth was {_label(found.truth.label)}, told {_at(found.truth.at)}"
    return f"{told}{_beside(found, found.logged, found.truth.label)}."


def _beside(found: "AnswerExplanation", logged: tuple[float, ...] | None, label: str | float) -> str:
    """Say how far the answer was from it; nothing where there was no answer, or the label is no number."""
    if logged is None:
        return ""
    if found.task is Task.REGRESSION:
        off = _number(label)
        return "" if off is None else _off(logged[0] - off)
    if value_text(label) not in found.classes:
        return ", which is none of the classes that the version knows"
    place = found.classes.index(value_text(label))
    shares = (1.0 - logged[0], logged[0]) if found.task is Task.BINARY else logged
    return f": the answer gave it {shares[place]:.4f}"


def _off(difference: float) -> str:
    if f"{abs(difference):.6g}" == "0":
        return ": the answer was exactly that"
    return f": the answer was {abs(difference):.6g} too {'high' if difference > 0 else 'low'}"


def _number(label: str | float) -> float | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _label(label: str | float) -> str:
    return f"{label:.6g}" if isinstance(label, float) else value_text(label)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
