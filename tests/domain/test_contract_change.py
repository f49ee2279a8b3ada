"""What one contract does that another does not is said clause by clause, and never as less than it is."""

from itertools import permutations
from typing import Any

import pytest

from millrace.domain.config import ContractSection
from millrace.domain.contract_change import (
    Direction,
    compare_contracts,
    contract_digest,
    contract_text,
    only_tightens,
)
from millrace.domain.kinds import ColumnType

PLAIN: dict[str, Any] = {
    "min_rows": 100,
    "max_duplicate_share": 0.1,
    "min_label_share": 0.9,
    "columns": {
        "area": {"type": "float", "min": 0, "max": 40},
        "tariff": {"type": "string", "categories": ["day", "night"], "max_null_share": 0.1},
        "code": {"type": "string", "pattern": "[A-Z]+"},
    },
}


def contract(column: str | None = None, **changes: Any) -> ContractSection:
    """Return the plain contract with some clauses otherwise; None takes a clause out."""
    columns = {name: dict(clauses) for name, clauses in PLAIN["columns"].items()}
    whole = {**PLAIN, "columns": columns}
    of = whole if column is None else columns[column]
    of.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del of[name]
    return ContractSection.model_validate(whole)


CASES: list[tuple[str | None, dict[str, Any], Direction]] = [
    (None, {"min_rows": 50}, Direction.LOOSER),
    (None, {"min_rows": 200}, Direction.TIGHTER),
    (None, {"max_duplicate_share": 0.2}, Direction.LOOSER),
    (None, {"max_duplicate_share": 0.0}, Direction.TIGHTER),
    (None, {"min_label_share": 0.8}, Direction.LOOSER),
    (None, {"min_label_share": 1.0}, Direction.TIGHTER),
    (None, {"ignored": ["mail"]}, Direction.LOOSER),
    ("area", {"max": 50}, Direction.LOOSER),
    ("area", {"max": 30}, Direction.TIGHTER),
    ("area", {"max": None}, Direction.LOOSER),
    ("area", {"min": -1}, Direction.LOOSER),
    ("area", {"min": 1}, Direction.TIGHTER),
    ("area", {"max_null_share": 0.1}, Direction.LOOSER),
    ("area", {"type": "int"}, Direction.TIGHTER),
    ("tariff", {"max_null_share": None}, Direction.TIGHTER),
    ("tariff", {"categories": ["day"]}, Direction.TIGHTER),
    ("tariff", {"categories": ["day", "night", "dusk"]}, Direction.LOOSER),
    ("tariff", {"categories": ["day", "dusk"]}, Direction.OTHER),
    ("tariff", {"categories": None}, Direction.LOOSER),
    ("tariff", {"pattern": "d.*|n.*"}, Direction.TIGHTER),
    ("code", {"pattern": "[A-Z0-9]+"}, Direction.OTHER),
    ("code", {"pattern": None}, Direction.LOOSER),
]


@pytest.mark.parametrize(("column", "changes", "direction"), CASES)
def test_each_clause_has_its_direction(
    column: str | None, changes: dict[str, Any], direction: Direction
) -> None:
    [found] = compare_contracts(contract(), contract(column, **changes))
    assert (found.column, found.clause, found.direction) == (column, next(iter(changes)), direction)
    assert only_tightens((found,)) is (direction is Direction.TIGHTER)


@pytest.mark.parametrize(("column", "changes", "direction"), CASES)
def test_the_way_back_has_the_opposite_direction(
    column: str | None, changes: dict[str, Any], direction: Direction
) -> None:
    opposite = {Direction.LOOSER: Direction.TIGHTER, Direction.TIGHTER: Direction.LOOSER}
    [found] = compare_contracts(contract(column, **changes), contract())
    assert found.direction is opposite.get(direction, direction)


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [("float", "int", Direction.TIGHTER), ("int", "float", Direction.LOOSER)]
    + [
        (old, new, Direction.OTHER)
        for old, new in permutations(ColumnType, 2) if {old, new} != {ColumnType.INT, ColumnType.FLOAT}
    ],
)  # fmt: skip
def test_another_type_is_tighter_only_where_every_value_passed_before(
    old: str, new: str, direction: Direction
) -> None:
    before, after = (ContractSection.model_validate({**PLAIN, "columns": {"of": {"type": type_}}})
                     for type_ in (old, new))  # fmt: skip
    [found] = compare_contracts(before, after)
    assert found.direction is direction


def test_a_column_that_comes_or_goes_is_never_called_tighter() -> None:
    more = {**PLAIN["columns"], "floor": {"type": "int"}}
    wider = ContractSection.model_validate({**PLAIN, "columns": more})
    [new], [gone] = compare_contracts(contract(), wider), compare_contracts(wider, contract())
    assert (new.column, new.direction) == ("floor", Direction.NEW)
    assert (gone.column, gone.direction) == ("floor", Direction.GONE)
    assert not only_tightens((new,))
    assert not only_tightens((gone,))


def test_equal_contracts_have_one_digest_however_they_are_written() -> None:
    said = contract("area", max_null_share=0.0)
    turned = contract("tariff", categories=["night", "day"])
    assert contract_digest(said) == contract_digest(turned) == contract_digest(contract())
    assert compare_contracts(said, turned) == ()
    assert contract_digest(contract(min_rows=101)) != contract_digest(contract())


def test_a_contract_is_read_back_from_its_text() -> None:
    back = ContractSection.model_validate_json(contract_text(contract()))
    assert compare_contracts(contract(), back) == ()


def test_a_difference_is_one_line() -> None:
    [found] = compare_contracts(contract(), contract("area", max=1_000_000))
    assert found.tell() == "area.max: 40 -> 1000000 (looser)"
    [found] = compare_contracts(contract(), contract("tariff", categories=["day", "dusk"]))
    assert found.tell() == "tariff.categories: day, night -> day, dusk (other)"
