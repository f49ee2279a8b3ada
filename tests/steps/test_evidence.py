"""Is the evidence of a rollout's step what services have logged of it?"""

import dataclasses
import shutil
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import find_model
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.scorer import load_scorer
from millrace.domain.bundle import SCHEMA_FILE, CorruptBundleError
from millrace.domain.kinds import Task
from millrace.domain.prediction import Alive, Answered, AnsweredRow, Label, Labelled, ServedModel, Stopped
from millrace.domain.rollout.evidence import find_doubt
from millrace.domain.rollout.policy import Approval, Limits, Policy, Strategy, steps_of
from millrace.domain.rollout.state import Phase, Rollout
from millrace.settings import load_settings
from millrace.steps.evidence import ClashingAnswersError, NothingOnTrialError, gather_evidence
from millrace.steps.rescore import UnloggedColumnsError
from tests.adapters.planted import pack, train
from tests.conftest import PLANTED, Home
from tests.logged import AT, MODEL, answered, by_request, labelled, shadowed, write_log
from tests.serving.bundles import packed_model
from tests.serving.service import Packed, changed

NOW = AT + timedelta(minutes=10)
POLICY = Policy(
    strategy=Strategy.CANARY,
    steps=steps_of(Strategy.CANARY, (25,)),
    approval=Approval.AUTO,
    step_requests=1,
    interval=timedelta(minutes=1),
    failure_limit=3,
    deadline=timedelta(hours=2),
    probation_labels=1,
    probation_deadline=timedelta(days=7),
    limits=Limits(0.01, 1.5, 0.2, 0.1, 0.02, 0.05),
    slices=("tariff",),
)


@cache
def binary() -> Packed:
    return packed_model(Task.BINARY)


def published(packed: Packed, seed: int) -> str:
    """Publish a bundle under a digest of its own."""
    manifest, files = packed
    named = dataclasses.replace(manifest, model=MODEL, seed=seed)
    return write_bundle(bundles_folder(load_settings().channel), named, files)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of an installation that has nothing else."""
    Home(tmp_path, tmp_path / "models").enter(monkeypatch)
    return load_settings().predictions


@pytest.fixture
def rollout(log: Path) -> Rollout:
    """A challenger on its way; the log's records are of generation 3."""
    old, new = published(binary(), 1), published(binary(), 2)
    return Rollout(
        MODEL, 3, old, phase=Phase.SHADOW, challenger=new, policy=POLICY, since=AT - timedelta(seconds=5)
    )


def alive(instance: str, seconds_ago: float, *loaded: str, model: str = MODEL) -> Alive:
    at = NOW.timestamp() - seconds_ago
    return Alive(instance, at, at, [ServedModel(model, 3, 1, loaded[:1], loaded, None)])


def test_a_shadowing_challenger_is_compared_on_the_rows_of_the_step(log: Path, rollout: Rollout) -> None:
    digests: dict[str, Any] = {"digest": str(rollout.champion)}
    labels = labelled(by_request("r1", "1"), by_request("r2", "0"), seconds=20)
    shadows = [
        dataclass_like(shadowed(name, answer, 1), digest=str(rollout.challenger))
        for name, answer in (("r1", 0.75), ("r2", None))
    ]
    write_log(log, answered("r0", seconds=-9, **digests), answered("r1", "r2", **digests), *shadows, labels)
    compact(log)
    write_log(
        log, answered("r3", seconds=30, **digests), answered("r4", seconds=700, **digests), instance="two"
    )

    evidence = gather_evidence(rollout, NOW)

    assert (
        find_doubt(evidence, str(rollout.champion), str(rollout.challenger), AT - timedelta(seconds=5), NOW)
        is None
    )
    overall = evidence.overall
    assert (overall.champion.requests, overall.challenger.requests, overall.shifts.n) == (3, 2, 1)
    assert (overall.challenger.errors, overall.challenger.non_finite) == (1, 0)
    assert (overall.champion.losses.n, overall.excess_losses.n) == (2, 1)
    assert overall.excess_losses.mean == pytest.approx(0.25**2 - 0.75**2)
    assert overall.champion.p95 == 140.0
    assert sorted(evidence.slices) == ["tariff=r1", "tariff=r2", "tariff=r3"]


