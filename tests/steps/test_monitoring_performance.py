"""Is the performance of a champion what its log and the ledger say?"""

import dataclasses

import pytest

from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.prediction_log.segment import list_segments
from millrace.domain.facts import ChallengerJudged, Level
from millrace.domain.monitoring.findings import PerformanceFindings, Watched
from millrace.domain.monitoring.window import Window
from millrace.domain.verdict import Outcome, Verdict
from millrace.steps.monitoring.performance import find_level, measure_performance, measure_performance_of
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.monitored import END, MODEL, answers_to, asked, log, paid, rides, watch


def measured(digest: str) -> PerformanceFindings:
    found = measure_performance_of(MODEL, digest, NOON, END)
    assert found is not None
    return found


def outcomes(found: PerformanceFindings) -> dict[str, Outcome]:
    return {one.rule: one.outcome for one in found.verdicts}


def test_a_champion_that_answers_as_at_the_gate_passes(published: Home) -> None:
    digest, rows = watch(published), rides()
    compact(log(asked(digest, rows, answers_to(rows))))
    log(paid(rows, rows["fare"]), instance="two")
    found = measured(digest)
    assert (found.rows, found.labels, found.metric) == (2_000, 2_000, "mae")
    outcome = outcomes(found)
    assert outcome[Watched.PERFORMANCE] is outcome[Watched.CONCEPT] is Outcome.PASS
    assert outcome[Watched.SLICES] is not Outcome.FAIL
    assert found.excess_loss == pytest.approx(0.0, abs=1.0)
    assert sorted(one.name for one in found.slices) == ["tariff=day", "tariff=night"]
    assert found.notes == ("1995 rows were labelled late, after up to 20 days, 0:00:00",)


def test_a_dearer_city_is_decay_and_concept_drift(published: Home) -> None:
    digest, rows = watch(published), rides()
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"] + 30.0))
    found = measured(digest)
    assert outcomes(found) == dict.fromkeys(
        (Watched.PERFORMANCE, Watched.SLICES, Watched.CONCEPT), Outcome.FAIL
    )
    assert found.excess_loss == pytest.approx(19.0, abs=4.0)


def test_a_window_is_looked_at_by_its_labelled_part(published: Home) -> None:
    digest, rows = watch(published), rides()
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]))
    half = NOON + (END - NOON) / 2
    found = measure_performance(MODEL, Window(digest, NOON, END, NOON, half))
    assert found is not None
    assert (found.start, found.end, found.labels) == (NOON, half, 1_000)


def test_nobody_asks_and_nothing_is_measured(published: Home) -> None:
    assert measure_performance_of(MODEL, "a" * 64, NOON, END) is None


def test_an_empty_log_tells_nothing(published: Home) -> None:
    found = measured(watch(published))
    assert (found.rows, found.labels, found.excess_loss) == (0, 0, None)
    assert set(outcomes(found).values()) == {Outcome.INCONCLUSIVE}
    assert found.verdicts[0].reason == "0 labels of 300 needed"


def test_labels_that_contradict_or_come_late_are_told_and_those_of_other_times_are_not(
    published: Home,
) -> None:
    digest, rows = watch(published), rides()
    log(
        asked(digest, rows, answers_to(rows)),
        paid(rows[:10], rows["fare"][:10] + 500.0, NOON),
        paid(rows, rows["fare"]),
        paid(rows[:3].assign(ride=[-1, -2, -3]), [1.0, 2.0, 3.0]),
    )
    found = measured(digest)
    assert found.notes[:1] == ("10 labels contradict earlier ones, the newest counts",)
    assert not [note for note in found.notes if "name no row" in note]
    assert outcomes(found)[Watched.PERFORMANCE] is Outcome.PASS


def test_a_segment_cut_in_the_middle_ends_nothing_and_passes_nothing(published: Home) -> None:
    digest, rows = watch(published), rides()
    folder = log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]), paid(rows, rows["fare"]))
    assert outcomes(measured(digest))[Watched.PERFORMANCE] is Outcome.PASS
    [segment] = list_segments(folder)
    segment.write_bytes(segment.read_bytes()[:-100])
    found = measured(digest)
    assert (found.rows, found.labels) == (len(rows), len(rows))
    assert Outcome.PASS not in outcomes(found).values()
    [performance] = [one for one in found.verdicts if one.rule == Watched.PERFORMANCE]
    assert performance.reason.endswith("; but 1 place of the log could not be read")


