"""Does a trained version bring what its windows are compared with, and are they counted over that?"""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.scorer import load_scorer
from millrace.adapters.window_store import keep_window, read_window_profile
from millrace.domain.bundle import PROFILE_FILE, parse_file
from millrace.domain.canonical import canonical_json
from millrace.domain.monitoring.findings import WindowFindings
from millrace.domain.monitoring.window import Window
from millrace.domain.prediction import Answered, AnsweredRow, Label, Labelled
from millrace.domain.profile import Profile, Reference
from millrace.settings import load_settings
from millrace.steps.dataset import current_dataset
from millrace.steps.monitoring.compare import measure_drift
from millrace.steps.monitoring.counting import CountedWindow, NoReferenceError, count_window, find_reference
from millrace.steps.rows import SplitRows, load_rows
from tests.conftest import NOON, Home
from tests.logged import AT, write_log

MODEL = "fares"
HOUR = timedelta(hours=1)


def bundle_of(home: Home) -> Path:
    return bundles_folder(load_settings().channel) / str(home.serving(MODEL).champion)


def counted(home: Home) -> CountedWindow:
    return count_window(MODEL, Window(str(home.serving(MODEL).champion), AT, AT + HOUR, AT, AT))


def learned_rows() -> SplitRows:
    return load_rows(MODEL, current_dataset(MODEL).version, NOON)


def log_recent(home: Home) -> int:
    """Ask the champion for the rows that its reference has its answers to, and say what became true."""
    recent, scorer, at = learned_rows().recent, load_scorer(bundle_of(home)), AT.timestamp()
    values = zip(recent.frame["distance_km"].tolist(), scorer.answer(recent.frame).tolist(), strict=True)
    rows = [AnsweredRow(f"r{at_}", 0, at, (km,), answer, 9) for at_, (km, answer) in enumerate(values)]
    labels = [Label(fare, f"r{at_}", 0, None) for at_, fare in enumerate(recent.labels.tolist())]
    answered = Answered(MODEL, scorer.digest, 1, "answer", ("distance_km",), rows)
    write_log(load_settings().predictions, answered, Labelled(MODEL, at, (), labels))
    return len(rows)


def test_a_trained_version_brings_its_inputs_its_target_and_its_answers_to_rows_it_has_not_learned(
    published: Home,
) -> None:
    reference = parse_file((bundle_of(published) / PROFILE_FILE).read_bytes(), Reference, PROFILE_FILE)
    rows = learned_rows()
    learned, recent = len(rows.training.labels), len(rows.recent.labels)
    parts = (reference.inputs, reference.target, reference.answers)
    assert [part.names for part in parts] == [("distance_km",), ("fare",), ("answer",)]
    assert [part.rows for part in parts] == [learned, learned, recent]
    [fare], [answer] = reference.target.numeric, reference.answers.numeric
    assert fare.edges[0] == np.float32(rows.training.labels.min())
    answers = load_scorer(bundle_of(published)).answer(rows.recent.frame)
    assert answer.edges[0] == np.float32(answers.min())


def test_the_champions_own_answers_are_counted_to_its_reference(published: Home) -> None:
    asked = log_recent(published)
    for _ in range(2):
        found = counted(published)
        assert (found.rows, found.window.target.rows, found.troubles, found.damages) == (asked, asked, {}, 0)
        assert found.window.answers == found.reference.answers
        compact(load_settings().predictions)


def test_a_counted_window_is_kept_and_read_again(published: Home, tmp_path: Path) -> None:
    log_recent(published)
    found = counted(published)
    digest = str(published.serving(MODEL).champion)
    findings = WindowFindings(MODEL, digest, AT, AT + HOUR, None, None, ())
    keep_window(tmp_path, findings, found.reference, found.window)
    assert read_window_profile(tmp_path, MODEL, AT) == found.window


def test_what_the_service_hides_cannot_be_counted_and_is_told_of(published: Home) -> None:
    log_recent(published)
    published.learn_from(MODEL, "distance_km")
    hiding = '[serving]\ndurability = "fast"\nhash = ["distance_km"]\n\n[retrain]'
    published.rewrite(MODEL, "[retrain]", hiding)
    assert counted(published).troubles == {"distance_km": "its values are logged as hashes (serving.hash)"}


def test_a_hidden_key_that_is_no_input_is_no_trouble(published: Home) -> None:
    log_recent(published)
    hiding = '[serving]\ndurability = "fast"\nhash = ["ride"]\n\n[retrain]'
    published.rewrite(MODEL, "[retrain]", hiding)
    assert counted(published).troubles == {}


WATCHED = """
[monitor]
schedule = "0 * * * *"

[drift]
numeric = { test = "wasserstein", threshold = 0.1 }
categorical = { test = "jensenshannon", threshold = 0.1 }
min_rows = 100_000
confidence = 0.95
max_unseen_share = 0.01
max_column_share = 0.2
windows = 2

[performance]
min_labels = 100
max_excess_loss = 1.0
confidence = 0.95
windows = 2

[retrain]"""


def test_labels_are_enough_where_performance_says_so_and_rows_are_not(published: Home) -> None:
    rows = log_recent(published)
    published.rewrite(MODEL, "[retrain]", WATCHED)
    found = measure_drift(MODEL, counted(published))
    assert found is not None
    too_few = {one.column for one in found.columns if one.reason == f"{rows:,} of 100,000 rows"}
    assert too_few == {"distance_km", "answer"}
    assert len(found.columns) == 3


@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_version_without_a_reference_the_rows_alone_are_counted(is_there: bool, published: Home) -> None:
    rows = log_recent(published)
    path = bundle_of(published) / PROFILE_FILE
    path.unlink()
    if is_there:  # as versions had it before there were references
        path.write_text(canonical_json(Profile(0, (), ())), "utf-8")
    found = counted(published)
    assert found.rows == rows
    assert "`millrace retrain fares` makes a version" in str(found.uncomparable)
    with pytest.raises(NoReferenceError):
        find_reference(MODEL, path.parent.parent, path.parent.name)
