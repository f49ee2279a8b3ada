"""A larger model has to be worth its size."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from millrace.domain.config import Metric, ModelConfig, Rule
from millrace.domain.gate.judge import judge_rule
from millrace.domain.gate.simpler import Refitted, Simpler
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome
from millrace.steps.actor import current_actor
from millrace.steps.claims import held, take_claim
from millrace.steps.gate.case import Case
from millrace.steps.gate.simpler import measure_simpler
from millrace.steps.rows import SplitRows
from millrace.steps.stores import ledger
from tests.adapters.planted import planted_config, planted_rows
from tests.conftest import NOON, Home
from tests.domain.judged import GOOD, POLICY
from tests.steps.gate.cases import judge_case, make_case, split_frame, train_on, with_gate
from tests.steps.gate.rides import ride_config, ride_rows


def of_kind(config: ModelConfig, estimator: str, **parameters: object) -> ModelConfig:
    training = config.training.model_copy(update={"estimator": estimator, "parameters": parameters})
    return config.model_copy(update={"training": training})


def asked(estimator: str, min_gain: float = 0.0, **parameters: object) -> ModelConfig:
    return with_gate(of_kind(ride_config(), estimator, **parameters), simpler={"min_gain": min_gain})


def curved(frame: pd.DataFrame) -> pd.DataFrame:
    """Let luggage cost what no line can tell."""
    return frame.assign(fare=frame["fare"] + 40.0 * (frame["luggage"] % 2))


def test_trees_that_are_no_better_than_a_line_are_not_worth_their_size(fares: Home) -> None:
    config = asked("hist_gradient_boosting", max_iter=20)
    found = judge_case(make_case(config, split_frame(config, ride_rows())), "simpler")
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("on the linear model: MAE ")


def test_trees_that_see_what_no_line_can_are_worth_it(fares: Home) -> None:
    config = asked("hist_gradient_boosting", max_iter=60)
    found = judge_case(make_case(config, split_frame(config, curved(ride_rows()))), "simpler")
    assert found.outcome is Outcome.PASS, found.reason


def test_the_linear_model_itself_only_has_to_beat_one_answer_for_all(fares: Home) -> None:
    config = asked("linear")
    found = judge_case(make_case(config, split_frame(config, ride_rows())), "simpler")
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("; it is the linear model")


def test_the_champions_estimator_is_fitted_again_where_it_is_another_one(fares: Home) -> None:
    forest = asked("hist_gradient_boosting", max_iter=60)
    rows = split_frame(forest, curved(ride_rows()))
    champion = make_case(forest, rows)
    record(champion)
    larger = asked("random_forest", n_estimators=300, max_leaf_nodes=40)
    case = make_case(larger, rows, train_on(larger, rows), champion.trained.digest)
    found = judge_case(case, "simpler")
    assert found.outcome is Outcome.FAIL
    assert found.reason.startswith("on the champion's hist_gradient_boosting, fitted again: MAE ")


def test_of_a_champion_whose_estimator_nobody_wrote_down_that_is_told(fares: Home) -> None:
    config = asked("hist_gradient_boosting", max_iter=60)
    rows = split_frame(config, curved(ride_rows()))
    champion = make_case(config, rows)
    record(replace(champion, trained=replace(champion.trained, estimator="")))
    found = judge_case(make_case(config, rows, champion=champion.trained.digest), "simpler")
    assert found.outcome is Outcome.PASS
    assert (
        f"of which estimator the champion {champion.trained.digest[:12]} is was not recorded" in found.reason
    )


def test_where_decisions_are_judged_each_rival_has_a_threshold_of_its_own(planted: Home) -> None:
    config, rows = rare("linear")
    champion = make_case(config, rows)
    # the same probabilities and the same policy: the same bundle, and nothing gained by being cut elsewhere
    assert champion.trained.digest == champion.trained.baseline
    record(champion, "planted")
    baseline = champion.compared.baseline.schema.threshold
    assert baseline is not None
    assert 0.05 < baseline < 0.4

    trees, _ = rare("hist_gradient_boosting")
    previous = measure_simpler(make_case(trees, rows, champion=champion.trained.digest)).previous
    assert previous is not None
    assert previous.threshold == baseline


def test_a_line_fitted_again_is_judged_at_its_threshold() -> None:
    """Right at 0.2 and never positive at a half: a gain on it would be one of the cut alone."""
    labels = (np.arange(200) % 10 == 0).astype(np.float64)
    answers = np.where(labels > 0.0, 0.3, 0.1)
    recent = replace(
        GOOD.recent, labels=labels, challenger=answers + 0.0, baseline=1.0 - answers, champion=1.0 - answers,
        thresholds={"challenger": 0.2},
    )  # fmt: skip
    policy = POLICY.model_copy(update={"metric": Metric.F1, "floors": {}})
    for threshold, outcome in ((0.2, Outcome.FAIL), (0.5, Outcome.PASS)):
        refit = Refitted("linear", 20_000, answers + 0.0, threshold)
        measured = {**GOOD.measured, Rule.SIMPLER: Simpler(recent.source, 40_000, 50_000, refit)}
        found = replace(GOOD, recent=recent, measured=measured, constant=0.0)
        assert judge_rule(Rule.SIMPLER, found, policy).outcome is outcome


@pytest.fixture
def planted(home: Home) -> Home:
    (home.models / "planted").mkdir()
    (home.models / "planted" / "model.toml").write_text("", "utf-8")
    return home


def rare(estimator: str) -> tuple[ModelConfig, SplitRows]:
    """Return a model of which one row in seven is positive, cut where F1 is best."""
    config = planted_config(Task.BINARY, estimator, threshold={"maximise": "f1"})
    frame = planted_rows(Task.REGRESSION, 1_000)
    frame["y"] = (frame["y"] + frame["label"].isna() > frame["y"].quantile(0.85)).astype(int)
    config = with_gate(config, simpler={"min_gain": 0.0})
    return config, split_frame(config, frame)


def record(case: Case, model: str = "fares") -> None:
    """Write down that it was trained, as a run does."""
    with held(take_claim("by hand", "a run")) as claim:
        ledger().append(model, case.trained, NOON, current_actor(), claim)
