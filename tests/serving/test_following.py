"""Does a service follow what its installation signed, and serve what it served whatever else happens?"""

import base64
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel import bundles_folder, publish_pointer
from millrace.adapters.channel_source import ChannelSource
from millrace.adapters.keys import PUBLIC_KEY, ensure_keys, load_verifier, sign
from millrace.domain.bundle import EXAMPLES_FILE, SCHEMA_FILE, Manifest, digests_of
from millrace.domain.canonical import canonical_json
from millrace.domain.kinds import ColumnType, Task
from millrace.domain.pointer import Arm, ArmRole, Pointer
from millrace.serving.following.follower import LISTING_SECONDS, Follower
from millrace.serving.following.loaded import Loaded
from millrace.serving.following.pause import Pause
from millrace.serving.following.trouble import TroubleKind
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.adapters.remotes import WebServer, running_s3, upload

LOAD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel_source import ChannelSource
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
source = ChannelSource(sys.argv[1])
BundleStore(Path(sys.argv[2])).receive(sys.argv[3], source.fetch_bundle, die)
"""

Packed = tuple[Manifest, dict[str, bytes]]


@pytest.fixture(scope="module")
def packed() -> list[Packed]:
    """Five bundles; the last three differ from the second in what is recorded of them only."""
    config = planted_config(Task.REGRESSION)
    first, second = (pack(train(config, planted_rows(Task.REGRESSION, rows))) for rows in (300, 400))
    return [first, second, *((dataclasses.replace(second[0], seed=seed), second[1]) for seed in (1, 2, 3))]


def changed(packed: Packed, name: str, change: Callable[[Any], Any]) -> Packed:
    """Return a bundle whose own digests are right and whose file `name` is another."""
    files = {**packed[1], name: canonical_json(change(json.loads(packed[1][name]))).encode()}
    return dataclasses.replace(packed[0], files=digests_of(files)), files


class Clock:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Installation:
    """A channel with its keys, and services that follow it."""

    root: Path
    packed: list[Packed]
    bring: Callable[[], None] = lambda: None
    url: str = ""
    models: tuple[str, ...] = ()
    clock: Clock = field(default_factory=Clock)
    handed: list[tuple[int, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channel, self.keys, self.store = self.root / "channel", self.root / "keys", self.root / "store"
        self.url = self.url or str(self.channel)
        self.channel.mkdir()
        ensure_keys(self.keys)

    def publish(
        self,
        generation: int,
        *arms: str | Arm,
        revision: int = 0,
        keys: Path | None = None,
        model: str = "fares",
    ) -> Path:
        full = [Arm(arm, ArmRole.ANSWER, 100) if isinstance(arm, str) else arm for arm in arms]
        pointer = Pointer(model, generation, tuple(full), "f" * 64, revision)
        publish_pointer(self.channel, pointer, partial(sign, keys or self.keys))
        self.bring()
        return self.channel / model / "pointer.json"

    def add(self, packed: Packed) -> str:
        digest = write_bundle(bundles_folder(self.channel), *packed)
        self.bring()
        return digest

    def bundle(self, number: int) -> str:
        return self.add(self.packed[number])

    def follower(self, store: Path | None = None) -> Follower:
        def hand(model: str, loaded: Loaded) -> None:
            assert model == loaded.pointer.model
            assert {arm.digest for arm in loaded.pointer.arms} == loaded.scorers.keys()
            self.handed.append((loaded.pointer.generation, sorted(loaded.scorers)))

        source = ChannelSource(self.url, self.models)
        verify = load_verifier(self.keys / PUBLIC_KEY)
        return Follower(source, BundleStore(store or self.store), verify, hand, 0.01, self.clock)


@pytest.fixture
def ours(tmp_path: Path, packed: list[Packed]) -> Installation:
    return Installation(tmp_path, packed)


@pytest.fixture
def web(ours: Installation) -> Iterator[WebServer]:
    with WebServer(ours.channel).running() as server:
        ours.url = server.url
        yield server


def trouble(follower: Follower) -> tuple[TroubleKind, str] | None:
    state = follower.state("fares")
    assert state is not None
    return (state.trouble.kind, state.trouble.sentence) if state.trouble else None


def serves(follower: Follower) -> int | None:
    state = follower.state("fares")
    return state.pointer.generation if state and state.pointer else None


def assert_stays(follower: Follower, generation: int | None, kind: TroubleKind, found: str) -> None:
    """Look some times: what serves stays, and the trouble is told, and began once."""
    follower.look()
    before = follower.state("fares")
    assert before is not None
    for _ in range(3):
        follower.look()
    assert serves(follower) == generation
    told = trouble(follower)
    assert told is not None
    assert told[0] is kind
    assert found in told[1]
    after = follower.state("fares")
    assert after is not None
    assert (after.pointer, after.trouble) == (before.pointer, before.trouble)


def test_what_is_published_is_loaded_proven_and_handed_over_once(ours: Installation) -> None:
    follower = ours.follower()
    follower.look()
    assert (follower.ready, follower.models, follower.state("fares")) == (True, [], None)
    first, second = ours.bundle(0), ours.bundle(1)
    ours.publish(1, first)
    for _ in range(3):
        follower.look()
    ours.publish(2, Arm(second, ArmRole.ANSWER, 10), Arm(first, ArmRole.ANSWER, 90))
    for _ in range(3):
        follower.look()
    assert ours.handed == [(1, [first]), (2, sorted([first, second]))]
    assert (follower.models, trouble(follower), follower.trouble) == (["fares"], None, None)


def test_settings_that_change_at_one_generation_are_followed(ours: Installation) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    for revision in (4, 9):
        ours.publish(1, first, revision=revision)
        follower.look()
    assert [generation for generation, _ in ours.handed] == [1, 1]
    ours.publish(1, first, revision=5)
    assert_stays(follower, 1, TroubleKind.REFUSED_POINTER, "older than the accepted one")


@pytest.fixture(params=["http", "s3"])
def afar(
    request: pytest.FixtureRequest, ours: Installation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    if request.param == "http":
        request.getfixturevalue("web")
        yield ours
        return
    with running_s3(monkeypatch) as url:
        ours.url, ours.bring = url, lambda: upload(ours.channel, url)
        yield ours


def test_a_channel_elsewhere_is_followed_like_a_folder(afar: Installation) -> None:
    first, second = afar.bundle(0), afar.bundle(1)
    afar.publish(1, first)
    follower = afar.follower()
    follower.look()
    afar.publish(2, second)
    follower.look()
    assert afar.handed == [(1, [first]), (2, [second])]
    afar.publish(1, first)
    assert_stays(follower, 2, TroubleKind.REFUSED_POINTER, "older than")


def test_a_thread_follows_by_itself_and_ends_when_told(ours: Installation) -> None:
    follower = ours.follower()
    ours.publish(1, ours.bundle(0))
    follower.start()
    ours.publish(2, ours.bundle(1))
    deadline = time.monotonic() + 60
    # the first look may find the second pointer already, and is ready only when it is over
    while (serves(follower), follower.ready) != (2, True) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (serves(follower), follower.ready) == (2, True)
    assert follower._thread.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, follower._thread.native_id) == 10
    follower.stop()
    ours.publish(3, ours.bundle(0))
    assert not follower._thread.is_alive()


def test_an_unsigned_pointer_and_a_strangers_are_refused(ours: Installation, tmp_path: Path) -> None:
    follower, first, second = ours.follower(), ours.bundle(0), ours.bundle(1)
    ours.publish(1, first)
    follower.look()
    ensure_keys(tmp_path / "stranger")
    path = ours.publish(2, second, keys=tmp_path / "stranger")
    assert_stays(follower, 1, TroubleKind.REFUSED_POINTER, "its signature is wrong")
    path.write_text(json.dumps({**json.loads(path.read_text()), "signature": ""}))
    assert_stays(follower, 1, TroubleKind.REFUSED_POINTER, "its signature is wrong")
    for content in (b"", b"{}", b"\xff", b"[" * 100_000, b" " * 300_000):
        path.write_bytes(content)
        assert_stays(follower, 1, TroubleKind.REFUSED_POINTER, "")
    ours.publish(2, second)
    follower.look()
    assert (serves(follower), trouble(follower)) == (2, None)


def test_the_pointer_of_another_model_is_refused(ours: Installation) -> None:
    follower = ours.follower()
    ours.publish(1, ours.bundle(0))
    shutil.copytree(ours.channel / "fares", ours.channel / "tolls")
    follower.look()
    state = follower.state("tolls")
    assert state
    assert state.trouble
    assert "is the pointer of fares" in state.trouble.sentence
    assert serves(follower) == 1


def test_a_replayed_older_pointer_stays_refused_after_a_restart(ours: Installation) -> None:
    follower, first, second = ours.follower(), ours.bundle(0), ours.bundle(1)
    older = ours.publish(1, first).read_bytes()
    follower.look()
    path = ours.publish(2, second)
    follower.look()
    path.write_bytes(older)
    needed = "found generation 1 (revision 0), older than the accepted one, needed one newer than 2"
    assert_stays(follower, 2, TroubleKind.REFUSED_POINTER, needed)
    again = ours.follower()
    again.recover()
    assert_stays(again, 2, TroubleKind.REFUSED_POINTER, needed)


def test_a_replayed_older_pointer_is_refused_while_the_newer_bundle_cannot_be_loaded(
    ours: Installation, web: WebServer
) -> None:
    first, second = ours.bundle(0), ours.bundle(1)
    older = ours.publish(1, first).read_bytes()
    ours.follower().look()
    path = ours.publish(2, second)
    ours.follower().look()
    (ours.store / "bundles" / second / "scorer.onnx").write_bytes(b"rot")
    web.faults[second + "/scorer.onnx"] = "corrupt"
    path.write_bytes(older)
    again = ours.follower()
    again.recover()
    assert_stays(again, None, TroubleKind.REFUSED_POINTER, "older than the accepted one")
    web.faults.clear()
    ours.clock.seconds += 60
    assert_stays(again, 2, TroubleKind.REFUSED_POINTER, "older than the accepted one")


def test_another_pointer_of_the_same_age_is_refused(ours: Installation) -> None:
    follower, first, second = ours.follower(), ours.bundle(0), ours.bundle(1)
    ours.publish(1, first)
    follower.look()
    ours.publish(1, second)
    assert_stays(follower, 1, TroubleKind.REFUSED_POINTER, "another pointer than the accepted one")
    ours.publish(1, first)
    follower.look()
    assert trouble(follower) is None


ANSWER, SHADOW = ArmRole.ANSWER, ArmRole.SHADOW


@pytest.mark.parametrize(
    ("arms", "found"),
    [
        ([], "no arm that answers"),
        ([Arm("a" * 64, SHADOW, 100)], "no arm that answers"),
        ([Arm("a" * 64, ANSWER, 0)], "no arm that answers"),
        ([Arm("a" * 64, ANSWER, 50), Arm("a" * 64, SHADOW, 50)], f"bundle {'a' * 12} twice"),
        ([Arm("a" * 64, ANSWER, 101)], "a weight of 101"),
        ([Arm("a" * 64, ANSWER, 50), Arm("b" * 64, ANSWER, -1)], "a weight of -1"),
        ([Arm("../../evil", ANSWER, 100)], "the digest '../../evil'"),
        ([Arm("A" * 64, ANSWER, 100)], "the digest 'AAAA"),
    ],
)
def test_arms_that_cannot_be_served_are_refused(ours: Installation, arms: list[Arm], found: str) -> None:
    ours.publish(1, *arms)
    assert_stays(ours.follower(), None, TroubleKind.REFUSED_POINTER, found)
    assert not list(ours.store.glob("bundles/*"))


def test_a_bundle_that_is_corrupt_in_the_channel_is_tried_less_and_less_often(
    ours: Installation, web: WebServer
) -> None:
    follower, first, second = ours.follower(), ours.bundle(0), ours.bundle(1)
    ours.publish(1, first)
    follower.look()
    web.faults["scorer.onnx"] = "corrupt"
    ours.publish(2, second)
    assert_stays(follower, 1, TroubleKind.BAD_BUNDLE, "bundle file scorer.onnx: found")
    assert web.count("GET", f"{second}/scorer.onnx") == 1
    tries = []
    for second_number in range(200):
        ours.clock.seconds += 1
        follower.look()
        tries.append(web.count("GET", f"{second}/scorer.onnx"))
        assert serves(follower) == 1, second_number
    assert [index + 1 for index in range(200) if tries[index] > (tries[index - 1] if index else 1)] == [
        1, 3, 7, 15, 31, 63, 123, 183,
    ]  # fmt: skip
    assert not (ours.store / "bundles" / second).exists()
    web.faults.clear()
    ours.clock.seconds += 60
    follower.look()
    assert (serves(follower), trouble(follower)) == (2, None)


def test_a_pointer_that_changes_is_tried_at_once(ours: Installation, web: WebServer) -> None:
    follower, first, second = ours.follower(), ours.bundle(0), ours.bundle(1)
    web.faults[f"{first}/scorer.onnx"] = "corrupt"
    ours.publish(1, first)
    assert_stays(follower, None, TroubleKind.BAD_BUNDLE, "generation 1 is not followed")
    ours.publish(2, second)
    follower.look()
    assert (serves(follower), trouble(follower)) == (2, None)


def test_a_bad_bundle_that_is_taken_back_is_forgotten(ours: Installation) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    content = ours.publish(1, first).read_bytes()
    follower.look()
    path = ours.publish(2, "0" * 64)
    assert_stays(follower, 1, TroubleKind.BAD_BUNDLE, "bundle file manifest.json: found nothing in")
    path.write_bytes(content)
    follower.look()
    assert (serves(follower), trouble(follower), len(ours.handed)) == (1, None, 1)


def test_a_bundle_under_the_digest_of_another_is_refused(ours: Installation) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    (ours.channel / "bundles" / first).rename(ours.channel / "bundles" / ("0" * 64))
    ours.publish(1, "0" * 64)
    assert_stays(follower, None, TroubleKind.BAD_BUNDLE, f"manifest.json: found {first}, needed 0000")


def test_a_bundle_that_fails_its_examples_does_not_serve(ours: Installation) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    ours.publish(1, first)
    follower.look()
    wrong = changed(
        ours.packed[1], EXAMPLES_FILE, lambda content: {**content, "answers": [9.0] * len(content["answers"])}
    )
    ours.publish(2, ours.add(wrong))
    assert_stays(follower, 1, TroubleKind.UNPROVEN, "on example 0: found")
    without = changed(ours.packed[1], EXAMPLES_FILE, lambda _: {"rows": [], "answers": []})
    ours.publish(3, ours.add(without))
    assert_stays(follower, 1, TroubleKind.UNPROVEN, "0 rows and 0 answers")
    short = changed(
        ours.packed[1], EXAMPLES_FILE, lambda content: {**content, "rows": [{}] * len(content["rows"])}
    )
    ours.publish(4, ours.add(short))
    assert_stays(follower, 1, TroubleKind.UNEXPECTED, "KeyError")
    shadow = Arm(ours.add(wrong), ArmRole.SHADOW, 100)
    ours.publish(5, first, shadow)
    assert_stays(follower, 1, TroubleKind.UNPROVEN, "on example 0: found")


def test_the_name_of_a_key_column_is_only_a_name(ours: Installation) -> None:
    column = {"name": "../../../a-key", "type": ColumnType.STRING, "nullable": False}
    evil = changed(ours.packed[1], SCHEMA_FILE, lambda schema: {**schema, "key": [column]})
    # as a bundle is written: with what the types of today leave out
    follower = ours.follower()
    ours.publish(1, ours.add(evil))
    follower.look()
    assert serves(follower) == 1
    assert not list(ours.root.parent.rglob("*a-key*"))


def test_a_vanished_pointer_and_a_vanished_channel_leave_what_serves(ours: Installation) -> None:
    follower = ours.follower()
    path = ours.publish(1, ours.bundle(0))
    follower.look()
    content = path.read_bytes()
    path.unlink()
    assert_stays(follower, 1, TroubleKind.NO_POINTER, "generation 1 stays")
    path.write_bytes(content)
    follower.look()
    assert trouble(follower) is None
    ours.channel.rename(ours.root / "away")
    assert_stays(follower, 1, TroubleKind.UNREACHABLE, "no such folder")
    assert follower.trouble is not None
    (ours.root / "away").rename(ours.channel)
    follower.look()
    assert (trouble(follower), follower.trouble) == (None, None)


def test_a_model_that_was_named_and_has_no_pointer_is_told(ours: Installation) -> None:
    ours.models = ("fares",)
    assert_stays(ours.follower(), None, TroubleKind.NO_POINTER, "nothing of it serves")


def test_it_starts_and_answers_with_the_channel_gone(ours: Installation, web: WebServer) -> None:
    first, second = ours.bundle(0), ours.bundle(1)
    ours.publish(1, first)
    ours.follower().look()
    ours.publish(2, Arm(second, ArmRole.ANSWER, 100), Arm(first, ArmRole.SHADOW, 5))
    ours.follower().look()
    web.shutdown()
    web.server_close()
    again = ours.follower()
    again.recover()
    assert (again.ready, serves(again), ours.handed[-1]) == (True, 2, (2, sorted([first, second])))
    assert_stays(again, 2, TroubleKind.UNREACHABLE, ours.url)


def test_a_store_that_rotted_is_filled_from_the_channel(ours: Installation) -> None:
    first = ours.bundle(0)
    ours.publish(1, first)
    ours.follower().look()
    scorer = ours.store / "bundles" / first / "scorer.onnx"
    good = scorer.read_bytes()
    for rot in (
        lambda: scorer.write_bytes(b"rot"),
        scorer.unlink,
        lambda: shutil.rmtree(scorer.parent),
    ):
        rot()
        again = ours.follower()
        again.recover()
        assert serves(again) is None
        told = trouble(again)
        assert told
        assert told[0] is TroubleKind.BAD_BUNDLE
        again.look()
        assert (serves(again), trouble(again), scorer.read_bytes()) == (1, None, good)


def test_a_pointer_in_the_store_that_nobody_signed_is_not_served(ours: Installation) -> None:
    ours.publish(1, ours.bundle(0))
    ours.follower().look()
    kept = ours.store / "fares" / "pointer.json"
    good = kept.read_bytes()
    content = json.loads(good)
    for bad in (b"", json.dumps({**content, "signature": base64.b64encode(b"x" * 64).decode()}).encode()):
        kept.write_bytes(bad)
        again = ours.follower()
        again.recover()
        assert (serves(again), again.ready) == (None, False)
        told = trouble(again)
        assert told
        assert told[0] is TroubleKind.STORE
        again.look()
        assert (serves(again), trouble(again), kept.read_bytes()) == (1, None, good)


def test_a_rollback_loads_nothing_and_a_restart_keeps_it_so(ours: Installation) -> None:
    digests = [ours.bundle(number) for number in range(5)]
    follower = ours.follower()
    for generation, digest in enumerate(digests, 1):
        ours.publish(generation, digest)
        follower.look()
    state = follower.state("fares")
    assert state is not None
    assert set(state.digests) == set(digests[2:])
    again = ours.follower()
    again.recover()
    for _ in range(3):
        again.look()
    state = again.state("fares")
    assert state is not None
    assert set(state.digests) == set(digests[2:])
    for folder in (ours.channel / "bundles", ours.store / "bundles"):
        shutil.rmtree(folder)
    ours.publish(6, digests[3])
    again.look()
    assert (serves(again), trouble(again), ours.handed[-1]) == (6, None, (6, [digests[3]]))


def test_bundles_of_the_last_champions_stay_on_disk_and_older_ones_go(ours: Installation) -> None:
    digests = [ours.bundle(number) for number in range(5)]
    follower = ours.follower()
    for generation, digest in enumerate(digests, 1):
        ours.publish(generation, digest)
        follower.look()
        os.utime(ours.store / "bundles" / digest, (0, 0))
    assert sorted(path.name for path in (ours.store / "bundles").iterdir()) == sorted(digests[2:])


def test_what_a_dead_download_left_goes_within_an_hour_although_nothing_changes(ours: Installation) -> None:
    follower = ours.follower()
    follower.look()
    left = ours.store / "bundles" / ".partial-dead"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    ours.clock.seconds += 3599
    follower.look()
    assert left.exists()
    ours.clock.seconds += 1
    follower.look()
    assert not left.exists()


def test_a_store_that_cannot_be_written_is_told_and_does_not_stop_what_is_warm(ours: Installation) -> None:
    first, second = ours.bundle(0), ours.bundle(1)
    follower = ours.follower()
    for generation, digest in ((1, first), (2, second)):
        ours.publish(generation, digest)
        follower.look()
    shutil.move(ours.store / "fares", ours.root / "fares")
    (ours.store / "fares").write_text("a file where a folder was needed")
    ours.publish(3, first)
    assert_stays(follower, 3, TroubleKind.STORE, "serves, but would not after a restart: ")
    (ours.store / "fares").unlink()
    ours.clock.seconds += 1
    follower.look()
    assert trouble(follower) is None
    again = ours.follower()
    again.recover()
    assert serves(again) == 3


def test_a_process_killed_between_download_and_rename_leaves_nothing_half(ours: Installation) -> None:
    first = ours.bundle(0)
    ours.publish(1, first)
    command = [sys.executable, "-c", LOAD_AND_DIE, ours.url, ours.store, first]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (ours.store / "bundles" / first).exists()
    again = ours.follower()
    again.recover()
    again.look()
    assert (serves(again), trouble(again)) == (1, None)


def test_two_services_share_one_store(ours: Installation) -> None:
    one, two = ours.follower(), ours.follower()
    for follower in (one, two):
        follower.start()
    for generation in range(1, 9):
        ours.publish(generation, ours.bundle(generation % 3))
        deadline = time.monotonic() + 60
        while {serves(one), serves(two)} != {generation} and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (serves(one), serves(two)) == (generation, generation)
    for follower in (one, two):
        follower.stop()
    assert (trouble(one), trouble(two)) == (None, None)
    again = ours.follower()
    again.recover()
    assert serves(again) == 8


def test_the_slower_of_two_services_does_not_put_an_older_pointer_back(ours: Installation) -> None:
    first, second = ours.bundle(0), ours.bundle(1)
    slow, fast = ours.follower(), ours.follower()
    older = ours.publish(1, first).read_bytes()
    slow._list()
    path = ours.publish(2, second)
    fast.look()
    path.write_bytes(older)
    slow.look()
    assert (serves(slow), serves(fast)) == (1, 2)
    again = ours.follower()
    again.recover()
    assert serves(again) == 2


def test_one_broken_model_does_not_hold_up_another(ours: Installation, web: WebServer) -> None:
    ours.publish(1, ours.bundle(0))
    (ours.channel / "aaa").mkdir()
    (ours.channel / "aaa" / "pointer.json").write_bytes(b"x")
    web.faults["aaa/pointer.json"] = "500"
    follower = ours.follower()
    follower.look()
    assert serves(follower) == 1
    state = follower.state("aaa")
    assert state
    assert state.trouble
    assert state.trouble.kind is TroubleKind.UNREACHABLE


def test_a_trouble_is_logged_when_it_changes_and_not_at_every_look(
    ours: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="millrace")
    follower = ours.follower()
    path = ours.publish(1, ours.bundle(0))
    follower.look()
    good = path.read_bytes()
    path.write_bytes(b"x")
    for _ in range(10):
        follower.look()
    path.write_bytes(good)
    for _ in range(10):
        follower.look()
    told = [record.getMessage() for record in caplog.records]
    assert [text.partition(str(ours.channel))[0] for text in told] == [
        "fares: serves generation 1",
        "fares: refused_pointer: ",
        "fares: over: ",
    ]


def test_names_that_leave_a_listing_and_never_had_a_pointer_are_forgotten(ours: Installation) -> None:
    follower = ours.follower()
    ours.publish(1, ours.bundle(0))
    (ours.channel / "empty").mkdir()
    broken = ours.channel / "broken" / "pointer.json"
    broken.parent.mkdir()
    broken.write_bytes(b"x")
    follower.look()
    assert set(follower._models) == {"fares", "empty", "broken"}
    for name in ("fares", "empty", "broken"):
        (ours.channel / name).rename(ours.root / name)
    follower.look()
    assert set(follower._models) == {"fares"}
    assert trouble(follower) == (TroubleKind.NO_POINTER, trouble(follower)[1])  # type: ignore[index]
    # the same bytes are judged anew: nothing is remembered of what was forgotten
    (ours.root / "broken").rename(ours.channel / "broken")
    follower.look()
    state = follower.state("broken")
    assert state is not None
    assert state.trouble is not None
    assert state.trouble.kind is TroubleKind.REFUSED_POINTER


def test_a_listing_without_end_is_cut_and_told(ours: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millrace.serving.following.follower.MODELS", 2)
    for name in ("aaa", "zzz"):
        (ours.channel / name).mkdir()
    ours.publish(1, ours.bundle(0))
    follower = ours.follower()
    follower.look()
    assert (set(follower._models), serves(follower)) == ({"aaa", "fares"}, 1)
    assert follower.trouble is not None
    assert "3 models are listed, 2 at most are followed" in follower.trouble.sentence
    (ours.channel / "aaa").rmdir()
    follower.look()
    assert (set(follower._models), follower.trouble) == ({"fares", "zzz"}, None)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def following(ours: Installation) -> Iterator[Callable[[], Follower]]:
    """Followers with their threads, which end with the test."""
    started: list[Follower] = []

    def begin() -> Follower:
        started.append(ours.follower())
        started[-1].start()
        return started[-1]

    yield begin
    for follower in started:
        follower.stop()


def test_a_rollback_to_a_warm_bundle_waits_for_no_download(
    ours: Installation, web: WebServer, following: Callable[[], Follower]
) -> None:
    first, second, third, fourth = (ours.bundle(number) for number in range(4))
    follower = following()
    ours.publish(1, first)
    wait_until(lambda: serves(follower) == 1)
    ours.publish(2, second)
    wait_until(lambda: serves(follower) == 2)
    web.faults[f"{third}/scorer.onnx"] = "drip"
    ours.publish(1, third, model="aaa")
    ours.clock.seconds += LISTING_SECONDS
    wait_until(lambda: web.count("GET", f"{third}/scorer.onnx") == 1)
    ours.publish(3, first)
    wait_until(lambda: serves(follower) == 3)
    # its own download holds it up no more than another's
    ours.publish(4, fourth)
    ours.publish(5, second)
    wait_until(lambda: serves(follower) == 5)
    slow = follower.state("aaa")
    assert slow is None or slow.pointer is None
    assert web.dripping == 1
    web.faults.clear()
    web.is_dripping.clear()
    wait_until(lambda: (state := follower.state("aaa")) is not None and state.pointer is not None)
    assert (serves(follower), trouble(follower)) == (5, None)


def test_it_is_ready_only_when_what_is_loaded_elsewhere_has_been_tried(
    ours: Installation, web: WebServer, following: Callable[[], Follower]
) -> None:
    first = ours.bundle(0)
    web.faults[f"{first}/scorer.onnx"] = "drip"
    ours.publish(1, first)
    follower = following()
    wait_until(lambda: web.dripping == 1)
    looks = web.count("HEAD", "fares/pointer.json")
    wait_until(lambda: web.count("HEAD", "fares/pointer.json") > looks + 2)
    assert not follower.ready
    web.is_dripping.clear()
    wait_until(lambda: follower.ready)
    assert serves(follower) == 1


def with_column(packed: Packed, **changes: object) -> Packed:
    def change(schema: dict[str, Any]) -> dict[str, Any]:
        first, *others = schema["inputs"]
        return {**schema, "inputs": [{**first, **changes}, *others]}

    return changed(packed, SCHEMA_FILE, change)


def test_answering_arms_that_want_a_column_of_another_type_do_not_serve_together(ours: Installation) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    ours.publish(1, first)
    follower.look()
    other = ours.add(with_column(ours.packed[1], type="int"))
    ours.publish(2, Arm(first, ANSWER, 90), Arm(other, ANSWER, 10))
    assert_stays(follower, 1, TroubleKind.BAD_BUNDLE, "type of column ")
    told = trouble(follower)
    assert told is not None
    assert f"of the answering bundle {other[:12]}: found " in told[1]
    assert f"as in {first[:12]}" in told[1]
    ours.publish(3, first, Arm(other, SHADOW, 100))
    follower.look()
    assert (serves(follower), trouble(follower)) == (3, None)


@pytest.mark.parametrize("changes", [{"max": 1e9}, {"min": -1e9}, {"nullable": False}])
def test_answering_arms_that_allow_more_or_less_serve_together(
    ours: Installation, changes: dict[str, Any]
) -> None:
    follower, first = ours.follower(), ours.bundle(0)
    other = ours.add(with_column(ours.packed[1], **changes))
    ours.publish(1, Arm(other, ANSWER, 10), Arm(first, ANSWER, 90))
    follower.look()
    assert (serves(follower), trouble(follower)) == (1, None)


def test_a_pause_doubles_up_to_a_minute_and_starts_anew() -> None:
    clock = Clock()
    pause = Pause(clock)
    waits = []
    for _ in range(9):
        assert pause.is_over
        pause.begin()
        waits.append(0)
        while not pause.is_over:
            clock.seconds += 1
            waits[-1] += 1
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    pause.begin()
    pause.reset()
    assert pause.is_over