@pytest.mark.parametrize("kind", ["answers", "labels"])
def test_one_file_that_cannot_be_read_passes_nothing_and_the_window_still_ends(
    published: Home, kind: str
) -> None:
    digest, rows = watch(published), rides()
    folder = log(asked(digest, rows[:1], answers_to(rows[:1])), paid(rows[:1], rows["fare"][:1]))
    compact(folder)
    broken = next(iter(folder.rglob(f"*.{kind}.parquet")))
    log(asked(digest, rows[1:], answers_to(rows[1:])), paid(rows[1:], rows["fare"][1:]), instance="two")
    compact(folder)
    broken.write_bytes(b"PAR1")
    found = measured(digest)
    assert found.labels == len(rows) - 1
    assert Outcome.PASS not in outcomes(found).values()
    [told] = [note for note in found.notes if "could not be read" in note]
    assert told.startswith(f"the log could not be read in 1 places, as {broken.name}, ")


def test_nothing_is_read_again_and_again_while_no_labels_come(published: Home) -> None:
    digest, rows = watch(published), rides()
    folder = log(asked(digest, rows, answers_to(rows)), paid(rows[:299], rows["fare"][:299]))
    compact(folder)
    for file in folder.rglob("*.answers.parquet"):
        file.write_bytes(b"PAR1")
    found = measured(digest)
    assert (found.rows, found.labels, found.overall.loss) == (0, 299, None)
    assert {one.reason for one in found.verdicts} == {"299 labels of 300 needed"}
    log(paid(rows[299:300], rows["fare"][299:300]), instance="two")
    assert "the log could not be read in " in measured(digest).notes[0]


def test_a_bundle_that_is_gone_is_inconclusive(published: Home) -> None:
    watch(published)
    rows = rides()
    log(paid(rows, rows["fare"]))
    found = measured("f" * 64)
    assert found.verdicts[0].reason.startswith("CorruptBundleError: ")
    assert found.level is None


def test_a_version_is_held_to_what_it_was_judged_last(published: Home) -> None:
    digest = watch(published)
    known = [fact for fact in published.facts(MODEL, ChallengerJudged) if isinstance(fact, ChallengerJudged)]
    [judged, *_] = [fact for fact in known if fact.digest == digest]
    assert judged.level is not None
    for loss in (8.0, 9.0):
        again = dataclasses.replace(judged, level=dataclasses.replace(judged.level, loss=loss))
        ledger().append(MODEL, again, NOON, "a test")
        ledger().append(MODEL, dataclasses.replace(again, digest="c" * 64), NOON, "a test")
    found = find_level(MODEL, digest, "mae")
    assert found is not None
    assert found.loss == 9.0


def test_a_version_that_was_judged_before_levels_were_kept_has_its_loss(published: Home) -> None:
    digest, rows = watch(published), rides()
    [judged, *_] = [
        one
        for one in published.facts(MODEL, ChallengerJudged)
        if isinstance(one, ChallengerJudged) and one.digest == digest
    ]
    old = dataclasses.replace(judged, level=None, digest="e" * 64)
    ledger().append(MODEL, old, NOON, "a test")
    assert find_level(MODEL, "e" * 64, "mae") == Level(
        "mae", 0, 0, judged.losses["recent"]["challenger"], None, None
    )
    assert find_level(MODEL, "d" * 64, "mae") is None

    level = find_level(MODEL, digest, "mae")
    assert level is not None
    assert level == judged.level
    assert level.loss == judged.losses["recent"]["challenger"]
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]))
    published.rewrite(MODEL, 'metric = "mae"', 'metric = "rmse"')
    assert measured(digest).verdicts[0] == Verdict(
        Watched.PERFORMANCE, Outcome.INCONCLUSIVE, "the gate measured mae, and [gate].metric is rmse now"
    )


def test_the_gate_keeps_the_level_of_each_slice_but_not_of_what_the_log_hides(fares: Home) -> None:
    take_in(MODEL, NOON)
    watch(fares)
    fares.rewrite(MODEL, 'slices = ["tariff"]', 'slices = ["tariff", "ride"]')
    hidden = '\n[serving]\ndurability = "fast"\nhash = ["ride"]\n'
    with (fares.models / MODEL / "model.toml").open("a", encoding="utf-8") as file:
        file.write(hidden)
    fares.learn_from(MODEL, "distance_km", "tariff")
    judged = retrain(MODEL, NOON).judged
    assert judged is not None
    assert judged.level is not None
    assert sorted(one.name for one in judged.level.slices) == ["tariff=day", "tariff=night"]
    assert len(judged.level.tenths) == 10
