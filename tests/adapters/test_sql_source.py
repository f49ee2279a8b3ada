"""Reading a query by its watermark, on SQLite and on a real Postgres, by the same tests."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from millrace.adapters.sql_source import (
    DatabaseUnavailableError,
    MissingDriverError,
    MissingVariableError,
    QueryRefusedError,
    SqlAddress,
    SqlDatabase,
    SqlSource,
    UnreadableAddressError,
    UnusableColumnError,
    UnusableQueryError,
    WatermarkChangedError,
)
from millrace.adapters.sql_source.address import MissingFileError
from millrace.adapters.sql_source.rows import write_rows
from millrace.adapters.sql_source.watched import UnorderedTextError, collation_for
from millrace.domain.watermark import Watermark, WatermarkRange

QUERY = "SELECT id, amount, note -- what: we sell\nFROM orders WHERE note <> ':id' OR note IS NULL;"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an empty database's address."""
    if request.param == "sqlite":
        path = tmp_path / "shop.sqlite"
        path.touch()
        yield f"sqlite:///{path}"
        return
    address = request.getfixturevalue("postgres_address")
    schema = f"test_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{address}&options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


def run(url: str, *statements: str) -> None:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def source_of(url: str, query: str = QUERY, watermark: str = "id") -> SqlSource:
    return SqlSource(SqlDatabase(SqlAddress(url, {}), query), watermark)


@pytest.fixture
def orders(url: str) -> str:
    run(
        url,
        "CREATE TABLE orders (id INTEGER, amount NUMERIC(10, 2), note VARCHAR(20))",
        "INSERT INTO orders VALUES (3, 1.25, 'c'), (1, 2, 'a'), (2, NULL, NULL), (NULL, 9, 'x')",
        "INSERT INTO orders VALUES (3, 0.5, 'b')",
    )
    return url


@pytest.fixture
def postgres_with_password(postgres_address: str) -> Callable[[str], str]:
    """Return the address of a user whose password is asked for, with what stands for the password in it."""
    user = f"user_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute(f"CREATE USER {user} PASSWORD 'right: 100%'")
        [file] = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(file)
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
        database, _, options = postgres_address.partition("@")[2].partition("?")
    return lambda password: f"postgresql://{user}:{password}@{database}?{options}"


def read(path: Path) -> dict[str, list[Any]]:
    return dict(pq.read_table(path).to_pydict())


def test_what_is_above_a_watermark_is_counted_in_order_and_nulls_apart(orders: str) -> None:
    source = source_of(orders)
    assert list(source.count_new(None)) == [(1, 1), (2, 1), (3, 2)]
    assert list(source.count_new(2)) == [(3, 2)]
    assert list(source.count_new(3)) == []
    assert source.count_unmarked() == 1


