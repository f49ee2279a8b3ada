"""Does a service's own store hold whole bundles, the newest pointer, and no more than it needs?"""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from millrace.adapters.bundle_store import BundleStore, Kept

A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2013, 4, 1, 12, tzinfo=UTC)

DIE_BEFORE_THE_RENAME = """
import os, signal, sys
from pathlib import Path
from millrace.adapters.bundle_store import BundleStore
def fetch(digest, folder):
    (folder / "manifest.json").write_text("{}")
BundleStore(Path(sys.argv[1])).receive("a" * 64, fetch, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(tmp_path / "store")


def fetch(digest: str, folder: Path) -> None:
    (folder / "manifest.json").write_text(digest)


def verify(folder: Path, digest: str) -> None:
    if (folder / digest / "manifest.json").read_text() != digest:
        raise ValueError("other bytes")


def age(store: BundleStore, name: str, hours: float) -> None:
    then = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(store.bundles / name, (then, then))


def names(store: BundleStore) -> list[str]:
    return sorted(path.name for path in store.bundles.iterdir())


def test_a_bundle_is_there_once_it_was_verified(store: BundleStore) -> None:
    for _ in range(2):
        store.receive(A, fetch, verify)
    assert names(store) == [A]
    assert (store.bundle(A) / "manifest.json").read_text() == A


def test_what_cannot_be_fetched_or_verified_leaves_nothing(store: BundleStore) -> None:
    with pytest.raises(ValueError, match="other bytes"):
        store.receive(A, lambda _digest, folder: fetch(B, folder), verify)
    with pytest.raises(FileNotFoundError, match="manifest"):
        store.receive(A, lambda *_: None, verify)
    assert names(store) == []


def test_a_process_killed_between_download_and_rename_leaves_nothing_half(store: BundleStore) -> None:
    died = subprocess.run([sys.executable, "-c", DIE_BEFORE_THE_RENAME, store.folder], check=False)
    assert died.returncode == -signal.SIGKILL
    (left,) = names(store)
    assert left.startswith(".partial-")
    store.receive(A, fetch, verify)
    age(store, left, hours=0.9)
    assert store.prune([A], NOW) == 0
    age(store, left, hours=1.1)
    assert store.prune([A], NOW) == 1
    assert names(store) == [A]


def test_many_receivers_of_one_bundle_leave_one_bundle(store: BundleStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: store.receive(A, fetch, verify), range(64)))
    assert names(store) == [A]


def test_a_discarded_bundle_is_gone_and_can_be_received_again(store: BundleStore) -> None:
    store.discard(A)
    store.receive(A, fetch, verify)
    store.discard(A)
    assert names(store) == []
    store.receive(A, fetch, verify)
    assert names(store) == [A]


def test_the_pointer_outlives_a_restart_and_an_older_one_never_comes_back(store: BundleStore) -> None:
    assert store.read_pointer("fares") is None
    store.keep_pointer("fares", b"2", Kept((A,), (A,)), lambda _: True)
    store.keep_pointer("fares", b"1", Kept((B,), (B,)), lambda before: before < b"1")
    again = BundleStore(store.folder)
    assert again.list_models() == ["fares"]
    assert (again.read_pointer("fares"), again.read_kept("fares")) == (b"2", Kept((A,), (A,)))


def test_old_bundles_go_when_no_model_keeps_them(store: BundleStore) -> None:
    for digest in (A, B, C):
        store.receive(digest, fetch, verify)
        age(store, digest, hours=2)
    store.keep_pointer("fares", b"1", Kept((A,), (A, B)), lambda _: True)
    assert store.prune([C], NOW) == 0
    assert store.prune([], NOW) == 1
    assert names(store) == [A, B]


def test_a_bundle_that_was_just_fetched_stays_although_nobody_keeps_it_yet(store: BundleStore) -> None:
    store.receive(A, fetch, verify)
    age(store, A, hours=0.5)
    assert store.prune([], NOW) == 0


def test_nothing_goes_while_it_is_unknown_what_a_model_needs(store: BundleStore) -> None:
    store.receive(A, fetch, verify)
    age(store, A, hours=2)
    store.keep_pointer("fares", b"1", Kept((A,), (A,)), lambda _: True)
    (store.folder / "fares" / "kept.json").write_text("{")
    assert store.read_kept("fares") is None
    assert store.prune([], NOW) == 0
    store.keep_pointer("fares", b"1", Kept((A,), (A,)), lambda _: True)
    assert store.read_kept("fares") == Kept((A,), (A,))
