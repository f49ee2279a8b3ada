"""What must a version do, whatever it was trained on? For the tests in `models/<name>/tests`.

They ask the champion, and before the gate the challenger ([gate.behaviour] in model.toml): one test for both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from millrace.adapters.scorer import Scorer
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.errors import MillraceError
from millrace.steps import new_checks

Row = Mapping[str, object]


class NoVersionError(MillraceError):
    """There is nobody to ask yet."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} has no version to ask yet: train one, by `millrace retrain {model}`")


def has_version(model: str) -> bool:
    """Say whether there is a version to ask; where there is none, a test is to be skipped."""
    return new_checks.has_champion(model)


def usual_row(model: str, **values: object) -> dict[str, object]:
    """Return a row that keeps the contract, with these values in it."""
    return new_checks.usual_row(_open(model)) | values


def ask(model: str, rows: Iterable[Row]) -> FloatArray:
    """Ask about rows: a number each, or one share per class where there are more than two."""
    return _answer(_open(model), rows)


def assert_same(model: str, row: Row, column: str, values: Sequence[object], tolerance: float = 1e-6) -> None:
    """Fail where the answer is another one, by more than `tolerance`, only because of `column`."""
    answers = _answer(_open(model), [{**row, column: value} for value in values])
    for value, answer in zip(values, answers, strict=True):
        if not abs(answer - answers[0]).max() <= tolerance:
            both = f"{_told(answers[0])} with {column} = {values[0]!r} and {_told(answer)} with {value!r}"
            _fail(f"{model} answers {both}: the same was needed, within {tolerance:g}", row)


def assert_rises(
    model: str,
    row: Row,
    column: str,
    values: Sequence[Any],
    *,
    of: str | None = None,
    tolerance: float = 0.0,
) -> None:
    """Fail where the answer falls, by more than `tolerance`, from one of `values` of `column` to the next.

    Of several classes it is the share of the one that is named `of`.
    """
    _assert_one_way(model, row, column, values, of=of, tolerance=tolerance, sign=1.0)


def assert_falls(
    model: str,
    row: Row,
    column: str,
    values: Sequence[Any],
    *,
    of: str | None = None,
    tolerance: float = 0.0,
) -> None:
    """Fail where the answer rises, by more than `tolerance`, from one of `values` of `column` to the next."""
    _assert_one_way(model, row, column, values, of=of, tolerance=tolerance, sign=-1.0)


def assert_finds(model: str, row: Row, expected: object, tolerance: float = 0.0) -> None:
    """Fail where a clear case is not answered by this class, or this number within `tolerance`."""
    scorer = _open(model)
    [answer], classes = _answer(scorer, [row]), scorer.schema.classes
    if scorer.schema.task is Task.REGRESSION:
        if not abs(answer - float(str(expected))) <= tolerance:
            _fail(f"{model} answers {_told(answer)}: {expected} was needed, within {tolerance:g}", row)
        return
    if scorer.schema.task is Task.BINARY:
        threshold = 0.5 if scorer.schema.threshold is None else scorer.schema.threshold
        found = classes[int(answer >= threshold)]
    else:
        found = classes[int(answer.argmax())]
    if found != str(expected):
        _fail(f"{model} answers {_told(answer)}, which is {found!r}: {expected!r} was needed", row)


def _assert_one_way(  # noqa: PLR0913 - who is asked about what
    model: str,
    row: Row,
    column: str,
    values: Sequence[Any],
    *,
    of: str | None,
    tolerance: float,
    sign: float,
) -> None:
    scorer = _open(model)
    answers = _share_of(scorer, _answer(scorer, [{**row, column: value} for value in values]), of)
    steps = zip(values[:-1], values[1:], answers[:-1], answers[1:], strict=True)
    for value, later, answer, next_answer in steps:
        if not (next_answer - answer) * sign >= -tolerance:
            way = "rise" if sign > 0 else "fall"
            both = f"{_told(answer)} with {column} = {value!r} and {_told(next_answer)} with {later!r}"
            _fail(f"{model} answers {both}: it was to {way}", row)


def _open(model: str) -> Scorer:
    scorer = new_checks.open_asked(model)
    if scorer is None:
        raise NoVersionError(model)
    return scorer


def _answer(scorer: Scorer, rows: Iterable[Row]) -> FloatArray:
    import pandas as pd

    return scorer.answer(pd.DataFrame([dict(row) for row in rows]))


def _share_of(scorer: Scorer, answers: FloatArray, of: str | None) -> FloatArray:
    if answers.ndim == 1:
        return answers
    if of not in scorer.schema.classes:
        raise ValueError(f"of is {of!r}: name one of {', '.join(scorer.schema.classes)}")
    return answers[:, scorer.schema.classes.index(of)]


def _told(answer: Any) -> str:
    return f"{answer:.6g}" if getattr(answer, "ndim", 0) == 0 else str(answer.round(4).tolist())


def _fail(why: str, row: Row) -> None:
    raise AssertionError(f"{why}. The row is {dict(row)}")
