"""A larger model has to be worth its size."""

from dataclasses import replace

import pandas as pd

from millrace.domain.config import ModelConfig
from millrace.domain.verdict import Outcome
from millrace.steps.actor import current_actor
from millrace.steps.claims import held, take_claim
from millrace.steps.gate.case import Case
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home
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


def record(case: Case) -> None:
    """Write down that it was trained, as a run does."""
    with held(take_claim("by hand", "a run")) as claim:
        ledger().append("fares", case.trained, NOON, current_actor(), claim)
