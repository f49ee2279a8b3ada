"""Which addresses keep a ledger, and what is said of the others?"""

from pathlib import Path

import pytest

from millrace.adapters.ledger import Ledger, LedgerUnavailableError


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_keeps_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(LedgerUnavailableError, match="MILLRACE_LEDGER_URL must name a file"):
        Ledger(url)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_text("not a database " * 100)
    with pytest.raises(LedgerUnavailableError, match="file is not a database"):
        Ledger(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(LedgerUnavailableError, match=r"var.ledger\.sqlite cannot be used"):
        Ledger(f"sqlite:///{tmp_path / 'var' / 'ledger.sqlite'}")


def test_a_postgres_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailableError, match="cannot be used") as caught:
        Ledger(f"postgresql://ann:secret@/name?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_a_sqlite_ledger_survives_power_loss_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{file}")
    with ledger._database.reading() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    ledger.close()
    assert modes == ["wal", 2]
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
