"""A model whose probabilities mean what they say passes, and one that is too sure is caught."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from millrace.domain.kinds import Task
from millrace.domain.losses import FloatArray
from millrace.domain.verdict import Outcome, Verdict
from millrace.steps.gate.case import Case
from tests.adapters.planted import planted_config, planted_rows
from tests.conftest import Home
from tests.steps.gate.cases import judge_case, make_case, split_frame, with_gate


def case_of(home: Home, task: Task, max_error: float) -> Case:
    (home.models / "planted").mkdir()
    (home.models / "planted" / "model.toml").write_text("", "utf-8")
    config = with_gate(planted_config(task), calibration={"max_error": max_error})
    return make_case(config, split_frame(config, planted_rows(task, 6_000)))


def judged(case: Case, change: Callable[[FloatArray], FloatArray]) -> Verdict:
    """Judge the bundle had it answered otherwise."""
    sets = {
        name: replace(one, challenger=change(one.challenger))
        for name, one in (("recent", case.evidence.recent), ("golden", case.evidence.golden))
    }
    return judge_case(replace(case, evidence=replace(case.evidence, **sets)), "calibration")


def test_two_classes(home: Home) -> None:
    case = case_of(home, Task.BINARY, 0.08)
    clean = judge_case(case, "calibration")
    assert clean.outcome is Outcome.PASS, clean.reason
    too_sure = judged(case, lambda answers: (answers > 0.5) * 0.98 + 0.01)
    assert too_sure.outcome is Outcome.FAIL
    assert too_sure.reason.startswith("recent: mean distance 0.")
    assert judged(case, lambda answers: answers * 0.7).outcome is Outcome.FAIL


def test_several_classes(home: Home) -> None:
    case = case_of(home, Task.MULTICLASS, 0.15)
    clean = judge_case(case, "calibration")
    assert clean.outcome is Outcome.PASS, clean.reason
    sure = judged(case, lambda shares: np.eye(3)[shares.argmax(axis=1)] * 0.97 + 0.01)
    assert sure.outcome is not Outcome.PASS


def test_a_number(home: Home) -> None:
    case = case_of(home, Task.REGRESSION, 0.25)
    clean = judge_case(case, "calibration")
    assert clean.outcome is Outcome.PASS, clean.reason
    assert judged(case, lambda answers: answers + 0.6).outcome is Outcome.FAIL
    assert judged(case, lambda answers: 3.0 * answers).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("worse_by", "outcome"), [(0.0, Outcome.PASS), (-0.05, Outcome.PASS), (0.15, Outcome.FAIL)]
)
def test_harm_is_measured_against_the_champion(home: Home, worse_by: float, outcome: Outcome) -> None:
    case = case_of(home, Task.REGRESSION, 5.0)
    sets = {
        name: replace(one, champion=one.labels + 0.1, challenger=one.labels + 0.1 + worse_by)
        for name, one in (("recent", case.evidence.recent), ("golden", case.evidence.golden))
    }
    found = replace(case.evidence, champion_digest="c" * 64, **sets)  # type: ignore[arg-type]
    config = with_gate(case.config, calibration={"max_error": 5.0, "max_harm": 0.05})
    verdict = judge_case(replace(case, config=config, evidence=found), "calibration")
    assert verdict.outcome is outcome, verdict.reason
    assert f"recent harm: {worse_by:.3g} more (" in verdict.reason.replace("-0 more", "0 more")


def test_a_clean_model_is_seldom_refused_and_a_bold_one_never_let_through() -> None:
    """The bounds are honest: sixty draws of answers that are true probabilities, and of bolder ones."""
    from millrace.domain.gate.calibration import judge_calibration
    from tests.domain.judged import POLICY, blocks_of, evidence, off_by

    policy = with_max_error(POLICY, 0.06)
    found = {"clean": 0, "bold": 0}
    for seed in range(60):
        source = np.random.default_rng(seed)
        blocks = blocks_of(28, 100)
        truth = source.beta(2.0, 2.0, blocks.size)
        labels = (source.random(blocks.size) < truth).astype(np.float64)
        bold = np.clip(0.5 + 1.6 * (truth - 0.5), 0.0, 1.0)
        for name, answers in (("clean", truth), ("bold", bold)):
            judged_set = replace(
                off_by(1.0, 28), labels=labels, blocks=blocks, challenger=answers, champion=None
            )
            both = replace(evidence(judged_set, judged_set), champion_digest=None)
            found[name] += judge_calibration(both, policy).outcome is Outcome.PASS
    assert found["clean"] >= 57
    assert found["bold"] == 0


def with_max_error(policy: object, max_error: float):  # type: ignore[no-untyped-def]
    from millrace.domain.config.gate.calibration import CalibrationPolicy

    return policy.model_copy(update={"calibration": CalibrationPolicy(max_error=max_error)})  # type: ignore[attr-defined]
