"""Is every way in which Prefect can have a deployment otherwise seen, and said with both values?"""

from dataclasses import replace
from typing import Any

import pytest

from millrace.domain.deployment import Deployment, list_differences

WANTED = Deployment(
    "retrain/on-event",
    {"entrypoint": "flows.retrain", "parameters": {"reason": "drift"}},
    {"fares": {"cron": "0 6 * * *"}},
    {"drift": {"enabled": True}},
)


def differences(found: Deployment) -> list[str]:
    return [str(one) for one in list_differences([WANTED], [found])]


def test_what_is_as_wanted_has_no_difference() -> None:
    assert list_differences([WANTED], [replace(WANTED)]) == []


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"settings": {**WANTED.settings, "entrypoint": "x"}}, "entrypoint is 'x', not 'flows.retrain'"),
        ({"settings": {**WANTED.settings, "parameters": {}}}, "parameters.reason is absent, not 'drift'"),
        ({"settings": {**WANTED.settings, "concurrency_limit": 1}}, "concurrency_limit is 1, not absent"),
        ({"schedules": {}}, "schedule 'fares' is missing"),
        ({"schedules": {**WANTED.schedules, "old": {}}}, "schedule 'old' is there, and not wanted"),
        ({"schedules": {"fares": {"cron": "7"}}}, "schedule 'fares': cron is '7', not '0 6 * * *'"),
        ({"triggers": {}}, "trigger 'drift' is missing"),
        ({"triggers": {"drift": {"enabled": False}}}, "trigger 'drift': enabled is False, not True"),
    ],
)  # fmt: skip
def test_each_difference_says_what_is_there_and_what_is_wanted(changed: dict[str, Any], finding: str) -> None:
    assert differences(replace(WANTED, **changed)) == [f"retrain/on-event: {finding}"]


def test_what_is_not_there_and_what_is_not_wanted_are_both_said() -> None:
    assert differences(replace(WANTED, name="retrain/old")) == [
        "retrain/on-event: is not registered",
        "retrain/old: is registered, and not wanted",
    ]