def test_decisions_are_compared_as_each_version_makes_them(log: Path, rollout: Rollout) -> None:
    careful = published(changed(binary(), SCHEMA_FILE, lambda schema: {**schema, "threshold": 0.9}), 3)
    for challenger, disagreements in ((str(rollout.challenger), 1), (careful, 0)):
        shadow = dataclass_like(shadowed("r1", 0.75, 1), digest=challenger)
        write_log(log, answered("r1", digest=str(rollout.champion)), shadow, instance=challenger)
        compared = gather_evidence(dataclasses.replace(rollout, challenger=challenger), NOW).overall
        assert (compared.disagreements, compared.shifts.n) == (disagreements, 1)
        shutil.rmtree(log)


def dataclass_like(record: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(record, **changes)


def test_in_probation_the_old_champion_is_as_fast_as_it_was(log: Path, rollout: Rollout) -> None:
    old, new = str(rollout.champion), str(rollout.challenger)
    write_log(log, answered("r1", digest=new), dataclass_like(shadowed("r1", 0.5), digest=old))
    proving = Rollout(
        MODEL, 3, new, phase=Phase.PROBATION, former=old, policy=POLICY, since=AT, reference_p95=80.0
    )
    found = gather_evidence(proving, NOW)
    assert (found.champion, found.challenger) == (old, new)
    assert (found.overall.champion.p95, found.overall.challenger.p95) == (80.0, 140.0)
    assert (found.overall.champion.requests, found.overall.challenger.slow) == (1, 1)


def test_living_services_are_those_that_spoke_lately_and_may_answer_for_the_model(
    log: Path, rollout: Rollout
) -> None:
    old, new = str(rollout.champion), str(rollout.challenger)
    write_log(
        log,
        alive("ready", 5, old, new),
        alive("not yet", 5, old),
        alive("killed", 31, old, new),
        alive("for another", 5, new, model="others"),
        Alive("just begun", NOW.timestamp(), NOW.timestamp(), []),
        alive("ended", 8, old, new),
        Stopped("ended", NOW.timestamp() - 6),
    )
    found = gather_evidence(rollout, NOW)
    assert (found.services, found.ready) == (3, 1)


def test_versions_whose_answers_mean_something_else_are_not_compared(log: Path, rollout: Rollout) -> None:
    other = published(changed(binary(), SCHEMA_FILE, lambda one: {**one, "classes": ["0", "late"]}), 3)
    with pytest.raises(ClashingAnswersError, match=r"found classes \('0', 'late'\), needed \('0', '1'\)"):
        gather_evidence(dataclasses.replace(rollout, challenger=other), NOW)
    regression = published(packed_model(Task.REGRESSION), 4)
    with pytest.raises(ClashingAnswersError, match="found regression, needed binary"):
        gather_evidence(dataclasses.replace(rollout, challenger=regression), NOW)


def test_nothing_on_trial_and_a_bundle_that_is_gone_are_said(log: Path, rollout: Rollout) -> None:
    with pytest.raises(NothingOnTrialError, match="found its rollout idle"):
        gather_evidence(Rollout(MODEL, 3, rollout.champion), NOW)
    with pytest.raises(CorruptBundleError, match="the schema of a bundle that was published"):
        gather_evidence(dataclasses.replace(rollout, challenger="f" * 64), NOW)


@cache
def fares_bundle() -> Packed:
    """Return a bundle for which a ride costs 3 for a kilometre."""
    config = find_model(PLANTED, "fares")
    distance = [float(number % 40) for number in range(400)]
    rows = pd.DataFrame({"ride": range(400), "distance_km": distance, "fare": [3 * km for km in distance]})
    rows["at"] = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(rows["ride"], unit="h")
    return pack(train(config, rows))


def direct(fares: Home) -> Rollout:
    policy = dataclasses.replace(POLICY, strategy=Strategy.DIRECT, steps=steps_of(Strategy.DIRECT, ()))
    old, new = published(fares_bundle(), 1), published(fares_bundle(), 2)
    return Rollout(MODEL, 9, old, phase=Phase.SHADOW, challenger=new, policy=policy, since=NOW)


def rides(
    digest: str, at: datetime, numbers: range, columns: tuple[str, ...] = ("ride", "distance_km")
) -> Answered:
    """Return rides that were said to cost 2 for a kilometre."""
    rows = [
        AnsweredRow(f"r{number}", 0, at.timestamp(), (number, float(number))[: len(columns)], 2.0 * number, 9)
        for number in numbers
    ]
    return Answered(MODEL, digest, 5, "answer", columns, rows)


def test_a_direct_rollout_scores_again_what_the_champion_was_asked(fares: Home) -> None:
    rollout = direct(fares)
    log, old = load_settings().predictions, str(rollout.champion)
    labels = Labelled(MODEL, NOW.timestamp(), (), [Label(30.0, "r10", 0, None)])
    days = [timedelta(days=back) for back in (31, 29, 2)]
    records = [rides(old, NOW - back, range(at, at + 10)) for at, back in zip((0, 10, 20), days, strict=True)]
    write_log(log, *records, rides("f" * 64, NOW - days[1], range(30, 40)), labels)

    found = gather_evidence(rollout, NOW)

    overall = found.overall
    assert (found.since, found.services, found.ready) == (NOW - days[1], 0, 0)
    assert (overall.champion.requests, overall.challenger.requests, overall.shifts.n) == (20, 20, 20)
    assert overall.shifts.mean == pytest.approx(sum(range(10, 30)) / 20, rel=1e-3)
    assert overall.excess_losses.mean == pytest.approx(-10.0, abs=0.1)
    assert (overall.champion.p95, overall.challenger.p95) == (None, None)
    scorer = load_scorer(bundles_folder(load_settings().channel) / str(rollout.challenger))
    assert scorer.answer({"distance_km": [10.0]}).tolist() == pytest.approx([30.0], abs=0.1)


def test_a_direct_rollout_without_a_log_has_no_evidence(fares: Home) -> None:
    found = gather_evidence(direct(fares), NOW)
    assert (found.overall.challenger.requests, found.slices) == (0, {})


def test_rows_that_the_challenger_cannot_score_are_its_errors(fares: Home) -> None:
    rollout = direct(fares)
    record = rides(str(rollout.champion), NOW - timedelta(days=1), range(10))
    broken = dataclass_like(record.rows[3], inputs=(3, "far"))
    rows = [*record.rows[:3], broken, *record.rows[4:]]
    write_log(load_settings().predictions, dataclass_like(record, rows=rows))
    found = gather_evidence(rollout, NOW).overall
    assert (found.challenger.requests, found.challenger.errors, found.challenger.non_finite) == (10, 10, 0)


@pytest.mark.parametrize("hidden", ["hash", "leave_out"])
def test_a_column_that_the_log_hides_is_named(fares: Home, hidden: str) -> None:
    rollout = direct(fares)
    with (fares.models / MODEL / "model.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[serving]\ndurability = "fast"\n{hidden} = ["distance_km"]\n')
    columns = ("ride", "distance_km")[: 2 if hidden == "hash" else 1]
    record = rides(str(rollout.champion), NOW - timedelta(days=1), range(10), columns)
    write_log(load_settings().predictions, record)
    with pytest.raises(UnloggedColumnsError, match="found no readable distance_km in the log"):
        gather_evidence(rollout, NOW)
