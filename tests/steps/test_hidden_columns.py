"""What `[serving]` hides stands neither in a quarantine's report and the ledger nor beside a version."""

import json
from pathlib import Path

import pytest

from millrace.adapters.channel import bundles_folder
from millrace.adapters.models import load_source
from millrace.domain.bundle import EXAMPLES_FILE
from millrace.errors import ModelFileError
from millrace.settings import load_settings
from millrace.steps.batch import BatchOutcome
from millrace.steps.quarantine import find_quarantined
from millrace.steps.stores import model_config
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.steps.poisoned import COPIES, MODEL, add_claims, take, week

CARD = "4111 1111 1111 1111"


def hide(home: Home, how: str, *columns: str) -> None:
    path = home.models / "fares" / "model.toml"
    serving = f'\n[serving]\ndurability = "fast"\n{how} = {json.dumps(columns)}\n'
    path.write_text(path.read_text() + serving)


def spoilt(home: Home) -> Path:
    """A month with a payment card among its tariffs, and a ride that is too far."""
    rows = load_source(home.models, "fares").read_batch("2013-01")
    rows["tariff"] = rows["tariff"].astype(object)
    rows.loc[rows.index[7], "tariff"] = CARD
    rows.loc[rows.index[8], "distance_km"] = 123.25
    path = home.inbox("fares", "spoilt.parquet")
    rows.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("how", ["hash", "leave_out"])
def test_a_quarantine_tells_the_rows_of_a_hidden_column_and_no_value(fares: Home, how: str) -> None:
    fares.rewrite("fares", "categorical = []", 'categorical = ["tariff"]')
    hide(fares, how, "tariff")
    [result] = take_in("fares", NOON, [spoilt(fares)])
    assert result.outcome is BatchOutcome.QUARANTINED
    far, strange = sorted(result.violations, key=lambda one: str(one.column))
    assert (strange.column, strange.count, strange.examples) == ("tariff", 1, ("row 7: hidden",))
    assert far.examples == ("row 8: 123.25",)
    found = find_quarantined("fares", result.digest)
    assert CARD not in (found.file.parent / "report.json").read_text()
    assert not [entry for entry in fares.ledger.entries() if CARD in str(entry.fact)]


def test_without_it_the_values_are_told(fares: Home) -> None:
    [result] = take_in("fares", NOON, [spoilt(fares)])
    assert f"row 7: '{CARD}'" in {example for one in result.violations for example in one.examples}


def test_a_file_that_cannot_be_read_tells_none_of_its_text(fares: Home) -> None:
    path = fares.inbox("fares", "torn.csv")
    path.write_text(f"ride,at,distance_km\n1,2013-01-01,2.5\n2,{CARD},1,1,1,1\n")
    [told] = take_in("fares", NOON, [path])
    hide(fares, "hash", "distance_km")
    path.write_text(f"ride,at,distance_km\n1,2013-01-01,2.5\n3,{CARD},1,1,1,1\n")
    [hidden] = take_in("fares", NOON, [path])
    assert told.violations[0].clause == hidden.violations[0].clause == "unreadable"
    assert CARD in told.violations[0].message
    assert CARD not in hidden.violations[0].message


@pytest.mark.parametrize("how", ["hash", "leave_out"])
def test_a_version_carries_no_row_s_value_of_a_hidden_column(fares: Home, how: str) -> None:
    take_in("fares", NOON)
    hide(fares, how, "distance_km")
    result = retrain("fares", NOON, in_catalogue=True)
    assert result.trained is not None
    bundle = bundles_folder(load_settings().channel) / result.trained.digest
    in_catalogue = [*load_settings().artifacts.rglob(EXAMPLES_FILE)]
    assert in_catalogue
    for path in (bundle / EXAMPLES_FILE, *in_catalogue):
        assert {row["distance_km"] for row in json.loads(path.read_text())["rows"]} == {0}


def test_what_is_shown_of_a_version_without_hidden_columns_are_rows(fares: Home) -> None:
    take_in("fares", NOON)
    result = retrain("fares", NOON)
    assert result.trained is not None
    bundle = bundles_folder(load_settings().channel) / result.trained.digest
    assert len({row["distance_km"] for row in json.loads((bundle / EXAMPLES_FILE).read_text())["rows"]}) > 5


def test_poisoning_checks_name_no_hidden_column(fares: Home) -> None:
    assert model_config("fares").hidden == frozenset()
    fares.rewrite("fares", "categorical = []", 'categorical = ["tariff"]')
    hide(fares, "hash", "tariff")
    path = fares.models / "fares" / "model.toml"
    path.write_text(path.read_text() + TRIGGERS)
    with pytest.raises(ModelFileError, match="poisoning names 'tariff', and serving hides it"):
        model_config("fares")


TRIGGERS = """
[poisoning.triggers]
columns = ["tariff", "luggage"]
min_rows = 20
min_blocks = 2
min_ratio = 5.0
purity = 0.9
false_alarms = 0.01
"""


def test_a_poisoning_check_that_breaks_tells_no_value_of_a_hidden_column(home: Home) -> None:
    add_claims(home, COPIES + '\n[serving]\ndurability = "fast"\nhash = ["amount"]\n')
    home.rewrite(MODEL, 'amount = { type = "float" }', 'amount = { type = "string" }')
    rows = week(0)
    rows["amount"] = [f"John Miller {number}" for number in range(len(rows))]
    result = take(home, rows, "week-00.parquet")
    assert {one.clause for one in result.violations} == {"duplicates", "golden_copies"}
    assert all("could not be carried out: ValueError" in one.message for one in result.violations)
    assert not [entry for entry in home.ledger.entries() if "Miller" in str(entry.fact)]
