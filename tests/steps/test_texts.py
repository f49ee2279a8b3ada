"""Does a model that reads texts, weighs rows, is calibrated and decides go the whole way?"""

from datetime import timedelta

import pytest

from millrace.adapters.bundle import read_manifest
from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.adapters.training import RowWeightError
from millrace.cli.why import why
from millrace.domain.bundle import PROFILE_FILE, Engine, parse_file
from millrace.domain.facts import ChallengerTrained
from millrace.domain.monitoring.findings import Watched
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled
from millrace.domain.profile import Reference
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.contract.review import accept_contract
from millrace.steps.monitoring.performance import measure_performance_of
from tests.conftest import NOON, Home
from tests.logged import write_log
from tests.loop import retrain, take_in

OWN = """
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer


def build(config):
    return make_pipeline(ColumnTransformer([("n", SplineTransformer(), ["floor"])]), LogisticRegression())
"""


WATCHED = """
[monitor]
schedule = "0 * * * *"

[performance]
min_labels = 100
max_excess_loss = 2.0
confidence = 0.95
windows = 1
sensitive = ["floor"]
max_unfairness = 0.1
"""


@pytest.fixture
def complaints(home: Home) -> Home:
    home.add_model("complaints")
    take_in("complaints", NOON)
    return home


def trained_by(home: Home) -> ChallengerTrained:
    [fact] = home.facts("complaints", ChallengerTrained)
    assert isinstance(fact, ChallengerTrained)
    return fact


def test_a_word_decides_from_the_batch_to_the_champion_and_its_decision(
    complaints: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    result = retrain("complaints", NOON)
    assert result.judged is not None
    assert result.judged.outcome is Outcome.PASS, result.judged.reason
    trained = trained_by(complaints)
    assert (trained.engine, trained.fallback) == (Engine.ONNX, None)

    folder = bundles_folder(load_settings().channel) / str(complaints.serving("complaints").champion)
    scorer = load_scorer(folder)
    assert scorer.schema.threshold == trained.threshold
    # a miss costs four false alarms: with true probabilities the cheapest is at a fifth
    assert trained.threshold is not None
    assert 0.1 < trained.threshold < 0.5
    leak, tap, nothing = scorer.answer({"floor": [1, 1, 1], "note": ["it LEAKS? no: Leak", "tap", None]})
    decided = [scorer.schema.decide(float(one)) for one in (leak, tap, nothing)]
    assert decided == ["true", "false", "false"]
    # calibrated: nine in ten of those that say it are
    assert (leak, tap) == (pytest.approx(0.9, abs=0.08), pytest.approx(0.1, abs=0.08))

    assert "lightgbm" in scorer.manifest.environment
    assert "lightgbm" not in read_manifest(folder.parent / trained.baseline).environment
    # the plain model is no rival where decisions are judged, unless it has a threshold of its own
    assert load_scorer(folder.parent / trained.baseline).schema.threshold is not None

    profile = parse_file((folder / PROFILE_FILE).read_bytes(), Reference, PROFILE_FILE).inputs
    assert {one.name for one in profile.numeric} == {"floor", "note"}
    lengths = next(one for one in profile.numeric if one.name == "note")
    assert lengths.nulls > 0
    assert 10 < max(lengths.edges) < 100

    why("complaints")
    assert f"the positive class from a probability of {trained.threshold:.6g} on" in capsys.readouterr().out


def test_the_fairness_of_its_decisions_is_by_its_threshold(complaints: Home) -> None:
    retrain("complaints", NOON)
    with (complaints.models / "complaints" / "model.toml").open("a", encoding="utf-8") as file:
        file.write(WATCHED)
    digest = str(complaints.serving("complaints").champion)
    threshold = trained_by(complaints).threshold
    assert threshold is not None
    # below a half all of them, and on both sides of the threshold
    answers = {0: threshold - 0.05, 1: threshold + 0.05}
    moments = [NOON.timestamp() + 1_200.0 * at for at in range(1_000)]
    rows = [
        AnsweredRow(f"r{at}", 0, moment, (at % 2, "", at), answers[at % 2], 100)
        for at, moment in enumerate(moments)
    ]
    asked = Answered("complaints", digest, 1, "answer", ("floor", "note", "complaint"), rows)
    true = [Label("true" if at % 4 < 2 else "false", None, 0, (at,)) for at in range(1_000)]
    end = NOON + timedelta(seconds=1_200 * 1_000)
    told = Labelled("complaints", end.timestamp(), ("complaint",), true)
    write_log(load_settings().predictions, asked, told)
    found = measure_performance_of("complaints", digest, NOON, end)
    assert found is not None
    [fairness] = [one for one in found.verdicts if one.rule == Watched.FAIRNESS]
    assert (fairness.outcome, "differs by 1 " in fairness.reason) == (Outcome.FAIL, True), fairness.reason


def test_what_only_the_fallback_serves_says_what_that_means_and_which_step_is_the_reason(
    complaints: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    _build_by(complaints, OWN)
    retrain("complaints", NOON)
    trained = trained_by(complaints)
    assert trained.engine == Engine.SKLEARN
    why(trained.digest)
    told = capsys.readouterr().out
    assert "served by scikit-learn and not as a graph, so a row takes milliseconds" in told
    assert "step columntransformer > n (SplineTransformer)" in told


def test_a_column_of_weights_that_no_batch_had_stops_the_training(complaints: Home) -> None:
    complaints.rewrite("complaints", 'sample_weight = "weight"', 'sample_weight = "nothing"')
    complaints.rewrite("complaints", "[contract.columns]", '[contract.columns]\nnothing = { type = "float" }')
    accept_contract("complaints", "weights will come", NOON)
    with pytest.raises(RowWeightError, match="'nothing': found no column of this name"):
        retrain("complaints", NOON)


def _build_by(home: Home, code: str) -> None:
    (home.models / "complaints" / "pipeline.py").write_text(code, "utf-8")
    home.rewrite("complaints", 'estimator = "lightgbm"', 'estimator = "pipeline:build"')
    home.rewrite("complaints", "[training.parameters]\nn_estimators = 20\n", "")
    home.rewrite("complaints", 'calibration = "sigmoid"\n', "")
