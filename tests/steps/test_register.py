"""Every judged bundle is a version in MLflow, and MLflow's own tools answer as the bundle does."""

from pathlib import Path

import mlflow
import numpy as np
import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.scorer import load_scorer
from millrace.domain.facts import ChallengerTrained, VersionRegistered
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.rows import load_rows
from millrace.steps.stores import catalogue
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.site.reading import see


@pytest.mark.parametrize("model", ["fares", "progression"])
def test_mlflow_loads_the_champion_and_it_gives_the_bundles_answers(
    published: Home, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings()
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", settings.catalogue_url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.catalogue_url)
    rows = load_rows(model, current_dataset(model).version, NOON).golden.frame
    champion = published.serving(model).champion
    assert champion is not None
    wanted = load_scorer(bundles_folder(settings.channel) / champion).answer(rows)
    served = mlflow.pyfunc.load_model(f"models:/{model}@champion")
    features = rows[[column.name for column in served.metadata.get_input_schema().inputs]]
    np.testing.assert_array_equal(served.predict(features), wanted)


def test_a_refused_challenger_is_a_version_too_and_no_champion(published: Home) -> None:
    versions = [fact.version for fact in published.facts("fares", VersionRegistered)]  # type: ignore[union-attr]
    assert versions == [1, 2]
    assert (catalogue().alias("fares", "champion"), catalogue().alias("fares", "challenger")) == (1, 2)


def test_the_run_names_outcome_inputs_and_the_metric_of_each_month(fares: Home) -> None:
    take_in("fares", NOON)
    result = retrain("fares", NOON, in_catalogue=True)
    assert result.registered is not None
    assert result.judged is not None
    run = catalogue()._client.get_run(result.registered.run_id)
    assert run.data.tags["outcome"] == "pass"
    assert run.data.tags["reason"] == result.judged.reason
    assert run.data.tags["inputs.dataset"] == current_dataset("fares").version
    report = Path(catalogue()._client.download_artifacts(run.info.run_id, "gate.html", str(fares.path)))
    assert result.judged.verdicts[0].reason in see(report.read_text("utf-8")).text
    assert run.data.params["estimator"] == "linear"
    assert run.data.metrics["recent/challenger/mae"] == pytest.approx(
        result.judged.losses["recent"]["challenger"]
    )
    months = catalogue()._client.get_metric_history(result.registered.run_id, "monthly/mae")
    assert len(months) == 3


def test_a_run_that_is_taken_up_again_trains_judges_and_registers_nothing_twice(fares: Home) -> None:
    """A run that died before its claim was finished is found again, entry by entry."""
    from millrace.domain.decision import Reason
    from millrace.steps.claims import held
    from millrace.steps.decide import decide_retraining
    from millrace.steps.gate import judge_challenger
    from millrace.steps.register import register_version
    from millrace.steps.train import train_challenger

    take_in("fares", NOON)
    done = []
    for _ in range(2):
        decided = decide_retraining("fares", Reason.BY_HAND, False, NOON, "the same run")
        assert decided.claim is not None
        rows = load_rows("fares", decided.decision.inputs.dataset, NOON)
        with held(decided.claim) as claim:
            trained = train_challenger("fares", rows, decided.decision, claim, NOON, lambda *_: None)
            judged = judge_challenger("fares", rows, trained, claim, NOON)
            registered = register_version("fares", rows, trained, judged, claim, NOON)
            done.append((trained, judged, registered))
    assert done[0] == done[1]
    assert len(fares.facts("fares", ChallengerTrained)) == 1
    assert len(catalogue()._client.search_model_versions("name = 'fares'")) == 1
