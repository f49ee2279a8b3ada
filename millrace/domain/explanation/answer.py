"""What would one answer become if each input were, in turn, as it usually is?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from millrace.domain.answers import FloatArray
from millrace.domain.bundle import InputColumn, Schema
from millrace.domain.explanation.standing import (
    Place,
    Standing,
    place_category,
    place_number,
    usual_category,
    usual_number,
)
from millrace.domain.features import NULL_TEXT, Columns, text_values
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.profile import CategoricalCounts, NumericCounts, Profile

Value = str | float | int | bool | None
"""A value of a row, as JSON has it."""


class Kind(StrEnum):
    """What the values of an input are."""

    NUMBER = "number"
    CATEGORY = "category"
    TEXT = "text"


@dataclass(frozen=True)
class InputEffect:
    """One input of a row, and what the answer becomes with the input at its usual value.

    `usual` is the reference's median of a number, its mode of a category, and no words of a text. `answer` is
    then the answer, of a multiclass model the share of the class that is likeliest as it is; `change` is
    what that differs by, and `becomes` the class that is then likeliest, or decided by a threshold, if it is
    another one. They are None where there is no usual value, or nothing could be computed.
    """

    name: str
    kind: Kind
    value: Value
    standing: Standing
    usual: Value
    answer: float | None = None
    change: float | None = None
    becomes: str | None = None


@dataclass(frozen=True)
class RowExplanation:
    """A row's answer again, and its inputs, those of the greatest change first.

    `answer` has one number, or one share for each class. `of` is the class that `InputEffect.answer` is the
    share of: the likeliest one, or the positive one. `at_usual` is the answer with every input as usual.
    """

    answer: tuple[float, ...]
    of: str | None
    at_usual: float
    inputs: tuple[InputEffect, ...]


def list_standings(
    row: Mapping[str, Any], inputs: Sequence[InputColumn], reference: Profile
) -> tuple[InputEffect, ...]:
    """Place each input of a row in the reference, without an answer."""
    columns: tuple[NumericCounts | CategoricalCounts, ...] = (*reference.numeric, *reference.categorical)
    counted = {one.name: one for one in columns}
    return tuple(_place(column, row[column.name], counted.get(column.name)) for column in inputs)


def _place(
    column: InputColumn, value: Value, counts: NumericCounts | CategoricalCounts | None
) -> InputEffect:
    kind = Kind.TEXT if column.text else Kind.CATEGORY if column.categorical else Kind.NUMBER
    standing = Standing(Place.UNTOLD)
    usual: Value = "" if column.text else None
    match counts:
        case NumericCounts() if column.text:
            # of a text the reference counts its length
            length = None if value is None else float(len(str(value)))
            standing = replace(place_number(length, counts), is_length=True)
        case NumericCounts():
            standing = place_number(None if value is None else float(value), counts)
            usual = usual_number(counts)
        case CategoricalCounts():
            text = str(text_values([value], column.name, column.type)[0])
            standing = place_category(None if text == NULL_TEXT else text, counts)
            usual = _value_of(usual_category(counts), column.type)
    return InputEffect(column.name, kind, value, standing, usual)


def explain_row(
    answering: Callable[[Columns], FloatArray], row: Mapping[str, Any], schema: Schema, reference: Profile
) -> RowExplanation:
    """Answer a row as it is, with each input at its usual value, and with all of them there.

    Parameters
    ----------
    answering
        Answers raw rows, as the scorer of a bundle does.
    row
        A value for each input of `schema`; null is None.
    reference
        What the version has learned from.
    """
    placed = list_standings(row, schema.inputs, reference)
    usual = {one.name: one.usual for one in placed if one.usual is not None}
    rows = [dict(row), *({**row, name: value} for name, value in usual.items()), {**row, **usual}]
    names = [column.name for column in schema.inputs]
    answers = answering({name: [one[name] for one in rows] for name in names})
    watched, shares = _watch(answers, schema)
    likeliest = _likeliest(answers, schema)
    changed: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(usual, start=1):
        becomes = likeliest[at] if likeliest[at] != likeliest[0] else None
        change = float(shares[at] - shares[0])
        changed[name] = {"answer": float(shares[at]), "change": change, "becomes": becomes}
    effects = [replace(one, **changed.get(one.name, {})) for one in placed]
    effects.sort(key=lambda one: (-abs(one.change or 0.0), one.change is None))
    answer = np.atleast_1d(answers[0]).tolist()
    return RowExplanation(tuple(answer), watched, float(shares[-1]), tuple(effects))


def _watch(answers: FloatArray, schema: Schema) -> tuple[str | None, FloatArray]:
    """Return what one number of each answer is watched, and of which class it is."""
    match schema.task:
        case Task.MULTICLASS:
            likeliest = int(answers[0].argmax())
            return schema.classes[likeliest], answers[:, likeliest]
        case Task.BINARY:
            return schema.classes[-1], answers
        case Task.REGRESSION:
            return None, answers


def _likeliest(answers: FloatArray, schema: Schema) -> list[str | None]:
    """Return the class of each answer; None where only the reader can say which it is."""
    if schema.task is Task.BINARY:
        return [schema.decide(answer) for answer in answers.tolist()]
    if schema.task is Task.REGRESSION:
        return [None] * len(answers)
    return [schema.classes[at] for at in answers.argmax(axis=1).tolist()]


def _value_of(text: str | None, kind: ColumnType) -> Value:
    """Return the value that a category is the text of."""
    if text is None:
        return None
    match kind:
        case ColumnType.INT:
            return int(text)
        case ColumnType.BOOL:
            return text == "true"
        case ColumnType.FLOAT:
            return float(text)
        case ColumnType.STRING | ColumnType.TIMESTAMP:
            return text
