"""What answers for one model, from one pointer to the next?"""

import operator
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from millrace.domain.bundle import InputColumn
from millrace.domain.canonical import value_text
from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, ArmRole, Durability, Pointer
from millrace.domain.prediction import Answer, AnsweredRow
from millrace.domain.routing import choose_arm
from millrace.serving.batching import Batcher
from millrace.serving.requests import RequestSchema, Row
from millrace.serving.shadow import Shadow
from millrace.serving.tensors import ANSWER, DECISION, DIGEST

if TYPE_CHECKING:
    from millrace.adapters.prediction_log.privacy import Privacy
    from millrace.adapters.scorer import Scorer
    from millrace.serving.journal import Journal
    from millrace.serving.metrics import Metrics

WARM_UPS = 3


class ScoringArm:
    """One bundle of a pointer, with the order in which it takes a request's columns."""

    def __init__(
        self, arm: Arm, pointer: Pointer, scorer: "Scorer", schema: RequestSchema, metrics: "Metrics"
    ) -> None:
        self.arm, self.scorer = arm, scorer
        self.model, self.digest, self.role = pointer.model, arm.digest, arm.role.value
        self.generation = pointer.generation
        self._names = tuple(column.name for column in scorer.schema.inputs)
        positions = [schema.names.index(name) for name in self._names]
        self._pick = _picking(positions)
        self._narrower = tuple(
            (at, column.make_check())
            for at, column in zip(positions, scorer.schema.inputs, strict=True)
            if at >= len(schema.required) or column.is_narrower_than(schema.columns[at])
        )
        self._rows = metrics.rows.labels(self.model, self.digest[:12], self.role)
        self._non_finite = metrics.non_finite.labels(self.model, self.digest[:12])

    def refuses(self, row: Row) -> bool:
        """Whether a row that others can answer lacks what this arm needs, or has what it does not allow."""
        return any(not allows(row[at]) for at, allows in self._narrower)

    def score(self, rows: Sequence[Row]) -> list[Answer | None]:
        """Answer rows of the request schema; None where the scorer gave no finite answer."""
        columns = dict(zip(self._names, zip(*self._pick(rows), strict=True), strict=False))
        found = self.scorer.answer(columns)
        self._rows.inc(len(rows))
        answers: list[Any] = found.tolist()
        if found.ndim > 1:
            answers = [tuple(answer) for answer in answers]
        if np.isfinite(found).all():
            return answers
        finite = [bool(np.isfinite(answer).all()) for answer in found]
        self._non_finite.inc(finite.count(False))
        return [answer if fine else None for answer, fine in zip(answers, finite, strict=True)]


class AnsweringArm(ScoringArm):
    """An arm whose answers go out."""

    def __init__(
        self,
        arm: Arm,
        pointer: Pointer,
        scorer: "Scorer",
        schema: RequestSchema,
        metrics: "Metrics",
        privacy: "Privacy",
    ) -> None:
        super().__init__(arm, pointer, scorer, schema, metrics)
        self.is_durable = pointer.settings.durability is Durability.DURABLE
        self.logged_columns = privacy.columns
        self._privacy = privacy
        self._classes = scorer.schema.classes if scorer.schema.task is Task.MULTICLASS else ()
        batch_rows = metrics.batch_rows.labels(self.model)
        self.batcher = Batcher(self.score, _seconds_of_one_row(self.scorer), batch_rows.observe)
        self.head = f'"model":"{self.model}","generation":{self.generation},'
        self.tail = f'"digest":"{self.digest}","arm":"{self.role}","answer":'
        self.decide = scorer.schema.decide
        self._decisions = {
            name: f',"decision":{msgspec.json.encode(name).decode()}' for name in scorer.schema.classes
        }

    def privately(self, rows: list[AnsweredRow]) -> list[AnsweredRow]:
        """Return the rows as they may be logged."""
        if self._privacy.is_identity:
            return rows
        return [msgspec.structs.replace(row, inputs=self._privacy.apply(row.inputs)) for row in rows]

    def write_answer(self, answer: Answer) -> str:
        """Write an answer as JSON: a number, or an object with a number for each class.

        After it comes the decision of a bundle that has a threshold.
        """
        if isinstance(answer, float):
            decided = self.decide(answer)
            return repr(answer) if decided is None else f"{answer!r}{self._decisions[decided]}"
        return msgspec.json.encode(dict(zip(self._classes, answer, strict=True))).decode()


