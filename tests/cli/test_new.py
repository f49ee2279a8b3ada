"""`millrace new` on real files: what it writes, what it refuses, and that it writes all or nothing."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from millrace.adapters.models import find_model, list_models
from millrace.cli.new import new
from millrace.domain.blocks import name_blocks, split_blocks
from millrace.domain.kinds import Task
from millrace.domain.proposal import (
    NotModelledError,
    UnknownColumnError,
    Wishes,
    complete,
    config_of,
    labelled_sample,
)
from millrace.steps.new import ModelExistsError, new_model
from millrace.steps.new_checks import answer_odd_rows, list_broken
from millrace.steps.new_files import UnwritableModelError
from millrace.steps.new_probe import NotProbedError, probe
from millrace.steps.stores import ledger, model_config
from tests import loop
from tests.cli.conftest import Command
from tests.conftest import NOON, Home
from tests.domain.proposed import draft_of, rows


def written(home: Home, table: pd.DataFrame, name: str = "flats.csv") -> Path:
    path = home.path / name
    table.to_csv(path, index=False)
    return path


def everything(home: Home) -> set[Path]:
    left = {*home.models.rglob("*"), *(home.path / "inbox").rglob("*")}
    return {path for path in left if "__pycache__" not in path.parts}


def test_a_file_becomes_a_folder_that_loads_and_its_data_lie_in_the_inbox(home: Home) -> None:
    path = written(home, rows())
    made = new_model(path, Wishes("flats", "price"))
    folder = home.models / "flats"
    found = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert found == {"model.toml", "README.md", "tests/test_flats.py"}
    config = find_model(home.models, "flats")
    assert config.model.task is Task.REGRESSION
    assert made.inbox == home.path / "inbox" / "flats" / "flats.csv"
    assert made.inbox.read_bytes() == path.read_bytes()
    assert list_broken("flats") == []


def test_the_card_tells_the_data_apart_and_the_file_by_its_hash(home: Home) -> None:
    table = rows().assign(email=[f"a{number}@b.org" for number in range(400)])
    new_model(written(home, table), Wishes("flats", "price"))
    card = (home.models / "flats" / "README.md").read_text("utf-8")
    assert "`flats.csv`" in card
    assert "SHA-256" in card
    assert "400 rows, 6 columns" in card
    assert "| district | string |" in card
    assert "- `email`: personal data. mail addresses, by its name" in card
    assert "@b.org" not in card


def test_the_same_file_gives_the_same_bytes(home: Home, tmp_path: Path) -> None:
    path = written(home, rows())
    new_model(path, Wishes("flats", "price"))
    folder = home.models / "flats"
    first = {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    folder.rename(tmp_path / "aside")
    new_model(path, Wishes("flats", "price"))
    assert {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()} == first


@pytest.mark.parametrize(
    ("wishes", "error", "said"),
    [
        (Wishes("flats", "prize"), UnknownColumnError, "did you mean 'price'"),
        (Wishes("flats", "price", time="flor"), UnknownColumnError, "did you mean 'floor'"),
        (Wishes("flats", "price", time="district"), NotModelledError, "--time 'district' is of type string"),
        (Wishes("flights", "price"), ModelExistsError, "`millrace retrain flights` trains it"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    home: Home, wishes: Wishes, error: type[Exception], said: str
) -> None:
    path, before = written(home, rows()), everything(home)
    with pytest.raises(error, match=said):
        new_model(path, wishes)
    assert everything(home) == before
    assert not {"flats", ".new"} & {*list_models(home.models)}


def test_an_inbox_that_cannot_be_written_leaves_no_folder_behind(home: Home) -> None:
    path = written(home, rows())
    (home.path / "inbox").mkdir()
    (home.path / "inbox" / "flats").write_text("a file where a folder should be")
    before = everything(home)
    with pytest.raises(UnwritableModelError, match="Nothing was kept"):
        new_model(path, Wishes("flats", "price"))
    assert everything(home) == before


def test_another_file_of_that_name_in_the_inbox_is_not_overwritten(home: Home) -> None:
    there = home.inbox("flats", "flats.csv")
    there.write_text("something else")
    with pytest.raises(UnwritableModelError, match="another file of that name lies there"):
        new_model(written(home, rows()), Wishes("flats", "price"))
    assert there.read_text() == "something else"
    assert not {"flats", ".new"} & {*list_models(home.models)}


def test_a_file_that_lies_in_the_inbox_already_stays_there(home: Home) -> None:
    there = home.inbox("flats", "march.csv")
    rows().to_csv(there, index=False)
    assert new_model(there, Wishes("flats", "price")).inbox == there
    assert list_broken("flats") == []


def test_semicolons_and_decimal_commas_are_described_in_the_file(home: Home) -> None:
    path = home.path / "flats.csv"
    rows().to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")
    new_model(path, Wishes("flats", "price"))
    found = model_config("flats").data.format
    assert (found.delimiter, found.decimal) == (";", ",")
    assert model_config("flats").contract.columns["area"].type == "float"
    assert list_broken("flats") == []


@pytest.mark.parametrize(
    ("count", "columns"), [(100, 3), (120, 1_000)], ids=["100 rows by 3 columns", "120 rows by 1,000 columns"]
)
def test_small_and_wide_tables_become_models(home: Home, count: int, columns: int) -> None:
    source = np.random.default_rng(0)
    table = pd.DataFrame(
        source.normal(size=(count, columns - 1)), columns=[f"c {at}" for at in range(columns - 1)]
    )
    table["größe"] = table["c 0"] * 3 + source.normal(size=count)
    new_model(written(home, table), Wishes("wide", "größe"))
    assert len(model_config("wide").features.names) == columns - 1


def test_what_nothing_could_be_fitted_to_is_drafted_with_that_doubt_and_placeholders(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    source = np.random.default_rng(0)
    signals = source.choice(list(".-"), (400, 6, 5))
    signal = [" ".join("".join(word) for word in one) for one in signals]  # no word a vectorizer would take
    path = written(home, pd.DataFrame({"signal": signal, "price": rows()["price"]}))
    new("morse", data=path, target="price")
    told = " ".join(capsys.readouterr().out.split())
    fitted, bar = "nothing could be fitted to a sample (", "the margins and the floor are placeholders"
    assert fitted in told
    assert f"{bar}, and none but a perfect model passes -> gate signal: " in told, "the first doubt"
    assert fitted in (home.models / "morse" / "README.md").read_text("utf-8")
    written_down = (home.models / "morse" / "model.toml").read_text("utf-8").splitlines()
    unmeasured = [line.split(" = ")[0] for line in written_down if "a placeholder: nothing was" in line]
    assert unmeasured == [
        "margin", "golden_margin", "baseline_margin", "mae", "max_excess_loss", "max_excess_loss",
        "max_excess_loss",
    ]  # fmt: skip


def test_a_class_of_which_one_row_teaches_leaves_no_fold_and_the_probe_says_so() -> None:
    table = rows().drop(columns="price").assign(id=[f"k{number}" for number in range(400)])
    drawn = table.assign(sold=np.resize(["yes", "no"], 400))
    draft = draft_of(drawn, "sold", key=("id",))
    config = config_of(complete(draft, None))
    blocks = name_blocks(labelled_sample(draft, config)[0], config)
    split = split_blocks(frozenset(blocks.tolist()), None, config)
    training, recent, golden = (
        np.flatnonzero(np.isin(blocks, sorted(names)))
        for names in (split.training, split.recent, split.golden)
    )
    sold = np.full(400, "no", dtype=object)
    sold[[training[0], *recent[:5], *golden[:5]]] = "yes"
    with pytest.raises(
        NotProbedError, match=r"blocks give no fold with every class among the rows that teach"
    ):
        probe(draft_of(table.assign(sold=sold), "sold", key=("id",)))


def test_nulls_everywhere_are_no_hindrance(home: Home) -> None:
    table = rows(600)
    holes = np.random.default_rng(0).random(table.shape) < 0.3
    new_model(written(home, table.mask(holes)), Wishes("flats", "price"))
    assert list_broken("flats") == []
    loop.take_in("flats", NOON)
    assert loop.retrain("flats", NOON).judged is not None


def test_a_small_model_that_is_good_passes_its_gate_and_a_crippled_one_fails(home: Home) -> None:
    new_model(written(home, rows(300)), Wishes("flats", "price"))
    loop.take_in("flats", NOON)
    first = loop.retrain("flats", NOON)
    assert first.judged is not None
    assert str(first.judged.outcome) == "pass", first.judged.reason
    more = home.inbox("flats", "more.csv")
    rows(40, seed=9).to_csv(more, index=False)
    loop.take_in("flats", NOON)
    refit = loop.retrain("flats", NOON, force=True)
    assert refit.judged is not None
    assert str(refit.judged.outcome) == "pass", refit.judged.reason
    home.rewrite("flats", 'numeric = ["area", "height", "floor"]', 'numeric = ["height", "floor"]')
    crippled = loop.retrain("flats", NOON, force=True)
    assert crippled.judged is not None
    assert str(crippled.judged.outcome) == "fail", crippled.judged.reason


def own_tests(home: Home, name: str) -> dict[str, Any]:
    """Return what stands in the test file of a new model, by name."""
    return runpy.run_path(str(home.models / name / "tests" / f"test_{name}.py"))


def test_its_own_tests_say_that_there_is_no_champion_yet_and_pass_once_there_is(home: Home) -> None:
    table = rows().assign(area=lambda one: one["area"].where(one["floor"] != 3))
    new_model(written(home, table), Wishes("flats", "price"))
    asked = "test_its_champion_answers_nulls_and_values_it_has_never_seen"
    with pytest.raises(pytest.skip.Exception, match="retrain it first, by `millrace retrain flats`"):
        own_tests(home, "flats")[asked]()
    assert list(answer_odd_rows("flats")) == []
    loop.take_in("flats", NOON)
    loop.retrain("flats", NOON)
    assert ledger().serving("flats").champion is not None
    answers = list(answer_odd_rows("flats"))
    assert len(answers) == 2, "a usual row, and one without an area"
    assert all(np.isfinite(one).all() for one in answers)
    for name, test in own_tests(home, "flats").items():
        if name.startswith("test_"):
            test()


def test_new_then_retrain_publishes_a_champion_by_the_two_commands_alone(
    home: Home, millrace_with_prefect: Command
) -> None:
    table = rows(300).assign(
        expensive=lambda one: np.where(one["price"] > one["price"].median(), "ja", "nein")
    )
    path = written(home, table.drop(columns="price"))
    made = millrace_with_prefect("new", "flats", "--data", str(path), "--target", "expensive", "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["target"]["task"], told["rows"]) == ("binary", 300)
    trained = millrace_with_prefect("retrain", "flats")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "accepted     flats.csv" in trained.stdout
    assert ledger().serving("flats").champion is not None
    refused = millrace_with_prefect("new", "flats", "--data", str(path), "--target", "expensive")
    assert refused.returncode == 1
    assert "there is a model 'flats' already" in refused.stderr


def test_personal_columns_may_stand_in_a_file_and_never_reach_the_dataset(home: Home) -> None:
    table = rows().assign(email=[f"a{number}@b.org" for number in range(400)])
    new_model(written(home, table), Wishes("flats", "price"))
    [taken] = loop.take_in("flats", NOON)
    assert str(taken.outcome) == "accepted", taken.violations
    [part] = (home.path / "data" / "flats").glob("*.parquet")
    assert set(pd.read_parquet(part).columns) == {"area", "height", "floor", "district", "price"}
