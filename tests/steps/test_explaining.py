"""Does what is found of a real version, and of its logged answers, say what a ride costs?"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import change_section
from millrace.adapters.prediction_log.compaction import compact
from millrace.adapters.scorer import load_scorer
from millrace.domain.bundle import PROFILE_FILE, CorruptBundleError, InputColumn, parse_file
from millrace.domain.canonical import readable_json
from millrace.domain.explanation import Place, explain_row
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.explanation.truth import Truth, tell_truth
from millrace.domain.explanation.words import tell_again, tell_answer, tell_change, tell_hidden, tell_most
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.prediction import Label, Labelled
from millrace.domain.profile import Reference
from millrace.settings import load_settings
from millrace.steps.explaining.answer import (
    GoneVersionError,
    UnloggedAnswerError,
    _read_row,
    explain_answer,
)
from millrace.steps.explaining.kept import find_explanation
from millrace.steps.explaining.model import NoVersionError, SmallSampleError, explain_model
from millrace.steps.explaining.sample import NoUnseenRowsError
from millrace.steps.lineage import UnknownBundleError
from millrace.steps.monitoring.skew import as_in_dataset
from tests.adapters.planted import write_planted
from tests.conftest import NOON, Home
from tests.explained import HOUR, MODEL, RIDE, answer_to, copy_crowned, log_rides, make_crowned
from tests.logged import write_log

LATER = datetime(2013, 4, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def crowned_template(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Path:
    root = tmp_path_factory.mktemp("crowned")
    make_crowned(root, catalogue_template)
    return root


@pytest.fixture
def crowned(crowned_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """`fares` has a champion that learned from all columns."""
    return copy_crowned(crowned_template, tmp_path, monkeypatch)


@pytest.fixture
def champion(crowned: Home) -> str:
    return str(crowned.serving(MODEL).champion)


def hide(home: Home, how: str, *columns: str) -> None:
    change_section(home.models, MODEL, "serving", {"durability": "fast", how: list(columns)})


def ends(found: AnswerExplanation) -> dict[str, float | None]:
    return {one.name: one.change for one in found.inputs}


# a version as a whole


def test_a_version_answers_by_what_a_ride_costs_and_not_by_noise(crowned: Home, champion: str) -> None:
    found = explain_model(MODEL, None, LATER)
    assert (found.digest, found.task, found.metric) == (champion, Task.REGRESSION, "mae")
    assert found.importance[0].name == "distance_km"
    assert {one.name for one in found.importance[1:3]} == {"luggage", "tariff"}
    assert [(one.name, one.is_sure) for one in found.importance][-1] == ("noise", False)
    curves = {one.name: one for one in found.dependence}
    km, night = curves["distance_km"], curves["tariff"]
    slopes = np.diff(km.curves[0].answers) / np.diff(km.values)
    assert slopes == pytest.approx(np.full(len(slopes), 3.0), abs=0.05)
    assert np.diff(curves["luggage"].curves[0].answers) == pytest.approx([8.0] * 3, abs=0.1)
    by_name = dict(zip(night.texts, night.curves[0].answers, strict=True))
    assert by_name["night"] - by_name["day"] == pytest.approx(20.0, abs=0.3)
    assert found.weak.tried > 50
    assert found.weak.slices == ()


def test_what_was_found_is_kept_and_is_the_same_when_it_is_found_again(crowned: Home, champion: str) -> None:
    assert find_explanation(champion) is None
    found = explain_model(MODEL, None, LATER)
    assert find_explanation(champion) == found
    assert explain_model(MODEL, champion[:10], LATER) == found
    assert json.loads(readable_json(found))["importance"][0]["name"] == "distance_km"
    [kept] = (load_settings().var / "explanations").iterdir()
    kept.write_text('{"model": 1}')
    assert find_explanation(champion) is None
    assert find_explanation(None) is None


def test_what_a_smaller_sample_told_is_not_kept_over_what_a_larger_one_did(
    crowned: Home, champion: str
) -> None:
    small = explain_model(MODEL, None, LATER, max_rows=200)
    assert find_explanation(champion) == small
    found = explain_model(MODEL, None, LATER)
    assert explain_model(MODEL, None, LATER, max_rows=200) == small
    assert find_explanation(champion) == found
    for rows in (-5, 0, 1, 19):
        with pytest.raises(SmallSampleError, match=f"--rows {rows} came, needed are 20"):
            explain_model(MODEL, None, LATER, max_rows=rows)
    assert find_explanation(champion) == found


@pytest.mark.parametrize("how", ["hash", "leave_out"])
def test_columns_whose_values_are_hidden_have_no_curve_and_are_not_cut_into_groups(
    crowned: Home, champion: str, how: str
) -> None:
    columns = ("distance_km", "tariff", "luggage", "noise")
    hide(crowned, how, *columns)
    found = explain_model(MODEL, None, LATER, max_rows=500)
    assert {one.name for one in found.importance} == {*columns}
    assert (found.dependence, found.weak.tried, found.weak.small) == ((), 0, 0)
    assert all("has no curve and no slices: [serving]" in one for one in found.left_out)
    assert len(found.left_out) == 4


def test_only_rows_that_the_version_has_not_learned_from_are_asked_about(
    crowned: Home, champion: str
) -> None:
    found = explain_model(MODEL, None, LATER, max_rows=500)
    manifest = load_scorer(bundles_folder(load_settings().channel) / champion).manifest
    # the golden and the recent days are all there are but those that were learned
    assert (found.rows, found.rows_there) == (500, 34 * found.blocks)
    assert found.blocks + len(manifest.training_blocks) == 90


def test_a_tariff_that_the_version_was_not_told_of_makes_its_rides_no_weaker_than_others(
    published: Home,
) -> None:
    # the champion of `published` knows the distance alone: what it lacks it lacks everywhere
    found = explain_model(MODEL, None, LATER)
    assert [one.name for one in found.importance] == ["distance_km"]
    assert found.weak.slices == ()
    assert found.loss > 5.0


def test_a_version_that_is_not_there_or_is_another_models_is_refused(crowned: Home) -> None:
    with pytest.raises(NoVersionError, match="`millrace retrain progression`"):
        explain_model("progression", None, LATER)
    with pytest.raises(UnknownBundleError):
        explain_model("progression", MODEL, LATER)


def test_no_row_that_is_unseen_is_no_explanation(crowned: Home, champion: str) -> None:
    with pytest.raises(NoUnseenRowsError, match="has not learned from 0 of"):
        explain_model(MODEL, None, datetime(2013, 1, 1, 3, tzinfo=UTC))


# one answer


def test_each_input_is_worth_what_it_costs(crowned: Home, champion: str) -> None:
    log_rides(champion, [RIDE | {"distance_km": 3.0}, RIDE])
    found = explain_answer(MODEL, "r1", 1)
    assert (found.row, found.rows, found.earlier, found.digest) == (1, 2, 0, champion)
    assert (found.logged, found.is_same) == ((answer_to(champion, RIDE),), True)
    assert found.logged == (pytest.approx(119.0, abs=1.0),)
    inputs = {one.name: one for one in found.inputs}
    km, luggage = inputs["distance_km"], inputs["luggage"]
    assert isinstance(km.usual, float)
    assert km.change == pytest.approx(3.0 * (km.usual - 25.0), abs=0.3)
    assert luggage.usual in {1.0, 2.0}
    assert luggage.change == pytest.approx(8.0 * (float(luggage.usual) - 3.0), abs=0.3)
    assert inputs["tariff"].usual in {"day", "night"}
    assert abs(inputs["noise"].change or 0.0) < 0.1
    assert km.standing.percent_below == pytest.approx(100 * 24 / 29, abs=4.0)
    assert found.inputs[0].name == "distance_km"
    assert tell_most(found).startswith("distance_km moves it most: with the usual ")
    assert "answers the same" in tell_again(found)


def test_an_answer_is_explained_alike_after_compaction(crowned: Home, champion: str) -> None:
    folder = log_rides(champion, [RIDE, RIDE | {"luggage": None, "distance_km": 30.5}])
    before = [explain_answer(MODEL, "r1", row) for row in (0, 1)]
    compact(folder)
    assert [explain_answer(MODEL, "r1", row) for row in (0, 1)] == before
    places = {one.name: one.standing.place for one in before[1].inputs}
    assert (places["luggage"], places["distance_km"]) == (Place.NULL, Place.ABOVE)


def test_an_answer_that_is_another_one_today_is_said_loudly(crowned: Home, champion: str) -> None:
    log_rides(champion, [RIDE], answers=[12.0])
    found = explain_answer(MODEL, "r1", 0)
    assert found.is_same is False
    assert found.difference == pytest.approx(answer_to(champion, RIDE) - 12.0)
    assert tell_again(found).startswith("NOT THE SAME: ")
    assert "this is skew" in tell_again(found)


@pytest.mark.parametrize("how", ["hash", "leave_out"])
def test_what_the_log_hides_is_named_and_nothing_is_made_up_for_it(
    crowned: Home, champion: str, how: str
) -> None:
    hide(crowned, how, "tariff")
    logged = RIDE | {"tariff": "9f86d081884c7d659a2feaa0c55ad015"}
    columns = ("ride", "distance_km", "luggage", "noise", *(["tariff"] if how == "hash" else []))
    log_rides(champion, [logged], answers=[119.0], columns=columns)
    found = explain_answer(MODEL, "r1", 0)
    assert (found.hidden, found.unlogged, found.again, found.is_same) == (("tariff",), (), None, None)
    assert [one.name for one in found.inputs] == ["distance_km", "luggage", "noise"]
    assert set(ends(found).values()) == {None}
    assert found.inputs[0].standing.place is Place.KNOWN
    assert "keep tariff from the log" in tell_again(found)
    assert tell_hidden(found) == ("Not shown, by [serving] of model.toml: tariff.",)
    assert tell_change(found, found.inputs[0]) == ("", "")


def test_what_the_log_lacks_or_has_in_another_type_is_said(crowned: Home, champion: str) -> None:
    log_rides(champion, [RIDE], request_id="few", answers=[1.0], columns=("distance_km", "tariff"))
    log_rides(champion, [RIDE | {"distance_km": "far"}], request_id="far", answers=[1.0])
    few, far = (explain_answer(MODEL, one, 0) for one in ("few", "far"))
    assert (few.unlogged, few.again) == (("luggage", "noise"), None)
    assert far.again is None
    assert "not of its type: distance_km 'far'" in tell_again(far)


@pytest.mark.parametrize("nullable", [True, False])
def test_a_large_number_that_is_a_name_is_asked_about_to_its_last_digit(nullable: bool) -> None:
    large = 2**53 + 1
    column = InputColumn("merchant", ColumnType.INT, nullable, categorical=True)
    assert _read_row({"merchant": large}, [column]) == ({"merchant": large}, [])
    assert _read_row({"merchant": None}, [column]) == ({"merchant": None}, [])
    assert _read_row({"merchant": "M 7"}, [column]) == ({"merchant": None}, ["merchant 'M 7'"])
    if not nullable:
        rows = pd.DataFrame({"merchant": [large, large + 2]})
        assert as_in_dataset(rows, (column,))["merchant"].tolist() == [large, large + 2]


def test_a_row_that_was_refused_is_asked_again_all_the_same(crowned: Home, champion: str) -> None:
    log_rides(champion, [RIDE], answers=[None])
    found = explain_answer(MODEL, "r1", 0)
    assert (found.logged, found.is_same) == (None, None)
    assert found.again is not None
    assert tell_answer(found).startswith("It was refused")


def test_of_an_id_that_was_given_twice_the_newest_answer_is_explained_and_the_other_told(
    crowned: Home, champion: str
) -> None:
    log_rides(champion, [RIDE], seconds=60.0)
    log_rides(champion, [RIDE | {"luggage": 0}], seconds=90.0)
    found = explain_answer(MODEL, "r1", 0)
    assert (found.earlier, found.at.second) == (1, 30)
    assert {one.name: one.value for one in found.inputs}["luggage"] == 0


def test_what_was_never_logged_is_refused_with_what_there_is(crowned: Home, champion: str) -> None:
    folder = log_rides(champion, [RIDE, RIDE])
    with pytest.raises(UnloggedAnswerError, match="found no request 'r2'"):
        explain_answer(MODEL, "r2", 0)
    with pytest.raises(UnloggedAnswerError, match="no row 2 of request 'r1', which has row 0 to 1"):
        explain_answer(MODEL, "r1", 2)
    [segment] = folder.glob("*.seg")
    segment.write_bytes(segment.read_bytes()[:-4])
    with pytest.raises(UnloggedAnswerError, match="1 places of the log cannot be read"):
        explain_answer(MODEL, "r1", 0)


def test_a_version_that_is_gone_or_rotten_answers_nothing(
    crowned: Home, champion: str, tmp_path: Path
) -> None:
    log_rides(champion, [RIDE])
    bundle = bundles_folder(load_settings().channel) / champion
    with (bundle / "scorer.onnx").open("ab") as file:
        file.write(b" ")
    with pytest.raises(CorruptBundleError, match=r"scorer\.onnx"):
        explain_answer(MODEL, "r1", 0)
    shutil.rmtree(bundle)
    other = write_planted(tmp_path / "other", Task.REGRESSION)
    shutil.copytree(tmp_path / "other" / other, bundle)
    with pytest.raises(CorruptBundleError, match=f"the manifest of {other}"):
        explain_answer(MODEL, "r1", 0)
    shutil.rmtree(bundle)
    with pytest.raises(GoneVersionError, match=champion[:12]):
        explain_answer(MODEL, "r1", 0)


def test_the_truth_stands_beside_an_answer_once_its_label_has_come(crowned: Home, champion: str) -> None:
    folder = log_rides(champion, [RIDE, RIDE | {"ride": 8}])
    waiting = explain_answer(MODEL, "r1", 0)
    assert waiting.truth is None
    assert waiting.label_due == waiting.at + HOUR
    told = NOON + timedelta(hours=30)
    label = Label(120.5, None, 0, (RIDE["ride"],))
    write_log(folder, Labelled(MODEL, told.timestamp(), ("ride",), [label]), instance="paid")
    found = explain_answer(MODEL, "r1", 0)
    assert found.truth == Truth(120.5, told)
    assert explain_answer(MODEL, "r1", 1).truth is None
    assert replace(found, truth=None) == waiting
    compact(folder)
    assert explain_answer(MODEL, "r1", 0) == found
    off = 120.5 - answer_to(champion, RIDE)
    assert tell_truth(found).endswith(f"told 2013-04-02 18:00 UTC: the answer was {off:.6g} too low.")


# every task, through a real bundle


@pytest.mark.parametrize("task", Task)
def test_a_row_of_each_task_is_explained_through_its_scorer(tmp_path: Path, task: Task) -> None:
    digest = write_planted(tmp_path, task)
    scorer = load_scorer(tmp_path / digest)
    reference = parse_file((tmp_path / digest / PROFILE_FILE).read_bytes(), Reference, PROFILE_FILE)
    row = {"label": 190.0, "my column": None, "carrier": "AA", "weekday": 3, "holiday": True}
    found = explain_row(scorer.answer, row, scorer.schema, reference.inputs)
    alone = scorer.answer({name: [value] for name, value in row.items()})
    assert found.answer == pytest.approx(tuple(np.atleast_1d(alone[0]).tolist()), abs=1e-6)
    by_name = {one.name: one for one in found.inputs}
    # a third of the truth is `label`, of which 190 is three deviations above the mean
    assert found.inputs[0].name == "label"
    assert isinstance(by_name["weekday"].usual, int)
    assert by_name["holiday"].usual is False
    assert by_name["my column"].standing.place is Place.NULL
    usual = {name: one.usual for name, one in by_name.items()}
    again = scorer.answer({name: [usual[name]] for name in row})
    shares = dict(zip(scorer.schema.classes, np.atleast_1d(again[0]).tolist(), strict=False))
    expected = shares[str(found.of)] if task is Task.MULTICLASS else float(again[0])
    assert found.at_usual == pytest.approx(expected, abs=1e-6)
    if task is Task.MULTICLASS:
        assert (found.of, by_name["label"].becomes) == ("late", "on time")
