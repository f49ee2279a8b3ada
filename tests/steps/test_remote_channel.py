"""Services elsewhere are told what those here are told; when they cannot be, nothing here waits for it."""

import logging
import socket
from collections.abc import Iterator

import fsspec
import pytest

from flows.controller.mirrors import Mirrors
from flows.controller.pace import Pace
from flows.controller.telling import Teller
from millrace.cli.rollback import rollback
from millrace.domain.facts import MirrorRepaired
from millrace.errors import UnavailableError
from millrace.settings import load_settings
from millrace.steps.doctor import Health, examine
from millrace.steps.offline_rollback import list_offline_rollbacks
from millrace.steps.reconcile import reconcile_model
from millrace.steps.remote_channel import copy_to_remote, find_remote_troubles
from millrace.steps.serve import publish_serving, roll_back
from millrace.steps.stores import catalogue
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in
from tests.object_store import make_bucket, serving_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with serving_s3() as address:
        yield address


@pytest.fixture
def remote(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The remote channel of this installation: an empty bucket."""
    url = f"{make_bucket(s3)}/channel"
    monkeypatch.setenv("MILLRACE_CHANNEL", url)
    return url


@pytest.fixture
def out_of_reach(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A remote channel at a port where nobody answers."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        monkeypatch.setenv("MILLRACE_CHANNEL", f"s3://nowhere/{port}")
        yield


@pytest.fixture
def two_champions(fares: Home) -> Home:
    take_in("fares", NOON)
    retrain("fares", NOON, in_catalogue=True)
    fares.learn_from("fares", "distance_km", "tariff")
    retrain("fares", NOON, force=True, in_catalogue=True)
    return fares


def local(model: str = "fares") -> bytes:
    return (load_settings().channel / model / "pointer.json").read_bytes()


def files_at(url: str) -> dict[str, bytes]:
    files, root = fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
    return {path.removeprefix(f"{root}/"): files.cat_file(path) for path in files.find(root)}


def test_the_pointer_and_every_byte_of_its_bundle_are_copied(two_champions: Home, remote: str) -> None:
    publish_serving("fares", NOON)
    champion = two_champions.serving("fares").champion
    folder = load_settings().channel / "bundles" / str(champion)
    expected = {f"bundles/{champion}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    assert files_at(remote) == expected | {"fares/pointer.json": local()}
    assert find_remote_troubles() == {}


def test_a_rollback_by_hand_is_told_there_too(two_champions: Home, remote: str) -> None:
    publish_serving("fares", NOON)
    before = files_at(remote)["fares/pointer.json"]
    rollback("fares", reason="it overcharges")
    after = files_at(remote)
    assert after["fares/pointer.json"] == local() != before
    assert f"bundles/{two_champions.serving('fares').champion}/manifest.json" in after


def test_an_offline_rollback_is_told_there_too(two_champions: Home, remote: str) -> None:
    publish_serving("fares", NOON)
    rollback("fares", reason="it overcharges", offline=True)
    files = files_at(remote)
    assert files["fares/pointer.json"] == local()
    [made] = list_offline_rollbacks("fares")
    assert f"bundles/{made.digest}/manifest.json" in files


def test_an_offline_rollback_says_that_the_remote_is_to_follow(
    two_champions: Home, out_of_reach: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        rollback("fares", reason="it overcharges", offline=True)
    assert list_offline_rollbacks("fares")
    [told] = [record.getMessage() for record in caplog.records if "remote channel" in record.getMessage()]
    assert "fares: the remote channel is to follow by `millrace reconcile`: channel s3://nowhere/" in told


def test_what_was_lost_there_is_found_and_repaired_once(two_champions: Home, remote: str) -> None:
    assert list(find_remote_troubles()) == ["fares"]
    assert [one.mirror for one in reconcile_model("fares", "by hand", NOON).repaired] == ["remote channel"]
    files, root = fsspec.core.url_to_fs(remote, skip_instance_cache=True)
    champion = str(two_champions.serving("fares").champion)
    files.rm_file(f"{root}/bundles/{champion}/scorer.onnx")
    files.pipe_file(f"{root}/fares/pointer.json", b"{")
    assert find_remote_troubles()["fares"].startswith("not the pointer of revision ")
    [repaired] = reconcile_model("fares", "by hand", NOON).repaired
    assert repaired == MirrorRepaired("remote channel", f"bundle {champion[:12]} lacked scorer.onnx")
    assert files_at(remote)["fares/pointer.json"] == local()
    assert reconcile_model("fares", "by hand", NOON).repaired == ()
    assert find_remote_troubles() == {}


def test_a_remote_out_of_reach_stops_no_rollback_and_no_publication_here(
    two_champions: Home, out_of_reach: None, caplog: pytest.LogCaptureFixture
) -> None:
    before = local()
    roll_back("fares", "it overcharges", NOON)
    with caplog.at_level(logging.WARNING):
        publish_serving("fares", NOON)
    assert local() != before
    [told] = [record.getMessage() for record in caplog.records if "remote channel" in record.getMessage()]
    assert "fares: the remote channel is to follow by `millrace reconcile`: channel s3://nowhere/" in told


def test_reconcile_repairs_all_else_before_it_says_that_the_remote_is_out_of_reach(
    two_champions: Home, out_of_reach: None
) -> None:
    (load_settings().channel / "fares" / "pointer.json").unlink()
    catalogue()._client.delete_registered_model_alias("fares", "champion")
    with pytest.raises(UnavailableError, match="channel s3://nowhere/"):
        reconcile_model("fares", "by hand", NOON)
    assert [fact.mirror for fact in two_champions.facts("fares", MirrorRepaired)] == ["pointer", "alias"]
    assert local()


def test_the_controller_brings_back_what_was_lost_there(two_champions: Home, remote: str) -> None:
    Mirrors(Teller(), Pace()).compare_remote()
    assert files_at(remote)["fares/pointer.json"] == local()
    assert two_champions.kinds("fares")[-1] == "MirrorRepaired"


def test_doctor_looks_at_the_remote(two_champions: Home, remote: str) -> None:
    def found() -> tuple[Health, str]:
        return next((one.health, one.finding) for one in examine() if one.subject == "channel")

    health, finding = found()
    assert health is Health.WRONG
    assert f"{remote} has fares: not the pointer of revision" in finding
    copy_to_remote("fares")
    assert found() == (Health.OK, f"{remote} has the pointers of this machine")


def test_doctor_says_that_the_remote_is_out_of_reach(home: Home, out_of_reach: None) -> None:
    take_in("progression", NOON)
    retrain("progression", NOON)
    [channel] = [one for one in examine() if one.subject == "channel"]
    assert (channel.health, channel.finding.startswith("channel s3://nowhere/")) == (Health.WRONG, True)


def test_without_a_remote_nothing_is_copied_or_wrong(two_champions: Home) -> None:
    assert copy_to_remote("fares") is None
    assert find_remote_troubles() == {}
