"""What is written down of a prediction, and of the services that make them?

These are the records of the prediction log: arrays on disk, so a field is only ever added at the end.
"""

from datetime import timedelta
from typing import Any

import msgspec

SLACK = timedelta(minutes=1)
"""How far a shadow's answer, or another machine's clock, may be from the answer it belongs to."""

Answer = float | tuple[float, ...]
"""One row's answer: see `domain.answers.shape_answers`. A multiclass answer has one share for each class."""


class AnsweredRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One answered row; `inputs` are in the order of the batch's `columns`.

    `at` is in seconds since 1970, `latency_us` runs from the whole request to the arm's answer. `answer` is
    null where the scorer gave no finite one, or failed: such a row was refused, not answered.
    """

    request_id: str
    row: int
    at: float
    inputs: tuple[Any, ...]
    answer: Answer | None
    latency_us: int


class Answered(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="answered"):
    """Rows one arm answered together. Columns that the model's settings leave out are not there.

    `error` names the kind of error where the arm could not score them; then none has an answer.
    """

    model: str
    digest: str
    generation: int
    role: str
    columns: tuple[str, ...]
    rows: list[AnsweredRow]
    error: str | None = None


class ShadowedRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a shadow arm gave for a row that another arm answered; null where it failed."""

    request_id: str
    row: int
    at: float
    answer: Answer | None
    latency_us: int


class Shadowed(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="shadowed"):
    """Rows that a shadow arm scored off the answering path; `error` says why it could not."""

    model: str
    digest: str
    generation: int
    rows: list[ShadowedRow]
    error: str | None = None


class Label(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What became true of a row: named by its request and position, or by its key, in the order of `columns`.

    `label` is a class as text, or the value itself for a regression.
    """

    label: str | float
    request_id: str | None
    row: int
    key: tuple[Any, ...] | None


class Labelled(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="labelled"):
    """Labels that came together, at `at` in seconds since 1970; `columns` are the key's."""

    model: str
    at: float
    columns: tuple[str, ...]
    labels: list[Label]


class ServedModel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a service has of one model: `loaded` are the digests that are warm and proven."""

    model: str
    generation: int
    revision: int
    answering: tuple[str, ...]
    loaded: tuple[str, ...]
    trouble: str | None


class Alive(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="alive"):
    """A service tells that it lives and what it has: after each change, and every ten seconds."""

    instance: str
    at: float
    started_at: float
    models: list[ServedModel]


class Stopped(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="stopped"):
    """A service ended in order: nothing more will come from this instance."""

    instance: str
    at: float


Record = Answered | Shadowed | Labelled | Alive | Stopped
