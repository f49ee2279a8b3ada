"""Does a model of several classes come through the loop, and what of a class it does not know?"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import change_section, find_model
from millrace.adapters.scorer import load_scorer
from millrace.domain.blocks import split_blocks
from millrace.domain.facts import ChallengerJudged, ChallengerTrained
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled, Shadowed, ShadowedRow
from millrace.domain.schema import ClassCountError
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.check_change import check_change
from millrace.steps.dataset import current_dataset
from millrace.steps.evidence import gather_evidence
from millrace.steps.restore import check_out_dataset
from millrace.steps.stores import ledger
from tests.conftest import ROLLOUT, Home
from tests.logged import write_log
from tests.loop import retrain, take_in

MODEL = "parcels"
EARLY, LATER = datetime(2012, 6, 1, tzinfo=UTC), datetime(2013, 6, 1, tzinfo=UTC)
ALL_DEPOTS = frozenset(f"d{number}" for number in range(80))
"""Of the source, which has every one of them in each year."""


@pytest.fixture(scope="module")
def first_year(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Path:
    """An installation whose champion has seen parcels that go by post and by van, and no other."""
    root = tmp_path_factory.mktemp("parcels")
    home = Home.make(root, catalogue_template)
    home.add_model(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        take_in(MODEL, EARLY)
        retrain(MODEL, EARLY, in_catalogue=True)
    return root


@pytest.fixture
def parcels(first_year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    shutil.copytree(first_year, tmp_path, dirs_exist_ok=True)
    home = Home(tmp_path / "home", tmp_path / "models")
    home.enter(monkeypatch)
    return home


def used_for(home: Home, use: str) -> list[str]:
    """Name the depots whose rows are trained on, or judge."""
    split = split_blocks(ALL_DEPOTS, None, find_model(home.models, MODEL))
    return sorted(getattr(split, use))


def trucks(home: Home, depots: list[str], rows: int = 120) -> Path:
    """Write a batch of parcels of which only some, at these depots, are too heavy for a van."""
    luck = np.random.default_rng(5)
    weights = luck.uniform(35.0, 60.0, rows)
    batch = pd.DataFrame(
        {
            "parcel": 90_000_000 + np.arange(rows),
            "depot": [depots[at % len(depots)] for at in range(rows)],
            "weight_kg": weights,
            "noise": luck.normal(0.0, 1.0, rows),
            "way": "truck",
        }
    )
    path = home.inbox(MODEL, "trucks.csv")
    batch.to_csv(path, index=False)
    return path


def last_judged(home: Home) -> ChallengerJudged:
    judged = home.facts(MODEL, ChallengerJudged)[-1]
    assert isinstance(judged, ChallengerJudged)
    return judged


def reasons(judged: ChallengerJudged) -> dict[str, str]:
    return {one.rule: one.reason for one in judged.verdicts}


def test_the_constant_it_must_beat_is_the_share_of_each_class_that_it_learned_from(parcels: Home) -> None:
    [trained] = parcels.facts(MODEL, ChallengerTrained)
    assert isinstance(trained, ChallengerTrained)
    assert trained.constant == pytest.approx((0.5, 0.5), abs=0.1)
    assert last_judged(parcels).outcome is Outcome.PASS
    assert parcels.serving(MODEL).champion == trained.digest


def test_a_version_with_a_class_more_takes_over_and_the_champion_gave_that_class_no_share(
    parcels: Home,
) -> None:
    old = parcels.serving(MODEL).champion
    take_in(MODEL, LATER)
    judged = retrain(MODEL, LATER, in_catalogue=True).judged
    assert judged is not None
    assert (judged.outcome, judged.champion) == (Outcome.PASS, old), judged.reason
    # a quarter of the newer parcels are trucks, of which it was sure that there are none: 16 for each
    assert judged.losses["recent"]["champion"] > 1.0
    assert judged.losses["golden"]["champion"] > 1.0
    assert judged.losses["recent"]["challenger"] < 0.2
    new = load_scorer(bundles_folder(load_settings().channel) / judged.digest)
    assert new.schema.classes == ("post", "truck", "van")
    assert parcels.serving(MODEL).champion == judged.digest


def test_a_class_that_only_judged_rows_have_costs_its_loss_and_the_gate_says_so(parcels: Home) -> None:
    take_in(MODEL, EARLY, [trucks(parcels, used_for(parcels, "recent"))])
    judged = retrain(MODEL, EARLY, force=True, in_catalogue=True).judged
    assert judged is not None
    assert judged.outcome is Outcome.FAIL
    assert "120 judged rows have a class that no training row has" in reasons(judged)["finite"]
    assert load_scorer(bundles_folder(load_settings().channel) / judged.digest).schema.classes == (
        "post",
        "van",
    )
    assert judged.losses["recent"]["challenger"] == pytest.approx(
        judged.losses["recent"]["champion"], rel=0.1
    )


def test_a_champion_that_knows_a_class_more_is_compared_on_all_the_classes_there_are(parcels: Home) -> None:
    narrow = current_dataset(MODEL).version
    take_in(MODEL, LATER)
    wide = retrain(MODEL, LATER, in_catalogue=True).judged
    check_out_dataset(MODEL, narrow, LATER)
    parcels.rewrite(MODEL, "seed = 7", "seed = 8")
    judged = retrain(MODEL, LATER, force=True, in_catalogue=True).judged
    assert judged is not None
    assert wide is not None
    assert judged.champion == wide.digest == parcels.serving(MODEL).champion
    assert load_scorer(bundles_folder(load_settings().channel) / judged.digest).schema.classes == (
        "post",
        "van",
    )
    assert "log loss" in reasons(judged)["recent_champion"]
    # no parcel is a truck here: what the champion gives to trucks, it takes from what came
    assert judged.losses["recent"]["champion"] == pytest.approx(
        judged.losses["recent"]["challenger"], abs=0.1
    )


def test_training_rows_of_one_class_are_refused_before_anything_is_trained(home: Home) -> None:
    home.add_model(MODEL)
    heavy = pd.read_csv(trucks(home, used_for(home, "training"), 200))
    light = heavy.assign(parcel=heavy["parcel"] + 1000, weight_kg=1.0, way="post")
    judges = used_for(home, "recent") + used_for(home, "golden")
    light["depot"] = [judges[at % len(judges)] for at in range(len(light))]
    both = home.inbox(MODEL, "both.csv")
    pd.concat([heavy, light]).to_csv(both, index=False)
    take_in(MODEL, EARLY, [both])
    with pytest.raises(ClassCountError, match=r"has 1 classes \(truck\), a multiclass model needs 2 or more"):
        retrain(MODEL, EARLY)
    assert home.facts(MODEL, ChallengerTrained) == []


def test_a_sample_that_lacks_a_class_is_checked_with_the_classes_it_has(parcels: Home) -> None:
    at = used_for(parcels, "training")[0]
    take_in(MODEL, EARLY, [trucks(parcels, [at])])
    report = check_change(MODEL, 60, lambda _done, _total: None)
    assert report.sample_rows < 200
    assert report.differences[0].changed is not None
    assert report.outcome is not Outcome.INCONCLUSIVE


NARROW, WIDE = ("post", "van"), ("post", "truck", "van")
TRUE = ("post", "van", "truck", "truck")
ANSWERS = {NARROW: ((1.0, 0.0), (0.25, 0.75), (0.0, 1.0), (0.5, 0.5)), WIDE: ((0.0, 0.0, 1.0),) * 4}
"""What two versions say of the same four parcels: one does not know trucks, one says `van` alone."""


@pytest.mark.parametrize("strategy", ["canary", "direct"])
def test_a_rollout_measures_versions_of_two_and_of_three_classes_by_all_three(
    parcels: Home, strategy: str
) -> None:
    weights = {"weights": [50]} if strategy == "canary" else {}
    rollout = {key: value for key, value in ROLLOUT.items() if key != "weights"} | {"strategy": strategy}
    change_section(parcels.models, MODEL, "rollout", rollout | weights)
    take_in(MODEL, LATER)
    retrain(MODEL, LATER, in_catalogue=True)
    found = ledger().rollout(MODEL)
    at, log = LATER + timedelta(minutes=1), load_settings().predictions
    ids = [f"r{number}" for number in range(4)]
    said = zip(ids, (1.0, 9.0, 50.0, 40.0), ANSWERS[NARROW], strict=True)
    rows = [AnsweredRow(name, 0, at.timestamp(), (kg,), answer, 9) for name, kg, answer in said]
    shadow = [ShadowedRow(name, 0, at.timestamp(), ANSWERS[WIDE][0], 9) for name in ids]
    labels = [Label(true, name, 0, None) for name, true in zip(ids, TRUE, strict=True)]
    write_log(
        log,
        Answered(MODEL, str(found.control), found.generation, "answer", ("weight_kg",), rows),
        Shadowed(MODEL, str(found.on_trial), found.generation, shadow),
        # what the next version says in the same time is wider
        Answered(MODEL, "f" * 64, 1, "answer", ("weight_kg",), [replace(rows[0], answer=ANSWERS[WIDE][0])]),
        Labelled(MODEL, at.timestamp(), (), labels),
    )

    overall = gather_evidence(found, at + timedelta(minutes=1)).overall

    # a truck that is called a van for sure: 1 for the van, 1 for the truck
    assert overall.champion.losses.mean == pytest.approx((0.0 + 0.125 + 2.0 + 1.5) / 4)
    assert overall.challenger.requests == 4
    if strategy == "canary":
        assert overall.challenger.losses.mean == pytest.approx((2.0 + 0.0 + 2.0 + 2.0) / 4)
        assert (overall.disagreements, overall.shifts.n, overall.excess_losses.n) == (2, 4, 4)
    else:
        assert overall.challenger.losses.mean < 0.1
        assert overall.excess_losses.mean < -0.8


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_champion_of_another_task_leaves_the_gate_undecided_and_stays(parcels: Home, task: str) -> None:
    champion = parcels.serving(MODEL).champion
    CHANGES[task](parcels)
    judged = retrain(MODEL, EARLY, force=True).judged
    assert judged is not None
    assert judged.outcome is Outcome.INCONCLUSIVE
    assert "its task or its classes are not the challenger's" in reasons(judged)["recent_champion"]
    assert parcels.serving(MODEL).champion == champion


def _binary(home: Home) -> None:
    home.rewrite(MODEL, 'task = "multiclass"', 'task = "binary"')


def _regression(home: Home) -> None:
    home.rewrite(MODEL, 'task = "multiclass"', 'task = "regression"')
    home.rewrite(MODEL, 'target = "way"', 'target = "noise"')
    home.rewrite(MODEL, 'metric = "log_loss"', 'metric = "mae"')
    home.rewrite(MODEL, "log_loss = 0.5\nbrier = 0.3", "mae = 5.0")


CHANGES: dict[str, Callable[[Home], None]] = {"binary": _binary, "regression": _regression}
