"""Nobody can change the record of what answered without it being seen."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from millrace.adapters.bundle import CorruptBundleError
from millrace.adapters.channel import BadPointerError, bundles_folder
from millrace.adapters.gate_report_store import DamagedReportError
from millrace.domain.ledger import BrokenChainError
from millrace.settings import load_settings
from millrace.steps.audit import CutLedgerError, ServingDiffersError, verify_everything
from tests.conftest import Home

ByHand = Callable[[str], None]


@pytest.fixture
def by_hand(published: Home) -> ByHand:
    """Change the file of the ledger behind its back."""

    def change(statement: str) -> None:
        with closing(sqlite3.connect(published.path / "var" / "ledger.sqlite")) as connection, connection:
            assert connection.execute(statement).rowcount > 0

    return change


def test_an_untouched_installation_verifies(published: Home) -> None:
    audited = verify_everything()
    head = published.ledger.head()
    assert head is not None
    assert (audited.entries, audited.head) == (head.seq, head.hash)
    assert (audited.pointers, audited.bundles) == (2, 2)
    assert (audited.reports, audited.missing_reports) == (3, 0)


def test_a_report_of_the_gate_that_was_rewritten_is_found_and_a_missing_one_told(published: Home) -> None:
    first, second, _ = sorted((published.path / "var" / "gate").glob("*/*.json"))
    second.unlink()
    audited = verify_everything()
    assert (audited.reports, audited.missing_reports) == (2, 1)
    first.write_text(first.read_text("utf-8").replace('"pass"', '"fail"', 1), "utf-8")
    with pytest.raises(DamagedReportError, match="needed the report that the ledger names"):
        verify_everything()


def test_an_empty_ledger_verifies(home: Home) -> None:
    assert verify_everything().entries == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = replace(body, '\"pass\"', '\"fail\"') WHERE kind = 'ChallengerJudged'",
        "UPDATE entries SET actor = 'somebody else' WHERE seq = 3",
        "UPDATE entries SET at = replace(at, '2013', '2014') WHERE seq = 3",
        "UPDATE entries SET hash = 'f' || substr(hash, 2) WHERE seq = 5",
        "DELETE FROM entries WHERE seq = 4",
        "DELETE FROM entries WHERE seq = 1",
    ],
)
def test_a_changed_or_missing_row_is_found(published: Home, by_hand: ByHand, statement: str) -> None:
    by_hand(statement)
    with pytest.raises(BrokenChainError, match="The ledger was changed outside Millrace"):
        verify_everything()


def test_a_cut_tail_is_found_by_the_pointer(published: Home, by_hand: ByHand) -> None:
    first = published.ledger.entries("progression")[0].seq
    by_hand(f"DELETE FROM entries WHERE seq >= {first}")  # noqa: S608
    by_hand("DELETE FROM serving WHERE model = 'progression'")
    with pytest.raises(CutLedgerError, match="progression: its pointer was published at ledger head"):
        verify_everything()


def test_a_ledger_that_was_emptied_is_found_by_the_pointers(published: Home, by_hand: ByHand) -> None:
    for table in ("entries", "serving", "claims", "arrivals"):
        by_hand(f"DELETE FROM {table}")  # noqa: S608
    with pytest.raises(CutLedgerError, match="Entries were cut off"):
        verify_everything()


def test_a_champion_that_no_entry_made_is_found(published: Home, by_hand: ByHand) -> None:
    by_hand(f"UPDATE serving SET champion = '{'0' * 64}' WHERE model = 'fares'")  # noqa: S608
    with pytest.raises(ServingDiffersError, match="It was changed outside"):
        verify_everything()


def test_a_forged_pointer_is_found(published: Home) -> None:
    pointer = load_settings().channel / "fares" / "pointer.json"
    pointer.write_text(pointer.read_text().replace('"weight":100', '"weight":99'))
    with pytest.raises(BadPointerError, match="its signature is wrong"):
        verify_everything()


def test_a_changed_byte_in_the_bundle_of_a_champion_is_found(published: Home) -> None:
    champion = published.serving("fares").champion
    assert champion is not None
    scorer = bundles_folder(load_settings().channel) / champion / "scorer.onnx"
    content = bytearray(scorer.read_bytes())
    content[100] ^= 1
    scorer.chmod(0o644)
    scorer.write_bytes(content)
    with pytest.raises(CorruptBundleError, match=r"scorer\.onnx"):
        verify_everything()
