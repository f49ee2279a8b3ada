"""Is a policy that could never pass, or that means nothing, refused when the file is read?"""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from millrace.domain.canonical import canonical_json
from millrace.domain.config import ModelConfig
from millrace.domain.config.rollout import RolloutSection
from millrace.domain.kinds import Task
from millrace.domain.rollout.policy import Policy, Step, Strategy
from tests.adapters.planted import planted_config

SECTION: dict[str, Any] = {
    "strategy": "canary",
    "weights": [5, 25, 50],
    "approval": "auto",
    "step_requests": 500,
    "interval": "1m",
    "failure_limit": 3,
    "deadline": "2h",
    "probation_labels": 2000,
    "probation_deadline": "7d",
    "confidence": 0.95,
    "max_excess_errors": 0.01,
    "max_latency_ratio": 1.5,
    "max_shift": 0.5,
    "max_disagreement": 0.2,
    "max_excess_loss": 0.01,
}


def policy(**changed: Any) -> Policy:
    return RolloutSection.model_validate({**SECTION, **changed}).policy


def test_the_steps_follow_from_the_strategy() -> None:
    assert policy().steps == (Step(0), Step(5), Step(25), Step(50))
    assert policy(strategy="a/b", weights=[50]).steps == (Step(0), Step(50, on_labels=True))
    assert policy(strategy="blue-green", weights=[]).steps == (Step(0),)
    assert policy(strategy="direct", weights=[]).steps == (Step(0, on_labels=True),)
    assert policy().limits.alpha == 0.05
    assert policy().bound == timedelta(minutes=3)


@pytest.mark.parametrize("number", sorted(set(SECTION) - {"weights"}))
def test_a_number_that_is_missing_has_no_default(number: str) -> None:
    with pytest.raises(ValidationError, match=f"{number}\n  Field required"):
        RolloutSection.model_validate({name: value for name, value in SECTION.items() if name != number})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weights": []}, "canary has one or more weights"),
        ({"strategy": "a/b"}, "a/b has exactly one weight"),
        ({"strategy": "blue-green"}, "blue-green has no weights"),
        ({"strategy": "direct"}, "direct has no weights"),
        (
            {"strategy": "direct", "weights": [], "step_requests": 200_000},
            "a direct rollout replays 100,000 rows",
        ),
        ({"weights": [25, 5]}, "must rise from step to step"),
        ({"weights": [5, 100]}, "stay below 100"),
        ({"weights": [0, 5]}, "must rise from step to step"),
        ({"interval": "0s"}, "an interval of 0"),
        ({"deadline": "2m"}, "a deadline of 0:02:00 leaves no time for 3 looks"),
        ({"probation_deadline": "1m"}, "a probation_deadline of 0:01:00 leaves no time"),
        ({"max_excess_errors": 0.0}, "greater than 0"),
        ({"max_shift": 0.0}, "greater than 0"),
        ({"max_disagreement": 0.0}, "greater than 0"),
        ({"confidence": 1.0}, "less than 1"),
        ({"max_excess_loss": float("nan")}, "finite"),
        ({"strategy": "dark"}, "'canary', 'a/b', 'blue-green' or 'direct'"),
    ],
)
def test_what_could_never_pass_or_means_nothing_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        policy(**changed)


def test_a_policy_is_read_back_from_an_entry_as_it_was_written() -> None:
    written = policy(slices=["origin"])
    assert msgspec.json.decode(canonical_json(written), type=Policy) == written
    assert written.strategy is Strategy.CANARY


def model_with(rollout: dict[str, Any], **serving: Any) -> ModelConfig:
    planted = planted_config(Task.BINARY).model_dump(exclude_none=True)
    section = {"rollout": {**SECTION, **rollout}, "serving": {"durability": "fast", **serving}}
    return ModelConfig.model_validate({**planted, "retrain": RETRAIN, **section})


DIRECT = {"strategy": "direct", "weights": []}
RETRAIN = {"min_new_rows": 0, "cooldown": "6h", "budget_per_day": 4}


def test_a_rollout_fits_the_columns_that_are_logged() -> None:
    config = model_with({"slices": ["carrier"]}, hash=["carrier"])
    assert config.rollout is not None
    assert config.rollout.policy.slices == ("carrier",)
    assert model_with(DIRECT).rollout is not None


@pytest.mark.parametrize(
    ("rollout", "serving", "told"),
    [
        ({"slices": ["y"]}, {}, "rollout.slices names 'y', which is no feature and not in data.key"),
        ({"slices": ["carrier"]}, {"leave_out": ["carrier"]}, "serving.leave_out keeps it unlogged"),
        (DIRECT, {"leave_out": ["carrier"]}, "rollout.strategy is direct, and serving hides carrier"),
        (DIRECT, {"hash": ["carrier"]}, "rollout.strategy is direct, and serving hides carrier"),
    ],
)
def test_a_rollout_that_needs_what_is_not_logged_is_refused(
    rollout: dict[str, Any], serving: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        model_with(rollout, **serving)
