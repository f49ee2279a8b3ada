"""Does a user's own loss judge real bundles, and what do others do with it?"""

from datetime import timedelta

import pytest
from sklearn.metrics import f1_score

from millrace.adapters.models import ModelCodeError
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.gate.comparing import open_bundle
from millrace.steps.gate.judging import find_golden_history
from millrace.steps.rows import load_rows
from millrace.steps.stores import model_config
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

DAY = timedelta(days=1)
STEEP = """
import numpy as np


def steep(labels, answers):
    return np.where(answers < labels, 4.0, 1.0) * np.abs(answers - labels)


def short(labels, answers):
    return np.abs(answers - labels)[:-1]
"""


def judged_by(home: Home, metric: str, code: str = STEEP) -> None:
    folder = load_settings().models / "fares"
    (folder / "losses.py").write_text(code, "utf-8")
    content = (folder / "model.toml").read_text("utf-8")
    content = content.replace('metric = "mae"', f'metric = "{metric}"').replace("mae = 12.0", "own = 60.0")
    (folder / "model.toml").write_text(content, "utf-8")
    home.learn_from("fares", "distance_km", "tariff")


def test_an_own_loss_judges_and_what_follows_uses_the_usual_metric(fares: Home) -> None:
    judged_by(fares, "losses:steep")
    take_in("fares", NOON)
    first = retrain("fares", NOON).judged
    fares.learn_from("fares", "distance_km", "tariff", "luggage")
    second = retrain("fares", NOON + DAY).judged
    assert first is not None
    assert second is not None
    assert (first.outcome, second.outcome) == (Outcome.PASS, Outcome.PASS)
    assert second.metric == "own"
    told = {verdict.rule: verdict.reason for verdict in second.verdicts}
    assert told["recent_champion"].startswith("own loss ")
    assert told["floors"].endswith("needed at most 60")
    # over and under are as frequent: with four times the one, it is two and a half times the MAE
    assert first.level is not None
    assert first.level.metric == "mae"
    assert first.losses["recent"]["challenger"] / first.level.loss == pytest.approx(2.5, rel=0.1)
    assert model_config("fares").followed_metric.value == "mae"


def test_an_own_loss_that_was_edited_is_another_one(fares: Home) -> None:
    judged_by(fares, "losses:steep")
    take_in("fares", NOON)
    first = retrain("fares", NOON).judged
    judged_by(fares, "losses:steep", STEEP.replace("4.0", "9.0"))
    fares.learn_from("fares", "distance_km", "tariff", "luggage")
    second = retrain("fares", NOON + DAY).judged
    assert first is not None
    assert second is not None
    assert first.terms.startswith("losses:steep ")
    history, both = find_golden_history("fares"), {first.digest, second.digest}
    as_it_was, as_it_is = (history.losses(both, "own", judged.terms) for judged in (first, second))
    assert as_it_was == {first.digest: first.losses["golden"]["challenger"]}
    assert as_it_is[first.digest] == second.losses["golden"]["champion"] > as_it_was[first.digest]
    assert as_it_is[second.digest] == second.losses["golden"]["challenger"]


def test_an_own_loss_that_is_not_one_for_each_row_decides_nothing(fares: Home) -> None:
    judged_by(fares, "losses:short")
    take_in("fares", NOON)
    judged = retrain("fares", NOON).judged
    assert judged is not None
    assert judged.outcome is Outcome.INCONCLUSIVE
    assert "needed one finite number for each row" in judged.reason
    assert judged.losses == {"recent": {}, "golden": {}}
    assert fares.serving("fares").champion is None


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("losses:steeper", r"losses\.py.*has no function steeper; \[gate\] names it"),
        ("lost:steep", r"lost\.py.*there is no such file; model\.toml asks for it"),
    ],
)
def test_an_own_loss_that_is_not_there_is_said_before_anything_is_judged(
    fares: Home, named: str, found: str
) -> None:
    judged_by(fares, named)
    take_in("fares", NOON)
    with pytest.raises(ModelCodeError, match=found):
        retrain("fares", NOON)


def test_decisions_of_real_bundles_are_judged_at_the_threshold_that_each_was_given(home: Home) -> None:
    home.add_model("complaints")
    home.rewrite("complaints", 'metric = "brier"', 'metric = "f1"')
    take_in("complaints", NOON)
    judged = retrain("complaints", NOON).judged
    assert judged is not None
    assert judged.level is not None
    assert judged.level.metric == "auc"
    rows = load_rows("complaints", current_dataset("complaints").version, NOON)
    scorer = open_bundle(judged.digest)
    answers, threshold = scorer.answer(rows.recent.frame), scorer.schema.threshold
    assert threshold is not None
    at_threshold, at_half = (1.0 - f1_score(rows.recent.labels, answers >= at) for at in (threshold, 0.5))
    assert judged.losses["recent"]["challenger"] == pytest.approx(at_threshold, rel=1e-12)
    assert at_threshold != pytest.approx(at_half, rel=1e-6)
