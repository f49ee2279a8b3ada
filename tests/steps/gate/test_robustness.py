"""What does not hold when rows are a little otherwise is caught, and what holds passes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.domain.config import Metric, ModelConfig
from millrace.domain.config.operation import ServingSection
from millrace.domain.features import number_values
from millrace.domain.gate.code import Code
from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.domain.pointer import Durability
from millrace.domain.verdict import Outcome, Verdict
from millrace.steps.gate.case import Case
from tests.adapters.planted import planted_config, planted_rows
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, train_on, with_gate

LIMITS: dict[str, Any] = {
    "rows": 400,
    "noise": {"share": 0.1, "max_excess_loss": 0.1},
    "missing": {"share": 0.1, "max_excess_loss": 0.3},
    "unknown": {"share": 0.1, "max_excess_loss": 0.3},
    "monotone": {
        "columns": {"label": "rising"}, "rows": 50, "steps": 10, "tolerance": 1e-6, "max_wrong_share": 0.0,
    },
    "attack": {"rows": 100, "queries": 40, "share": 0.1, "shift": 1.0, "max_flip_rate": 0.1},
}  # fmt: skip

Designed = Callable[[Any, FloatArray], FloatArray]
"""From rows and the trained bundle's answers to others."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Any) -> Iterator[Case]:
    """A linear regression that is right: noise, nulls and new categories cost it little."""
    home = Home.make(tmp_path_factory.mktemp("robust"), catalogue_template)
    (home.models / "planted").mkdir()
    (home.models / "planted" / "model.toml").write_text("", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        config = planted_config(Task.REGRESSION)
        rows = split_frame(config, planted_rows(Task.REGRESSION, 1_500))
        yield make_case(config, rows, train_on(config, rows))


def asked(case: Case, **limits: Any) -> Case:
    return replace(case, config=with_gate(case.config, robustness=LIMITS | limits))


def judged(case: Case, designed: Designed | None = None, **limits: Any) -> Verdict:
    """Judge the bundle, or one that makes other answers of the bundle's."""
    return judge_case(_answering(asked(case, **limits), designed), "robustness")


def _answering(case: Case, designed: Designed | None) -> Case:
    if designed is None:
        return case
    trained = case.compared.challenger
    other = replace(trained, answering=lambda rows: designed(rows, trained.answer(rows)))
    recent = replace(case.evidence.recent, challenger=other.answer(case.recent.frame))
    return replace(
        case,
        compared=replace(case.compared, challenger=other),
        evidence=replace(case.evidence, recent=recent),
    )


def values_of(rows: Any, column: str) -> FloatArray:
    return number_values(rows[column], column)


def test_a_model_that_holds_passes_every_part(case: Case) -> None:
    found = judged(case)
    assert (found.outcome, found.code) == (Outcome.PASS, Code.CLEARED), found.reason
    for part in (
        "noise of 0.1 in 2 ",
        "missing of 0.1 in 3 ",
        "unknown of 0.1 in 2 ",
        "label rising: 0 of 500 steps",
        "200 rows are answered the same with columns in another order, whole numbers as floats, float32, ",
        "the lists of a request, no other row beside",
        "answers to extreme values are finite",
        "attack: 0 of 100 rows",
    ):
        assert part in found.reason


def test_a_model_that_knows_its_rows_by_heart_is_caught_by_noise(case: Case) -> None:
    known = np.append(values_of(case.recent.frame, "label").astype(np.float32), np.nan)

    def by_heart(rows: Any, answers: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            is_known = np.isin(values_of(rows, "label").astype(np.float32), known)
        return answers + np.where(is_known | pd.isna(rows["label"]), 0.0, 3.0)

    found = judged(case, by_heart, monotone=None, attack=LIMITS["attack"] | {"max_flip_rate": 1.0})
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("noise of 0.1 in 2 features: RMSE ")


@pytest.mark.parametrize(
    ("part", "hidden"),
    [
        ("missing", lambda rows: pd.isna(rows["label"])),
        ("unknown", lambda rows: [value == "never seen before" for value in rows["carrier"]]),
    ],
)
def test_a_model_that_is_lost_without_a_value_is_caught(case: Case, part: str, hidden: Any) -> None:
    found = judged(case, lambda rows, answers: np.where(hidden(rows), 99.0, answers))
    if part == "missing":  # a tenth is null as it is, so only more of it is worse
        assert found.outcome is not Outcome.PASS
    else:
        assert found.outcome is Outcome.FAIL
        assert found.reason.startswith("unknown of 0.1 in 2 features: RMSE ")


def test_an_answer_that_is_no_number_fails_whatever_is_lost(case: Case) -> None:
    found = judged(
        case,
        lambda rows, answers: np.where(
            [value == "never seen before" for value in rows["carrier"]], np.nan, answers
        ),
    )
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.NOT_FINITE)
    assert "unknown of 0.1 in 2 features: " in found.reason
    assert "answers are NaN or infinite, none may be" in found.reason


def by_place(rows: Any, answers: FloatArray) -> FloatArray:
    """Return answers of somebody who takes the first column for the one he means."""
    return answers + (next(iter(rows)) != "label")


def by_type(rows: Any, answers: FloatArray) -> FloatArray:
    return answers + (getattr(rows["label"], "dtype", None) == np.float32)


def by_whole_numbers(rows: Any, answers: FloatArray) -> FloatArray:
    return answers + (getattr(rows["weekday"], "dtype", None) == np.float64)


def by_neighbours(rows: Any, answers: FloatArray) -> FloatArray:
    return answers - answers.mean() * (len(answers) < 20)


def by_frames(rows: Any, answers: FloatArray) -> FloatArray:
    return answers + isinstance(rows, dict)


@pytest.mark.parametrize(
    ("designed", "name"),
    [
        (by_place, "columns in another order"),
        (by_type, "float32"),
        (by_whole_numbers, "whole numbers as floats"),
        (by_frames, "the lists of a request"),
        (by_neighbours, "no other row beside"),
    ],
)
def test_an_answer_that_hangs_on_how_a_row_is_told_is_caught(
    case: Case, designed: Designed, name: str
) -> None:
    found = judged(case, designed)
    assert found.outcome is Outcome.FAIL
    assert f"200 of 200 rows are answered otherwise with {name}, none may be" in found.reason


def test_a_step_the_wrong_way_is_caught(case: Case) -> None:
    found = judged(case, monotone=LIMITS["monotone"] | {"columns": {"label": "falling"}})
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("label falling: 500 of 500 steps (100.00%) go the wrong way, by ")


def test_an_extreme_value_that_has_no_finite_answer_is_caught(case: Case) -> None:
    def overflowing(rows: Any, answers: FloatArray) -> FloatArray:
        return np.where(np.abs(np.nan_to_num(values_of(rows, "my column"))) > 1e30, np.inf, answers)

    found = judged(case, overflowing)
    assert (found.outcome, found.code) == (Outcome.FAIL, Code.NOT_FINITE)
    assert found.reason.startswith(
        "20 of 20 answers are NaN or infinite with my column = -6.805646932770577e+38, none may be"
    )


@pytest.mark.parametrize(("least", "most"), [(20_130.0, 20_140.0), (5.0, 5.0)])
def test_bounds_that_look_alike_or_are_one_are_tried(case: Case, least: float, most: float) -> None:
    columns = case.config.contract.columns
    bounded = columns | {"my column": columns["my column"].model_copy(update={"min": least, "max": most})}
    contract = case.config.contract.model_copy(update={"columns": bounded})
    rows = split_frame(case.config, planted_rows(Task.REGRESSION, 1_500))
    narrow = make_case(case.config.model_copy(update={"contract": contract}), rows)
    found = judged(narrow, noise=None)  # which stays within the bounds, where no value is
    assert found.outcome is Outcome.PASS, found.reason
    tried = 100 if least == most else 120
    assert f"all {tried} answers to extreme values are finite" in found.reason


def test_what_breaks_the_measurement_quotes_no_value_of_a_hidden_column(case: Case) -> None:
    def breaks(_rows: Any, _answers: FloatArray) -> FloatArray:
        raise ValueError("unknown category 'ann@example.org'")

    assert "ann@example.org" in judged_when_broken(case, breaks).reason
    hiding = case.config.model_copy(
        update={"serving": ServingSection(durability=Durability.FAST, hash=("carrier",))}
    )
    found = judged_when_broken(replace(case, config=hiding), breaks)
    assert (found.outcome, found.code) == (Outcome.INCONCLUSIVE, Code.ERROR)
    assert found.reason == "ValueError"


def judged_when_broken(case: Case, designed: Designed) -> Verdict:
    """Judge where no further rows are answered."""
    broken = _answering(asked(case), None)
    other = replace(broken.compared.challenger, answering=lambda rows: designed(rows, np.empty(0)))
    return judge_case(replace(broken, compared=replace(broken.compared, challenger=other)), "robustness")


def test_a_cliff_nearby_is_found(case: Case) -> None:
    def cliff(rows: Any, answers: FloatArray) -> FloatArray:
        return answers + 50.0 * (values_of(rows, "label") > 100.0)

    found = judged(case, cliff, noise=None)
    assert found.outcome is not Outcome.PASS
    assert "rows (" in found.reason
    told = judged(case, cliff, noise=None, attack={**LIMITS["attack"], "max_flip_rate": None})
    assert told.outcome is Outcome.PASS
    assert "told only" in told.reason


def test_what_a_model_has_not_is_said_and_is_no_pass(case: Case) -> None:
    features = case.config.features.model_copy(update={"numeric": (), "categorical": ("weekday", "holiday")})
    config = case.config.model_copy(update={"features": features})
    rows = split_frame(config, planted_rows(Task.REGRESSION, 1_500))
    found = judged(make_case(config, rows), monotone=None)
    for part in (
        "noise: nothing to ask, no feature is a number",
        "missing: nothing to ask, no feature may be null",
        "extreme values: nothing to ask",
        "attack: nothing to ask",
    ):
        assert part in found.reason
    assert found.outcome is Outcome.PASS  # by what there was to ask


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
def test_classes_are_asked_too(case: Case, task: Task) -> None:
    config = planted_config(task, "hist_gradient_boosting")
    rows = split_frame(config, planted_rows(task, 1_500))
    limits = LIMITS | {"monotone": None, "attack": LIMITS["attack"] | {"shift": None, "max_flip_rate": 0.9}}
    found = judge_case(make_case(with_gate(config, robustness=limits), rows), "robustness")
    assert found.outcome is Outcome.PASS, found.reason


def test_decisions_are_judged_at_the_bundles_own_threshold(case: Case) -> None:
    """Judged at a half, a model that decides at 0.9 would be another one with the same answers."""
    config = planted_config(Task.BINARY)
    gate = config.gate.model_copy(update={"metric": Metric.F1})
    one = make_case(
        config.model_copy(update={"gate": gate}), split_frame(config, planted_rows(Task.BINARY, 1_500))
    )
    recent = replace(one.evidence.recent, thresholds={"challenger": 0.9})
    limits = {"rows": 400, "noise": {"share": 1e-9, "max_excess_loss": 0.001}}
    found = judge_case(
        replace(
            one,
            config=with_gate(one.config, robustness=limits),
            evidence=replace(one.evidence, recent=recent),
        ),
        "robustness",
    )
    assert found.outcome is Outcome.PASS, found.reason


def test_the_same_bundle_is_measured_the_same(case: Case) -> None:
    assert judged(case).reason == judged(case).reason


@pytest.mark.parametrize(
    ("task", "limits", "why"),
    [
        (Task.REGRESSION, {"monotone": LIMITS["monotone"] | {"columns": {"carrier": "rising"}}}, "'carrier'"),
        (Task.REGRESSION, {"attack": LIMITS["attack"] | {"shift": None}}, "needs a shift"),
        (Task.BINARY, {"monotone": None}, "has a shift"),
        (Task.MULTICLASS, {}, "several classes have a share each"),
    ],
)
def test_what_fits_no_model_of_this_task_is_refused_when_it_is_read(
    task: Task, limits: dict[str, Any], why: str
) -> None:
    config = planted_config(task)
    document = config.model_dump(exclude_none=True)
    parts = {name: part for name, part in (LIMITS | limits).items() if part is not None}
    with pytest.raises(ValueError, match=why):
        ModelConfig.model_validate({**document, "gate": {**document["gate"], "robustness": parts}})