def test_the_rows_of_a_range_are_written_in_order_with_decimals_as_floats(
    orders: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.parquet"
    assert source_of(orders).write(WatermarkRange("id", 1, 3), path) == 3
    assert read(path) == {"id": [2, 3, 3], "amount": [None, 0.5, 1.25], "note": [None, "b", "c"]}
    source_of(orders).write(WatermarkRange("id", None, 1), path)
    assert read(path) == {"id": [1], "amount": [2.0], "note": ["a"]}


def test_the_same_rows_give_the_same_bytes_and_another_range_others(orders: str, tmp_path: Path) -> None:
    def digest(wanted: WatermarkRange) -> str:
        path = tmp_path / "rows.parquet"
        source_of(orders).write(wanted, path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    before = digest(WatermarkRange("id", 1, 3))
    run(orders, "UPDATE orders SET note = note", "DELETE FROM orders WHERE id IS NULL")
    assert digest(WatermarkRange("id", 1, 3)) == before
    assert digest(WatermarkRange("id", None, 2)) != digest(WatermarkRange("id", 0, 2))


@pytest.mark.parametrize(
    ("kind", "values", "first"),
    [
        ("TIMESTAMPTZ", "('2024-01-01 10:00:00.000001+02'), ('2024-01-02 00:00:00+00')",
         datetime(2024, 1, 1, 8, 0, 0, 1, UTC)),
        ("TIMESTAMP", "('2024-01-01 08:00:00'), ('2024-01-02 00:00:00')", datetime(2024, 1, 1, 8)),  # noqa: DTZ001
        ("DATE", "('2024-01-01'), ('2024-01-02')", date(2024, 1, 1)),
        ("VARCHAR(30)", "('A-10'), ('a-1')", "A-10"),
        ("NUMERIC(20)", "(10), (11)", 10),
    ],
)  # fmt: skip
def test_a_watermark_of_each_kind_of_postgres_is_read_and_asked_for_again(
    postgres_address: str, tmp_path: Path, kind: str, values: str, first: Watermark
) -> None:
    table = f"marks_{uuid4().hex}"
    run(postgres_address, f"CREATE TABLE {table} (mark {kind})")
    run(postgres_address, f"INSERT INTO {table} VALUES {values}")  # noqa: S608
    source = source_of(postgres_address, f"SELECT mark, 1 AS one FROM {table}", "mark")  # noqa: S608
    [(found, _), (last, _)] = source.count_new(None)
    assert found == first
    assert list(source.count_new(found)) == [(last, 1)]
    path = tmp_path / "rows.parquet"
    assert source.write(WatermarkRange("mark", found, last), path) == 1


def test_times_without_a_zone_are_utc_and_days_are_midnights(postgres_address: str, tmp_path: Path) -> None:
    query = """SELECT 1 AS id, TIMESTAMP '2024-05-01 12:00' AS naive,
               TIMESTAMPTZ '2024-05-01 12:00+02' AS zoned,
               DATE '2024-05-01' AS day, true AS flag, '6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b'::uuid AS key"""
    path = tmp_path / "rows.parquet"
    source_of(postgres_address, query).write(WatermarkRange("id", None, 1), path)
    assert read(path) == {
        "id": [1],
        "naive": [datetime(2024, 5, 1, 12, tzinfo=UTC)],
        "zoned": [datetime(2024, 5, 1, 10, tzinfo=UTC)],
        "day": [datetime(2024, 5, 1, tzinfo=UTC)],
        "flag": [True],
        "key": ["6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b"],
    }


@pytest.mark.parametrize("kind", ["json", "jsonb", "bytea"])
def test_a_column_that_cannot_be_stored_is_named(postgres_address: str, kind: str) -> None:
    with pytest.raises(UnusableColumnError, match=rf"column 'extra' of the query holds {kind}; .*cast it"):
        list(source_of(postgres_address, f"SELECT 1 AS id, NULL::{kind} AS extra").count_new(None))


def test_two_kinds_in_one_column_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "mixed.sqlite"
    path.touch()
    url = f"sqlite:///{path}"
    numbers = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20000) "
    query = f"{numbers} SELECT id, CASE WHEN id = 19999 THEN 'x' ELSE id END AS v FROM n"  # noqa: S608
    with pytest.raises(UnusableColumnError, match="column 'v' of the query holds int and str"):
        source_of(url, query).write(WatermarkRange("id", None, 20_000), tmp_path / "r")
    floats = query.replace("'x'", "0.5")
    rows = source_of(url, floats).write(WatermarkRange("id", None, 20_000), tmp_path / "r")
    assert (rows, read(tmp_path / "r")["v"][19_998:]) == (20_000, [0.5, 20_000.0])


def test_a_query_without_the_watermark_says_what_it_has(orders: str) -> None:
    with pytest.raises(UnusableQueryError, match=r"columns id, amount, note; needed is 'at', the watermark"):
        list(source_of(orders, watermark="at").count_new(None))


def test_a_watermark_of_another_kind_than_before_is_refused(orders: str) -> None:
    with pytest.raises(
        WatermarkChangedError, match=r"up to A-1 \(texts\), now it holds \d \(whole numbers\)"
    ):
        list(source_of(orders).count_new("A-1"))


def test_a_query_that_the_database_refuses_is_told_in_its_words(orders: str) -> None:
    with pytest.raises(QueryRefusedError, match=r"nowhere.*Correct url or query"):
        list(source_of(orders, "SELECT * FROM nowhere").count_new(None))


def test_a_source_never_writes(postgres_address: str) -> None:
    writing = "SELECT id FROM (SELECT nextval('counted') AS id) numbered"
    run(postgres_address, "CREATE SEQUENCE IF NOT EXISTS counted")
    with pytest.raises(QueryRefusedError, match="read-only transaction"):
        list(source_of(postgres_address, writing).count_new(None))


@pytest.mark.parametrize(
    ("template", "error", "said"),
    [
        (
            "postgresql://u:${SHOP_PASSWORD}@127.0.0.1:1/x",
            DatabaseUnavailableError,
            r"u:\*\*\*@127.0.0.1:1/x",
        ),
        ("postgresql://u:${NOT_SET}@127.0.0.1:1/x", MissingVariableError, "export NOT_SET"),
        ("mysql://u:${SHOP_PASSWORD}@127.0.0.1/x", MissingDriverError, "mysql needs the package MySQLdb"),
        ("nosql://u:${SHOP_PASSWORD}@127.0.0.1/x", MissingDriverError, "nosql needs a dialect"),
        ("u:${SHOP_PASSWORD}@127.0.0.1/x", UnreadableAddressError, "no database address"),
        ("${SHOP_PASSWORD}", UnreadableAddressError, "no database address"),
        ("sqlite:////nowhere/${SHOP}.sqlite", MissingFileError, "/nowhere/shop.sqlite: no such file"),
    ],
)
def test_no_error_holds_the_password(template: str, error: type[Exception], said: str) -> None:
    environment = {"SHOP_PASSWORD": "p@ss/w:rd", "SHOP": "shop"}
    with pytest.raises(error, match=said) as raised:
        SqlDatabase(SqlAddress(template, environment), "SELECT 1").ping()
    chain: list[BaseException | None] = [raised.value, raised.value.__cause__]
    assert not any("p@ss" in str(one) or "p%40ss" in str(one) for one in chain)


def test_a_wrong_password_is_refused_at_once_and_not_repeated(
    tmp_path: Path, postgres_with_password: Callable[[str], str]
) -> None:
    right = SqlAddress(postgres_with_password("${PW}"), {"PW": "right: 100%"})
    SqlDatabase(right, "SELECT 1 AS id").ping()
    wrong = SqlAddress(postgres_with_password("${PW}"), {"PW": "wrong-secret"})
    with pytest.raises(QueryRefusedError, match="password authentication failed") as raised:
        SqlDatabase(wrong, "SELECT 1 AS id").ping()
    assert "wrong-secret" not in str(raised.value)


def test_a_password_stands_where_an_address_allows_anything() -> None:
    address = SqlAddress("postgresql://me:${PW}@db/shop?sslpassword=${PW}", {"PW": "s3cr"})
    assert address.url.password == "s3cr"  # noqa: S105
    assert address.place == "postgresql+psycopg://me:***@db/shop?sslpassword=***"


def test_whole_decimals_keep_every_digit(tmp_path: Path) -> None:
    keys = [Decimal(123456789012345678), Decimal(123456789012345679)]
    write_rows([[(keys[0],)], [(keys[1],)]], ["key"], tmp_path / "r")
    assert read(tmp_path / "r") == {"key": [123456789012345678, 123456789012345679]}


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([[(Decimal(12345678901234567891),)]], "whole numbers beyond 64 bits"),
        ([[(2**63 + 1,), (5,)]], "whole numbers beyond 64 bits"),
        ([[(2**60 + 1,)], [(1.5,)]], "of which a float loses digits"),
        ([[(2**60 + 1,), (1.5,)]], "of which a float loses digits"),
        ([[(Decimal(2**60 + 1),), (Decimal("1.5"),)]], "of which a float loses digits"),
    ],
)
def test_numbers_that_would_lose_digits_are_refused_in_one_chunk_and_in_several(
    tmp_path: Path, chunks: list[list[tuple[object]]], found: str
) -> None:
    with pytest.raises(UnusableColumnError, match=rf"column 'v' of the query holds .*{found}"):
        write_rows(chunks, ["v"], tmp_path / "r")


