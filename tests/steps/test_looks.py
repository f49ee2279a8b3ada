"""One look after the other: where does each begin, and what is in the ledger of it?"""

import re
from datetime import timedelta

import pytest

from millrace.adapters.bundle import read_manifest, write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import PROFILE_FILE, digests_of
from millrace.domain.facts import ChampionPromoted, WindowMonitored
from millrace.domain.monitoring.findings import Watched, WindowFindings
from millrace.domain.monitoring.window import Window
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.claims import taking_turns
from millrace.steps.monitoring.compare import measure_drift
from millrace.steps.monitoring.counting import count_window
from millrace.steps.monitoring.health import check_health
from millrace.steps.monitoring.look import (
    UnmonitoredError,
    find_newer_look,
    list_looks,
    newest_look,
    next_window,
    record_look,
)
from millrace.steps.monitoring.performance import measure_performance
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home
from tests.steps.monitored import END, MODEL, SECTIONS, answers_to, asked, log, paid, rides, watch

HOUR = timedelta(hours=1)
DRIFT = """
[drift]
numeric = { test = "wasserstein", threshold = 0.3 }
categorical = { test = "jensenshannon", threshold = 0.3 }
min_rows = 500
confidence = 0.99
max_unseen_share = 0.05
max_column_share = 0.4
windows = 1
"""


def take(window: Window) -> WindowMonitored:
    """Take a look as the flow does."""
    with taking_turns(f"monitor:{MODEL}:look", "a test") as claim:
        counted = count_window(MODEL, window)
        found = WindowFindings(
            MODEL, window.digest, window.start, window.end, measure_drift(MODEL, counted),
            measure_performance(MODEL, window), check_health(MODEL, window, window.end),
        )  # fmt: skip
        return record_look(MODEL, window, counted, found, claim, window.end)


def outcomes(looked: WindowMonitored) -> dict[str, Outcome]:
    return {one.rule: one.outcome for one in looked.verdicts}


def test_a_model_that_asks_for_nothing_and_one_that_nobody_answers_for_say_what_to_do(
    published: Home,
) -> None:
    with pytest.raises(
        UnmonitoredError, match=re.escape("found no [monitor] in its model.toml. Add [monitor]")
    ):
        next_window(MODEL, NOON)
    watch(published)
    assert next_window(MODEL, END).digest == published.serving(MODEL).champion


def test_each_look_begins_where_the_last_one_ended_and_a_new_champion_with_itself(published: Home) -> None:
    digest, rows = watch(published, SECTIONS + DRIFT), rides()
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]))
    first = next_window(MODEL, NOON + 10 * 24 * HOUR)
    looked = take(first)
    assert looked.rows == 1000
    second = next_window(MODEL, END)
    assert (second.start, second.labelled_start) == (first.end, looked.next_labelled_start)
    serving = published.serving(MODEL)
    other = ChampionPromoted("f" * 64, digest, serving.generation + 1, "better")
    ledger().change_serving(MODEL, other, END, "a test", seen=serving.generation)
    third = next_window(MODEL, END + HOUR)
    assert (third.digest, third.start, third.labelled_start) == ("f" * 64, END, END)


def test_a_look_that_is_recorded_again_is_one_look(published: Home) -> None:
    digest, rows = watch(published, SECTIONS + DRIFT), rides()
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]))
    window = next_window(MODEL, END)
    assert take(window) == take(window)
    assert len(published.facts(MODEL, WindowMonitored)) == 1


def test_looks_at_too_few_rows_hide_none_that_judged(published: Home) -> None:
    digest, rows = watch(published, SECTIONS + DRIFT), rides()
    log(asked(digest, rows, answers_to(rows)), paid(rows, rows["fare"]))
    judged = take(next_window(MODEL, END - 5 * HOUR))
    for hours in range(4, 0, -1):
        newest = take(next_window(MODEL, END - hours * HOUR))
    assert list_looks(MODEL) == [judged, newest]


def test_who_waited_behind_a_look_finds_it_and_takes_none(published: Home) -> None:
    watch(published)
    seen = newest_look(MODEL)
    assert find_newer_look(MODEL, seen) is None
    looked = take(next_window(MODEL, END + 365 * 24 * HOUR))  # by a clock that is ahead
    assert find_newer_look(MODEL, seen) == looked
    assert find_newer_look(MODEL, newest_look(MODEL)) is None


def test_a_champion_without_a_reference_is_watched_for_all_that_needs_none(published: Home) -> None:
    digest, rows = watch(published, SECTIONS + DRIFT), rides()
    bundles = bundles_folder(load_settings().channel)
    manifest = read_manifest(bundles / digest)
    files = {name: (bundles / digest / name).read_bytes() for name in manifest.files}
    files[PROFILE_FILE] = b'{"rows":1,"numeric":[],"categorical":[]}'  # as it was before
    old = write_bundle(bundles, type(manifest)(**{**vars(manifest), "files": digests_of(files)}), files)
    serving = published.serving(MODEL)
    promoted = ChampionPromoted(old, digest, serving.generation + 1, "an old one")
    ledger().change_serving(MODEL, promoted, NOON, "a test", seen=serving.generation)
    log(asked(old, rows, answers_to(rows)), paid(rows, rows["fare"]))
    looked = take(next_window(MODEL, END))
    assert looked.rows == len(rows)
    found = outcomes(looked)
    assert {found[rule] for rule in (Watched.DATA, Watched.PREDICTIONS, Watched.TARGET)} == {
        Outcome.INCONCLUSIVE
    }
    assert "has no reference" in looked.verdicts[0].reason
    assert found[Watched.LATENCY] is Outcome.PASS
    assert looked.labels > 1_900  # all but those of the last hour, which are not due yet
