"""Is a row taken for what it says, and refused where it says a thing twice?"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.bundle import InputColumn
from millrace.domain.kinds import ColumnType
from millrace.serving.requests import InvalidRowsError, MalformedRequestError, RequestSchema

INPUTS = (
    InputColumn("amount", ColumnType.FLOAT, nullable=True),
    InputColumn("count", ColumnType.INT, nullable=False, min=-(2**60), max=2**60),
    InputColumn("word", ColumnType.STRING, nullable=False),
)
KEY = (InputColumn("flight", ColumnType.INT, nullable=False), InputColumn("at", ColumnType.TIMESTAMP, False))
PLAIN, KEYED = RequestSchema(INPUTS[:1] + INPUTS[2:]), RequestSchema(INPUTS, KEY)

rows = st.fixed_dictionaries(
    {
        "amount": st.none() | st.floats(-1e30, 1e30),
        "count": st.integers(-(2**60), 2**60),
        "word": st.text(st.characters(exclude_categories=["Cs"])),
    },
    optional={"flight": st.integers(0, 2**53)},
)


@given(st.lists(rows, min_size=1, max_size=4), st.booleans())
def test_what_json_says_is_what_is_taken(sent: list[dict[str, Any]], ascii_only: bool) -> None:
    taken = KEYED.decode(json.dumps(sent, ensure_ascii=ascii_only).encode())
    wanted = [tuple(row.get(name) for name in KEYED.names) for row in sent]
    assert taken == wanted
    assert KEYED.decode(json.dumps(sent[0], ensure_ascii=ascii_only).encode()) == wanted[:1]


@pytest.mark.parametrize(
    "body",
    [
        '{"amount":1,"amount":2,"word":"x"}',
        '{"amount":1,"word":"x","word":"\\u003a"}',
        '{"amount":1,"word":":::","amount":2}',
        '[{"amount":1,"word":"x"},{"amount":1,"word":"x","amount":1}]',
    ],
)
def test_a_field_that_comes_twice_is_refused(body: str) -> None:
    with pytest.raises(MalformedRequestError, match="twice"):
        PLAIN.decode(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"amount":1,"amount":2,"count":1,"word":"x"}',
        '{"count":1,"word":"x","word":"\\u003a","amount":1}',
        '{"amount":1,"count":1,"word":"x","flight":1,"flight":2}',
    ],
)
def test_a_field_that_comes_twice_does_not_hide_behind_one_that_may_be_left_out(body: str) -> None:
    with pytest.raises(MalformedRequestError, match="twice"):
        KEYED.decode(body.encode())


def test_a_whole_number_is_the_same_key_however_it_is_written() -> None:
    bodies = (
        '{"amount":1,"count":3,"word":"x","flight":7}',
        '{"amount":1,"count":3.0,"word":"x","flight":7.0}',
    )
    [first], [second] = (KEYED.decode(body.encode()) for body in bodies)
    assert [*map(repr, first)] == [*map(repr, second)]


@pytest.mark.parametrize("number", ["9.223372036854775807e18", "9223372036854775808"])
def test_a_whole_number_beyond_64_bits_is_refused_however_it_is_written(number: str) -> None:
    body = f'{{"amount":1,"count":3,"word":"x","flight":{number}}}'
    with pytest.raises(InvalidRowsError, match="a whole number from"):
        KEYED.decode(body.encode())


def test_a_time_is_the_same_key_in_every_zone() -> None:
    times = ("2013-04-01T09:15:00Z", "2013-04-01T11:15:00+02:00", "2013-04-01T09:15:00.000Z")
    taken = {
        KEYED.decode(json.dumps({"amount": 1, "count": 3, "word": "", "at": at}).encode())[0] for at in times
    }
    assert {row[4] for row in taken} == {"2013-04-01T09:15:00+00:00"}


def test_every_problem_of_a_batch_is_named_by_row_and_field() -> None:
    sent = [{"amount": 1, "count": 2, "word": "x"}, {"amount": "1", "count": 2.5, "wrod": "x"}]
    with pytest.raises(InvalidRowsError, match="No row was answered") as refused:
        KEYED.decode(json.dumps(sent).encode())
    found = {(problem.row, problem.field, problem.found) for problem in refused.value.problems}
    assert found == {
        (1, "word", "nothing"),
        (1, "amount", '"1"'),
        (1, "count", "2.5"),
        (1, "wrod", "an unknown field"),
    }