def test_whole_and_broken_decimals_are_floats_and_what_is_no_number_stays_one(tmp_path: Path) -> None:
    write_rows([[(Decimal(2),)], [(Decimal("0.5"),), (Decimal("Infinity"),)]], ["v"], tmp_path / "r")
    assert read(tmp_path / "r") == {"v": [2.0, 0.5, float("inf")]}


def test_texts_that_a_collation_takes_for_each_other_are_watermarks_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    path.touch()
    url = f"sqlite:///{path}"
    run(url, "CREATE TABLE marks (mark VARCHAR(9) COLLATE NOCASE)")
    run(url, "INSERT INTO marks VALUES ('a'), ('B'), ('A')")
    source = source_of(url, "SELECT mark FROM marks", "mark")
    assert list(source.count_new(None)) == [("A", 1), ("B", 1), ("a", 1)]
    assert source.write(WatermarkRange("mark", "A", "a"), tmp_path / "r") == 2
    assert read(tmp_path / "r") == {"mark": ["B", "a"]}
    with pytest.raises(UnorderedTextError, match=r"mssql may take A for a .* Cast it in the query"):
        collation_for("mssql", "mark")


@pytest.mark.parametrize("password", ["p@ssw0rd", "12/p@ssw0rd", "p?p@ssw0rd"])
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(UnreadableAddressError) as raised:
        SqlAddress(f"postgresql://me:{password}@db/shop", {})
    assert "ssw0rd" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_secrets_are_hidden_where_they_stand_and_short_ones_hide_the_message() -> None:
    address = SqlAddress("postgresql://shop:shop@db/shop?api_key=k3yk3y&AccessToken=x", {})
    assert address.place == "postgresql+psycopg://shop:***@db/shop?AccessToken=***&api_key=***"
    assert address.scrub("bad k3yk3y") == "bad ***"
    assert (
        address.scrub("an x in it") == "its words are withheld: a secret of fewer than 4 letters is in them"
    )