class Served:
    """A pointer whose bundles are open, swapped as a whole. Requests keep the one they began with."""

    def __init__(
        self,
        pointer: Pointer,
        scorers: dict[str, "Scorer"],
        metrics: "Metrics",
        journal: "Journal",
        make_privacy: Callable[[tuple[str, ...]], "Privacy"],
    ) -> None:
        self.pointer, self.model, self.generation = pointer, pointer.model, pointer.generation
        self.make_privacy = make_privacy
        answering = self._answering = [arm for arm in pointer.arms if arm.role is ArmRole.ANSWER]
        shadows = [arm for arm in pointer.arms if arm.role is ArmRole.SHADOW]
        self.champion = scorers[pointer.champion]
        # a challenger may know classes the champion does not: its rows get labels too
        named = [name for arm in pointer.arms for name in scorers[arm.digest].schema.classes]
        self.classes = tuple(dict.fromkeys(named))
        self.schema = _request_schema(
            [scorers[arm.digest] for arm in answering], [scorers[arm.digest] for arm in shadows]
        )
        privacy = make_privacy(self.schema.names)
        self.arms = {
            arm: AnsweringArm(arm, pointer, scorers[arm.digest], self.schema, metrics, privacy)
            for arm in answering
        }
        self.shadows = [
            Shadow(ScoringArm(arm, pointer, scorers[arm.digest], self.schema, metrics), metrics, journal)
            for arm in shadows
            if arm.weight > 0
        ]
        thresholds = {arm.scorer.schema.threshold for arm in self.arms.values()}
        self.outputs = (ANSWER, DIGEST) if thresholds == {None} else (ANSWER, DIGEST, DECISION)
        self.always_decides = None not in thresholds
        self.only_arm = next(iter(self.arms.values())) if len(self.arms) == 1 else None
        sticky = pointer.settings.sticky_key
        self._sticky_at = self.schema.names.index(sticky) if sticky in self.schema.names else None

    def route(self, request_id: str, rows: Sequence[Row]) -> dict[AnsweringArm, list[int]]:
        """Choose the arm of each row: by its sticky key, or by the request where it has none."""
        chosen: dict[AnsweringArm, list[int]] = {}
        for at, row in enumerate(rows):
            arm = choose_arm(self._answering, self.key_of(request_id, row))
            chosen.setdefault(self.arms[arm], []).append(at)
        return chosen

    def key_of(self, request_id: str, row: Row) -> str:
        """Return what decides the arm of a row."""
        value = None if self._sticky_at is None else row[self._sticky_at]
        return request_id if value is None else value_text(value)

    @property
    def has_shadows(self) -> bool:
        """Whether a shadow has not ended yet."""
        return any(shadow.is_alive for shadow in self.shadows)

    def close(self) -> None:
        """Let what runs end, and take no more."""
        for shadow in self.shadows:
            shadow.close()
        for arm in self.arms.values():
            arm.batcher.close()


def _request_schema(answering: "Sequence[Scorer]", shadows: "Sequence[Scorer]") -> RequestSchema:
    """Require what any answering arm needs, allow what all of them do; shadows and keys may go without."""
    required: dict[str, InputColumn] = {}
    for scorer in answering:
        for column in scorer.schema.inputs:
            known = required.get(column.name)
            required[column.name] = column if known is None else column.narrowed_by(known)
    optional: dict[str, InputColumn] = {}
    for scorer in (*answering, *shadows):
        for column in (*scorer.schema.key, *scorer.schema.inputs):
            if column.name not in required:
                optional.setdefault(column.name, column)
    return RequestSchema(required.values(), optional.values())


def _picking(positions: list[int]) -> Callable[[Sequence[Row]], Sequence[Row]]:
    if positions == list(range(len(positions))):
        return lambda rows: rows
    if len(positions) == 1:
        return lambda rows: [(row[positions[0]],) for row in rows]
    pick = operator.itemgetter(*positions)
    return lambda rows: [pick(row) for row in rows]


def _seconds_of_one_row(scorer: "Scorer") -> float:
    columns = {column.name: [scorer.examples.rows[0][column.name]] for column in scorer.schema.inputs}
    seconds = []
    for _ in range(WARM_UPS):
        started = time.perf_counter()
        scorer.answer(columns)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
