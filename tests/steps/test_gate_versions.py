"""Does the gate judge any two versions on any rows, and leave everything as it was?"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_pinball_loss

from millrace.adapters.models import load_source
from millrace.domain.gate.report import GateReport
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.diff import OtherModelError
from millrace.steps.file_rows import UnfitRowsError
from millrace.steps.gate.comparing import open_bundle
from millrace.steps.gate_reports import find_version_report
from millrace.steps.gate_versions import compare_versions
from millrace.steps.golden import renew_golden
from millrace.steps.rows import split_rows
from millrace.steps.stores import ledger, model_config
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in

LOOKS = "golden_looks"
LATER = "2013-04"
"""A month that no version has seen."""


def reason_of(report: GateReport, rule: str) -> str:
    return next(one.reason for one in report.findings if one.rule == rule)


def state_of(home: Home) -> tuple[object, ...]:
    head = ledger().head()
    kept = sorted(str(path) for path in (load_settings().var / "gate").rglob("*"))
    return head and head.hash, kept, home.serving("fares")


@pytest.fixture
def later(published: Home, tmp_path: Path) -> Path:
    """The rides of the month after those that are known, in a file."""
    path = tmp_path / "later.parquet"
    load_source(published.models, "fares").read_batch(LATER).to_parquet(path)
    return path


def test_the_second_is_judged_as_if_the_first_answered_now_and_nothing_is_recorded(published: Home) -> None:
    before = state_of(published)
    worse, better = (
        compare_versions("fares/1", "fares/2", None, NOON),
        compare_versions("fares/2", "fares/1", None, NOON),
    )
    assert state_of(published) == before
    assert (worse.outcome, better.outcome) == (Outcome.FAIL, Outcome.PASS)
    assert (worse.digest, worse.champion) == (better.champion, better.digest)
    assert not worse.is_recorded
    recorded = find_version_report("fares/2")
    assert reason_of(worse, "recent_champion") == reason_of(recorded, "recent_champion")
    assert [one.set_id for one in worse.sets] == [one.set_id for one in recorded.sets]


def test_the_labelled_rows_of_a_file_judge_by_the_blocks_of_the_model(published: Home, later: Path) -> None:
    report = compare_versions("fares/2", "fares/1", later, NOON)
    [rows] = report.sets
    assert (rows.name, rows.rows, rows.blocks) == ("later.parquet", 1_020, 30)
    assert (rows.first_block, rows.last_block) == ("2013-04-01", "2013-04-30")
    assert report.outcome is Outcome.PASS
    assert report.notes == ()


def test_rows_without_a_label_and_blocks_that_were_learned_from_never_judge(
    published: Home, tmp_path: Path
) -> None:
    source, path = load_source(published.models, "fares"), tmp_path / "march.csv"
    frame = source.read_batch("2013-03")
    frame.loc[:9, "fare"] = None
    frame.to_csv(path, index=False)
    report = compare_versions("fares/1", "fares/2", path, NOON)
    [rows] = report.sets
    assert rows.rows is not None
    assert 0 < rows.rows < len(frame) - 10
    left = len(frame) - 10 - rows.rows
    assert report.notes == (
        f"{left:,} of 1,044 file rows do not judge: they are of blocks that one of the two has learned from.",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns="distance_km"), "found no column distance_km, needed every column"),
        (lambda rows: rows.drop(columns="fare"), "found no column fare"),
        (lambda rows: rows.assign(fare=None), "none with a label, needed labelled rows"),
        (lambda rows: rows.assign(distance_km="far"), "distance_km: 1,020 of 1,020 values are no float"),
    ],
)
def test_a_file_that_cannot_judge_is_refused(
    published: Home, later: Path, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    change(load_source(published.models, "fares").read_batch(LATER)).to_parquet(later)
    with pytest.raises(UnfitRowsError, match=said):
        compare_versions("fares/1", "fares/1", later, NOON)


def test_columns_that_neither_version_needs_may_be_missing(published: Home, later: Path) -> None:
    rows = load_source(published.models, "fares").read_batch(LATER)
    rows.drop(columns=["tariff", "luggage", "ride"]).to_parquet(later)
    assert compare_versions("fares/1", "fares/1", later, NOON).sets[0].rows == 1_020


def test_the_rows_of_a_file_are_not_worn_out_by_looks_at_golden(published: Home, later: Path) -> None:
    published.rewrite("fares", "max_looks = 50", "max_looks = 1")
    renew_golden("fares", "worn out", None, date(2013, 4, 1), NOON)
    published.learn_from("fares", "distance_km", "noise")
    retrain("fares", NOON, force=True)
    assert "looked at 1 of 1 times" in reason_of(compare_versions("fares/2", "fares/1", None, NOON), LOOKS)
    report = compare_versions("fares/2", "fares/1", later, NOON)
    assert reason_of(report, LOOKS) == "golden set looked at 0 of 1 times"
    assert report.outcome is Outcome.PASS


def test_leaks_are_looked_for_in_a_file_without_a_key_by_all_but_the_key(
    published: Home, later: Path
) -> None:
    leakage = "[gate.leakage]\nmax_single_feature = 5.0\nmax_copied_share = 0.0\n\n[gate.floors]"
    published.rewrite("fares", "[gate.floors]", leakage)
    report = compare_versions("fares/2", "fares/1", later, NOON)
    assert "0 of 2,040 judged rows (0.00%) have the key of a training row" in reason_of(report, "leakage")
    load_source(published.models, "fares").read_batch(LATER).drop(columns="ride").to_parquet(later)
    report = compare_versions("fares/2", "fares/1", later, NOON)
    found = next(one for one in report.findings if one.rule == "leakage")
    assert found.outcome is Outcome.PASS, found.reason
    assert "key" not in found.reason


def test_one_answer_for_all_is_the_best_by_the_metric_of_today(published: Home, later: Path) -> None:
    published.rewrite("fares", 'metric = "mae"', 'metric = "pinball"\nquantile = 0.9')
    report = compare_versions("fares/2", "fares/1", later, NOON)
    fares = load_source(published.models, "fares").read_batch(LATER)["fare"].dropna().to_numpy()
    config = model_config("fares")
    learned = frozenset(open_bundle(report.digest).manifest.training_blocks)
    everything = split_rows(config, current_dataset("fares"), NOON)
    labels = everything.training.in_blocks(learned).labels
    told = np.full(fares.size, np.quantile(labels, 0.9))
    expected = mean_pinball_loss(fares, told, alpha=0.9)
    assert f"against {expected:.4g}, gain" in reason_of(report, "constant")


def test_a_few_rows_decide_nothing(published: Home, later: Path) -> None:
    load_source(published.models, "fares").read_batch(LATER).head(100).to_parquet(later)
    report = compare_versions("fares/2", "fares/1", later, NOON)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert reason_of(report, "recent_champion") == "3 blocks, 14 needed"


def test_versions_of_two_models_are_not_compared(published: Home) -> None:
    with pytest.raises(OtherModelError, match="versions of two models, fares and progression"):
        compare_versions("fares", "progression", None, NOON)


def test_a_version_of_many_classes_is_compared_too(home: Home) -> None:
    """Its classes stand in the order in which it learned them, whatever the newest rows have."""
    home.add_model("parcels")
    take_in("parcels", NOON)
    judged = retrain("parcels", NOON).judged
    assert judged is not None
    report = compare_versions(judged.digest, judged.digest, None, NOON)
    recorded = find_version_report(judged.digest)
    assert report.sets[0].values["challenger"] == pytest.approx(recorded.sets[0].values["challenger"])
    assert reason_of(report, "constant") == reason_of(recorded, "constant")
