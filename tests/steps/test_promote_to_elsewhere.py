"""The same by an object store: what is offered there comes here byte for byte, or not at all."""

import logging
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flows.controller.mirrors import Mirrors
from flows.controller.pace import Pace
from flows.controller.telling import Teller
from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.domain.facts import VersionOffered
from millrace.domain.offer import offer_name
from millrace.errors import UnavailableError
from millrace.steps.doctor import Health, examine
from millrace.steps.offering import OfferNotSentError, offer_version
from millrace.steps.offers import OffersRefusedError, receive_offers
from millrace.steps.reconcile import reconcile_model
from millrace.steps.remote_channel import find_remote_troubles
from tests.conftest import NOON
from tests.object_store import make_bucket, serving_s3
from tests.steps.two_homes import MODEL, REASON, TwoHomes, about, received, take_in_offers


@dataclass
class Bucket:
    """The channel of production: `url`, and its files by their names there."""

    url: str
    files: Any
    root: str

    def read(self, name: str) -> bytes:
        return bytes(self.files.cat_file(f"{self.root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        self.files.pipe_file(f"{self.root}/{name}", content)

    def flip_a_byte(self, name: str) -> None:
        content = self.read(name)
        self.write(name, content[:-1] + bytes([content[-1] ^ 1]))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with serving_s3() as address:
        yield address


@pytest.fixture
def bucket(s3: str) -> Bucket:
    url = f"{make_bucket(s3)}/channel"
    return Bucket(url, *fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False))


@pytest.fixture(autouse=True)
def trusted(homes: TwoHomes) -> None:
    """Production trusts staging."""
    homes.trust()


def watch(homes: TwoHomes, bucket: Bucket) -> None:
    """Work in production, whose remote channel is the bucket."""
    homes.at(homes.production)
    homes.patch.setenv("MILLRACE_CHANNEL", bucket.url)


def test_the_bundle_comes_with_the_offer_and_the_controller_asks_for_it(
    homes: TwoHomes, bucket: Bucket
) -> None:
    digest = homes.offer(bucket.url).offer.digest
    watch(homes, bucket)
    assert find_remote_troubles() == {MODEL: f"an offer of version {digest[:12]}, which was not taken in"}
    Mirrors(Teller(), Pace()).compare_remote()
    assert [fact.digest for fact in received()] == [digest]
    assert verify_bundle(bundles_folder(homes.channel), digest).model == MODEL
    assert find_remote_troubles() == {}
    assert take_in_offers() == []


def test_it_is_offered_again_as_it_was(homes: TwoHomes, bucket: Bucket) -> None:
    offered = homes.offer(bucket.url)
    name = offer_name(MODEL, offered.offer.digest)
    content = bucket.read(name)
    assert (homes.offer(bucket.url).is_new, bucket.read(name)) == (False, content)
    homes.at(homes.staging)
    assert len(homes.staging.facts(MODEL, VersionOffered)) == 1


def test_other_bytes_of_the_same_size_that_lay_there_are_replaced(homes: TwoHomes, bucket: Bucket) -> None:
    digest = homes.offer(bucket.url).offer.digest
    bucket.flip_a_byte(f"bundles/{digest}/scorer.onnx")
    watch(homes, bucket)
    with pytest.raises(OffersRefusedError, match=r"its bundle has a wrong scorer\.onnx"):
        receive_offers(MODEL, NOON)
    assert not (bundles_folder(homes.channel) / digest).exists()
    homes.offer(bucket.url)
    watch(homes, bucket)
    assert take_in_offers() == [digest]


def test_bytes_that_have_rotted_here_are_fetched_again(homes: TwoHomes, bucket: Bucket) -> None:
    digest = homes.offer(bucket.url).offer.digest
    watch(homes, bucket)
    half = bundles_folder(homes.channel) / digest
    half.mkdir(parents=True)
    (half / "scorer.onnx").write_bytes(b"half of it")
    assert take_in_offers() == [digest]
    verify_bundle(bundles_folder(homes.channel), digest)


def test_an_offer_whose_bundle_is_not_there_is_refused(homes: TwoHomes, bucket: Bucket) -> None:
    digest = homes.offer(bucket.url).offer.digest
    bucket.files.rm(f"{bucket.root}/bundles/{digest}", recursive=True)
    watch(homes, bucket)
    with pytest.raises(OffersRefusedError, match=r"wrong manifest\.json .*found nothing in s3://"):
        receive_offers(MODEL, NOON)
    assert received() == []


@pytest.mark.parametrize("content", [b"", b"{", b" " * (5 << 20)])
def test_what_is_no_offer_is_refused_there_too(homes: TwoHomes, bucket: Bucket, content: bytes) -> None:
    bucket.write(offer_name(MODEL, "0" * 64), content)
    bucket.write(f"{MODEL}/offers/notes.txt", b"not looked at")
    watch(homes, bucket)
    words = "has more than 4,194,304 bytes" if len(content) > 1 else "is not a signed offer"
    with pytest.raises(OffersRefusedError, match=f"{bucket.url}/{MODEL}/offers/0+.json: {words}"):
        receive_offers(MODEL, NOON)


def test_doctor_says_what_waits_there_also_for_a_model_that_is_not_here(
    homes: TwoHomes, bucket: Bucket
) -> None:
    bucket.write(offer_name("trips", "0" * 64), b"{}")
    watch(homes, bucket)
    [channel] = [one for one in examine() if one.subject == "channel"]
    assert (channel.health, "trips: no such model here: add its folder" in channel.finding) == (
        Health.WRONG,
        True,
    )


def test_doctor_says_why_what_lies_there_is_not_taken(homes: TwoHomes, bucket: Bucket) -> None:
    def found() -> str:
        return next(one.finding for one in examine() if one.subject == "channel")

    digest = homes.offer(bucket.url).offer.digest
    watch(homes, bucket)
    assert f"version {digest[:12]}, offered by staging, waits to be taken in. Run" in found()
    homes.trusted_key.unlink()
    assert f"{MODEL}/offers/{digest}.json: no key that is trusted here has signed it" in found()


def test_the_controller_asks_for_each_model_of_ours_and_for_no_name_that_somebody_has_written_there(
    homes: TwoHomes, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("--help", "trips", MODEL, "progression"):
        bucket.write(offer_name(name, "0" * 64), b"{}")
    watch(homes, bucket)
    assert list(find_remote_troubles()) == [MODEL, "progression"]
    with caplog.at_level(logging.WARNING, "millrace.controller"):
        Mirrors(Teller(), Pace()).compare_remote()
    told = [one.getMessage() for one in caplog.records if one.name == "millrace.controller"]
    assert [line.partition(" at the remote channel: ")[0] for line in told] == [MODEL, "progression"]
    assert all("is not a signed offer" in line for line in told)


@pytest.fixture
def out_of_reach(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address where nobody answers."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    return f"s3://nowhere/{port}"


def test_a_channel_that_does_not_answer_is_offered_nothing(homes: TwoHomes, out_of_reach: str) -> None:
    homes.at(homes.staging)
    with pytest.raises(OfferNotSentError, match=r"channel s3://nowhere/.* run the same command again"):
        offer_version(out_of_reach, MODEL, None, REASON, "a run", NOON)
    assert homes.staging.facts(MODEL, VersionOffered) == []


def test_what_this_machine_is_offered_is_taken_while_the_remote_does_not_answer(
    homes: TwoHomes, out_of_reach: str
) -> None:
    digest = homes.offer().offer.digest
    homes.patch.setenv("MILLRACE_CHANNEL", out_of_reach)
    with pytest.raises(UnavailableError, match="channel s3://nowhere/"):
        reconcile_model(MODEL, "by hand", NOON)
    assert [fact.digest for fact in received()] == [digest]


def test_a_mounted_folder_with_other_files_beside_the_models_is_a_remote_too(
    homes: TwoHomes, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "README.txt").write_text("what this folder is")
    digest = homes.offer(str(mounted)).offer.digest
    homes.at(homes.production)
    homes.patch.setenv("MILLRACE_CHANNEL", str(mounted))
    assert list(find_remote_troubles()) == [MODEL]
    assert take_in_offers() == [digest]
    assert find_remote_troubles() == {}


def test_what_cannot_be_fetched_keeps_no_other_offer_waiting(homes: TwoHomes, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    offer = homes.offer(str(mounted)).offer
    for digest, place in (("0" * 64, "bundle"), ("1" * 64, "offer")):
        path = mounted / offer_name(MODEL, digest)
        if place == "offer":
            path.mkdir()
        else:
            shutil.copyfile(homes.write(about(offer, digest), homes.staging_keys), path)
            homes.offer_path(digest).unlink()
            (mounted / "bundles" / digest / "manifest.json").mkdir(parents=True)
    homes.patch.setenv("MILLRACE_CHANNEL", f"file://{mounted}")
    with pytest.raises(OffersRefusedError) as refused:
        receive_offers(MODEL, NOON)
    assert "000.json: its bundle cannot be fetched (" in str(refused.value)
    assert "111.json: cannot be read (" in str(refused.value)
    assert [fact.digest for fact in received()] == [offer.digest]


def test_no_secret_of_an_address_is_told(homes: TwoHomes) -> None:
    told = homes.offer("memory://ann:secret@host/channel?key=secret").channel
    homes.at(homes.staging)
    [offered] = homes.staging.facts(MODEL, VersionOffered)
    assert isinstance(offered, VersionOffered)
    assert told == offered.channel == "memory://***@host/channel?***"
