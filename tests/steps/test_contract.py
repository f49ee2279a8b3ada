"""A contract is proposed by what was accepted, compared with the present one, and written with care."""

import tomllib

import pandas as pd
import pytest

from millrace.adapters.models import find_model, load_source
from millrace.adapters.parts import CorruptPartError
from millrace.domain.contract_change import Direction
from millrace.settings import load_settings
from millrace.steps.batch import BatchOutcome
from millrace.steps.contract.proposing import ContractProposal, NothingAcceptedError, propose_contract_of
from millrace.steps.contract.writing import write_contract
from tests.conftest import NOON, Home
from tests.loop import take_in


def month(home: Home, name: str = "2013-01") -> pd.DataFrame:
    return load_source(home.models, "fares").read_batch(name)


def directions(proposal: ContractProposal) -> dict[str, Direction]:
    return {one.place: one.direction for one in proposal.differences}


def test_a_proposal_is_of_all_accepted_batches(fares: Home) -> None:
    results = take_in("fares", NOON)
    assert {one.outcome for one in results} == {BatchOutcome.ACCEPTED}
    found = propose_contract_of("fares")
    assert (found.batches, found.rows) == (len(results), sum(one.rows for one in results))
    contract = tomllib.loads(found.text)["contract"]
    assert contract["min_rows"] <= min(one.rows for one in results) / 2
    assert contract["columns"]["ride"]["type"] == "int"
    assert contract["columns"]["distance_km"]["max"] > month(fares)["distance_km"].max()
    assert contract["columns"]["tariff"]["type"] == "string"
    assert "# half of the smallest of 3 batches" in found.text


def test_what_was_accepted_would_pass_the_proposal(fares: Home) -> None:
    take_in("fares", NOON)
    write_contract(propose_contract_of("fares"), looser=True)
    path = fares.inbox("fares", "again.parquet")
    month(fares, "2013-01").assign(ride=lambda rows: rows["ride"] + 10_000_000).to_parquet(path, index=False)
    [result] = take_in("fares", NOON, [path])
    assert [one for one in result.violations if one.clause not in {"contract", "golden"}] == []


def test_the_same_data_give_the_same_proposal_twice(fares: Home) -> None:
    take_in("fares", NOON)
    assert propose_contract_of("fares").text == propose_contract_of("fares").text


def test_what_is_looser_is_told_and_not_written(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", "max = 40 }", "max = 39.9 }  # a taxi is not a bus")
    fares.rewrite("fares", "min_rows = 500", "min_rows = 1")
    found = propose_contract_of("fares")
    assert directions(found)["distance_km.max"] is Direction.LOOSER
    assert directions(found)["min_rows"] is Direction.TIGHTER
    written = write_contract(found, looser=False)
    config = find_model(fares.models, "fares")
    assert config.contract.columns["distance_km"].max == 39.9
    assert config.contract.min_rows > 1
    assert {one.direction for one in written.written} == {Direction.TIGHTER}
    assert "distance_km.max" in {one.place for one in written.left}
    text = (fares.models / "fares" / "model.toml").read_text()
    assert "# a taxi is not a bus" in text
    assert "# What a ride costs" in text


def test_of_hidden_columns_nothing_is_proposed_that_was_seen(fares: Home) -> None:
    fares.rewrite("fares", ', categories = ["day", "night"] }', " }")
    fares.rewrite("fares", "categorical = []", 'categorical = ["tariff"]')
    path = fares.models / "fares" / "model.toml"
    serving = '[serving]\ndurability = "fast"\nhash = ["tariff"]\nleave_out = ["distance_km", "luggage"]\n'
    path.write_text(f"{path.read_text()}\n{serving}")
    fares.rewrite("fares", 'numeric = ["distance_km"]', 'numeric = ["distance_km", "luggage"]')
    fares.rewrite("fares", '"int", min = 0, max = 4 }', '"int" }')
    before = find_model(fares.models, "fares").contract.columns["distance_km"]
    take_in("fares", NOON)
    found = propose_contract_of("fares")
    lines = {line.split(" = ")[0]: line for line in found.text.splitlines()}
    told = "# hidden by [serving]: what was seen is not told"
    assert lines["luggage"].split("#")[0].strip() == 'luggage = { type = "int" }'
    assert lines["tariff"] == f'tariff = {{ type = "string" }}  {told}'
    assert found.contract.columns["distance_km"] == before
    write_contract(found, looser=True)
    columns = find_model(fares.models, "fares").contract.columns
    assert (columns["tariff"].categories, columns["luggage"].max) == (None, None)
    assert columns["distance_km"].max == 40


def test_after_everything_is_written_nothing_differs(fares: Home) -> None:
    take_in("fares", NOON)
    write_contract(propose_contract_of("fares"), looser=True)
    assert propose_contract_of("fares").differences == ()


def test_a_column_without_a_contract_is_new(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", 'luggage = { type = "int", min = 0, max = 4 }\n', "")
    found = propose_contract_of("fares")
    assert directions(found)["luggage"] is Direction.NEW
    write_contract(found, looser=True)
    assert find_model(fares.models, "fares").contract.columns["luggage"].type == "int"


def test_a_column_that_no_row_has_stays(fares: Home) -> None:
    take_in("fares", NOON)
    fares.rewrite("fares", "noise =", 'toll = { type = "float" }\nnoise =')
    found = propose_contract_of("fares")
    assert directions(found)["toll"] is Direction.GONE
    write_contract(found, looser=True)
    assert "toll" in find_model(fares.models, "fares").contract.columns


def test_whole_numbers_that_may_be_null_stay_whole_numbers(fares: Home) -> None:
    fares.rewrite("fares", "max = 4 }", "max = 4, max_null_share = 0.5 }")
    rows = month(fares)
    rows["luggage"] = rows["luggage"].astype("Int64").mask(rows.index % 4 == 0)
    path = fares.inbox("fares", "gaps.parquet")
    rows.to_parquet(path, index=False)
    assert take_in("fares", NOON, [path])[0].outcome is BatchOutcome.ACCEPTED
    luggage = propose_contract_of("fares").contract.columns["luggage"]
    assert luggage.type == "int"
    assert 0.25 <= luggage.max_null_share < 0.5


def test_there_is_nothing_to_propose_before_the_first_batch(fares: Home) -> None:
    with pytest.raises(NothingAcceptedError, match=r"no batch was accepted yet.*millrace ingest fares"):
        propose_contract_of("fares")


def test_bytes_that_are_not_the_dataset_s_propose_nothing(fares: Home) -> None:
    take_in("fares", NOON)
    part = next((load_settings().data / "fares").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptPartError):
        propose_contract_of("fares")
