"""Does a service read the same channel from a folder, a web server and S3, and only what belongs to it?"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from millrace.adapters.channel_source import (
    ChannelSource,
    OversizedFileError,
    UnreachableChannelError,
    Unread,
    UnusableAddressError,
)
from millrace.domain.bundle import CodeDigests, CorruptBundleError, Engine, Manifest, digests_of
from millrace.domain.canonical import canonical_json
from millrace.domain.kinds import Task
from tests.adapters.remotes import WebServer, running_s3, upload

POINTER = "fares/pointer.json"


@dataclass
class Channel:
    """A folder, and where and how a service reads it."""

    root: Path
    url: str
    bring: Callable[[], None] = lambda: None

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(".partial")
        partial.write_bytes(content)
        partial.replace(path)
        self.bring()

    def remove(self, name: str) -> None:
        (self.root / name).unlink()
        self.bring()

    def write_bundle(self, files: dict[str, bytes], also_named: str | None = None) -> str:
        manifest = Manifest(
            "fares",
            Task.BINARY,
            Engine.ONNX,
            digests_of(files) | ({} if also_named is None else {also_named: "e" * 64}),
            "d" * 64,
            ("2013-01-01",),
            CodeDigests("a", "b", "c", "d", "e"),
            7,
            {"python": "3"},
        )
        content = {**files, "manifest.json": canonical_json(manifest).encode()}
        for name, data in content.items():
            self.write(f"bundles/{manifest.digest}/{name}", data)
        return manifest.digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "channel"
    root.mkdir()
    return root


@pytest.fixture
def web(root: Path) -> Iterator[WebServer]:
    with WebServer(root).running() as server:
        yield server


@pytest.fixture(params=["folder", "http", "s3", "memory"])
def channel(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    match request.param:
        case "folder":
            yield Channel(root, str(root))
        case "http":
            yield Channel(root, request.getfixturevalue("web").url)
        case "s3":
            with running_s3(monkeypatch) as url:
                yield Channel(root, url, lambda: upload(root, url))
        case "memory":
            files, place = fsspec.filesystem("memory"), f"/{uuid4().hex}"

            def copy_all() -> None:
                files.store.clear()
                for path in (each for each in root.rglob("*") if each.is_file()):
                    files.pipe_file(f"{place}/{path.relative_to(root).as_posix()}", path.read_bytes())

            yield Channel(root, f"memory:/{place}", copy_all)


def test_a_pointer_is_read_when_it_changes_and_only_then(channel: Channel) -> None:
    channel.write(POINTER, b"first")
    source = ChannelSource(channel.url)
    assert [source.read_pointer("fares") for _ in range(3)] == [b"first", Unread.UNCHANGED, Unread.UNCHANGED]
    channel.write(POINTER, b"other")
    assert [source.read_pointer("fares") for _ in range(2)] == [b"other", Unread.UNCHANGED]
    assert source.read_pointer("tolls") is Unread.ABSENT
    channel.remove(POINTER)
    assert source.read_pointer("fares") is Unread.ABSENT
    channel.write(POINTER, b"other")
    assert source.read_pointer("fares") == b"other"


def test_models_are_listed_and_nothing_else_is(channel: Channel) -> None:
    for name in (
        "fares/pointer.json",
        "tolls/pointer.json",
        "bundles/aa/manifest.json",
        "Odd Name/pointer.json",
    ):
        channel.write(name, b"{}")
    source = ChannelSource(channel.url)
    assert source.list_models() == ["fares", "tolls"]
    channel.write("delays/pointer.json", b"{}")
    assert source.list_models() == ["delays", "fares", "tolls"]
    assert ChannelSource(channel.url, ("tolls",)).list_models() == ["tolls"]


def test_a_bundle_is_fetched_byte_for_byte(channel: Channel, tmp_path: Path) -> None:
    files = {"scorer.onnx": os.urandom(3_000_000), "schema.json": b"{}"}
    digest = channel.write_bundle(files)
    (tmp_path / "into").mkdir()
    ChannelSource(channel.url).fetch_bundle(digest, tmp_path / "into")
    found = {path.name: path.read_bytes() for path in (tmp_path / "into").iterdir()}
    assert found.pop("manifest.json")
    assert found == files


def test_a_file_that_is_missing_is_told_by_name(channel: Channel, tmp_path: Path) -> None:
    digest = channel.write_bundle({"scorer.onnx": b"graph", "schema.json": b"{}"})
    channel.remove(f"bundles/{digest}/schema.json")
    with pytest.raises(CorruptBundleError, match=r"bundle file schema\.json: found nothing in"):
        ChannelSource(channel.url).fetch_bundle(digest, tmp_path)
    with pytest.raises(CorruptBundleError, match=r"bundle file manifest\.json: found nothing in"):
        ChannelSource(channel.url).fetch_bundle("0" * 64, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../evil", "/root/evil", "a/evil", "..", "", ".hidden", "a\\b", "a\0b", "a?b", "a%2fb", "manifest.json"],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_fetched(
    root: Path, tmp_path: Path, name: str
) -> None:
    channel = Channel(root, str(root))
    digest = channel.write_bundle({"scorer.onnx": b"graph"}, also_named=name)
    channel.write("bundles/evil", b"evil")
    (tmp_path / "into").mkdir()
    with pytest.raises(CorruptBundleError, match="needed the plain name of a file"):
        ChannelSource(channel.url).fetch_bundle(digest, tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["manifest.json"]
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("digest", ["../../etc", "A" * 64, "a" * 63, "", "a" * 64 + "/.."])
def test_only_a_digest_names_a_bundle(root: Path, tmp_path: Path, digest: str) -> None:
    with pytest.raises(CorruptBundleError, match="needed a SHA-256 in hexadecimal"):
        ChannelSource(str(root)).fetch_bundle(digest, tmp_path)


@pytest.mark.parametrize("model", ["../fares", "Fares", "", "fares/../fares", "."])
def test_only_a_plain_name_names_a_model(root: Path, model: str) -> None:
    Channel(root, str(root)).write(POINTER, b"{}")
    assert ChannelSource(str(root / "fares")).read_pointer(model) is Unread.ABSENT


def test_a_manifest_of_another_digest_names_no_file_to_fetch(root: Path, tmp_path: Path) -> None:
    digest = Channel(root, str(root)).write_bundle({"scorer.onnx": b"graph"})
    (root / "bundles" / digest).rename(root / "bundles" / ("0" * 64))
    with pytest.raises(CorruptBundleError, match=f"manifest.json: found {digest}, needed 0000"):
        ChannelSource(str(root)).fetch_bundle("0" * 64, tmp_path)
    assert not (tmp_path / "scorer.onnx").exists()


@pytest.mark.parametrize("wrong", ["a.onnx", "b.onnx"])
def test_nothing_is_asked_for_after_a_file_that_is_not_the_manifests(
    root: Path, web: WebServer, tmp_path: Path, wrong: str
) -> None:
    files = {f"{name}.onnx": name.encode() for name in "abcd"}
    digest = Channel(root, web.url).write_bundle(files)
    web.faults[wrong] = "corrupt"
    (tmp_path / "into").mkdir()
    with pytest.raises(CorruptBundleError, match=f"bundle file {wrong}: found [0-9a-f]+, needed [0-9a-f]+"):
        ChannelSource(web.url).fetch_bundle(digest, tmp_path / "into")
    found = {path.name for path in (tmp_path / "into").iterdir()}
    assert found == {"manifest.json", *(name for name in files if name <= wrong)}


def read_until_settled(source: ChannelSource, web: WebServer) -> None:
    deadline = time.monotonic() + 30
    before = -1
    while web.count("GET", POINTER) != before and time.monotonic() < deadline:
        before = web.count("GET", POINTER)
        time.sleep(0.1)
        source.read_pointer("fares")


def test_an_unchanged_pointer_behind_http_is_not_downloaded_again(root: Path, web: WebServer) -> None:
    channel = Channel(root, web.url)
    channel.write(POINTER, b"first")
    source = ChannelSource(web.url)
    assert source.read_pointer("fares") == b"first"
    read_until_settled(source, web)
    gets, heads = web.count("GET"), web.count("HEAD")
    assert [source.read_pointer("fares") for _ in range(20)] == [Unread.UNCHANGED] * 20
    assert (web.count("GET"), web.count("HEAD")) == (gets, heads + 20)
    channel.write(POINTER, b"other")
    assert source.read_pointer("fares") == b"other"
    assert web.count("GET") == gets + 1


def test_two_pointers_of_one_second_and_one_size_are_two(root: Path, web: WebServer) -> None:
    web.validators = ("Last-Modified",)
    channel = Channel(root, web.url)
    source = ChannelSource(web.url)
    for content in (b"one", b"two", b"six"):
        channel.write(POINTER, content)
        os.utime(root / POINTER, (1_700_000_000, 1_700_000_000))
        assert source.read_pointer("fares") == content


def test_a_server_that_tells_no_validators_is_read_in_full(root: Path, web: WebServer) -> None:
    web.validators = ()
    Channel(root, web.url).write(POINTER, b"first")
    source = ChannelSource(web.url)
    assert [source.read_pointer("fares") for _ in range(3)] == [b"first", Unread.UNCHANGED, Unread.UNCHANGED]
    assert web.count("GET", POINTER) == 3


def test_a_pointer_without_end_is_given_up(root: Path, web: WebServer) -> None:
    Channel(root, web.url).write(POINTER, b"x")
    web.faults[POINTER] = "endless"
    with pytest.raises(OversizedFileError, match="more than 262,144 bytes"):
        ChannelSource(web.url).read_pointer("fares")
    (root / POINTER).write_bytes(b" " * 300_000)
    with pytest.raises(OversizedFileError, match="more than 262,144 bytes"):
        ChannelSource(str(root)).read_pointer("fares")


@pytest.mark.parametrize("status", ["403", "500", "503"])
def test_a_server_that_answers_with_an_error_is_no_server_without_a_pointer(
    root: Path, web: WebServer, status: str
) -> None:
    Channel(root, web.url).write(POINTER, b"x")
    web.faults[POINTER] = status
    with pytest.raises(UnreachableChannelError, match=status) as caught:
        ChannelSource(web.url).read_pointer("fares")
    assert caught.value.answered


def test_a_server_that_is_not_there_is_told_from_one_that_has_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        UnreachableChannelError, match=f"channel http://127.0.0.1:{port}: .*refused|connect"
    ) as caught:
        ChannelSource(f"http://127.0.0.1:{port}").read_pointer("fares")
    assert not caught.value.answered


def test_a_server_that_hangs_is_given_up(root: Path, web: WebServer) -> None:
    Channel(root, web.url).write(POINTER, b"x")
    web.faults[POINTER] = "hang"
    with pytest.raises(UnreachableChannelError, match="no answer in time") as caught:
        ChannelSource(web.url).read_pointer("fares")
    assert not caught.value.answered


def test_an_absent_bucket_and_an_absent_folder_are_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreachableChannelError, match="no such folder"):
        ChannelSource(str(tmp_path / "absent")).list_models()
    with running_s3(monkeypatch), pytest.raises(UnreachableChannelError, match="s3://nowhere/ours: "):
        ChannelSource("s3://nowhere/ours").list_models()


def test_without_an_index_page_models_must_be_named(root: Path, web: WebServer) -> None:
    Channel(root, web.url).write(POINTER, b"first")
    web.has_index = False
    with pytest.raises(UnreachableChannelError, match="name them with --model"):
        ChannelSource(web.url).list_models()
    assert ChannelSource(web.url, ("fares",)).read_pointer("fares") == b"first"


def test_what_a_link_was_signed_with_goes_along_and_is_never_told(root: Path, web: WebServer) -> None:
    Channel(root, web.url).write(POINTER, b"first")
    url = web.url.replace("http://", "http://reader:pass%20word@") + "?sig=t0ken%2B"
    source = ChannelSource(url, ("fares",))
    assert source.read_pointer("fares") == b"first"
    assert {path for _, path in web.asked} == {f"/{POINTER}?sig=t0ken%2B"}
    web.faults[POINTER] = "500"
    with pytest.raises(UnreachableChannelError) as caught:
        source.read_pointer("fares")
    assert source.url == web.url.replace("http://", "http://***@") + "?***"
    for secret in ("pass", "t0ken", "reader"):
        assert secret not in str(caught.value)


def test_an_address_nobody_can_open_says_what_is_needed() -> None:
    with pytest.raises(UnusableAddressError, match=r"nosuch://x: .*A folder"):
        ChannelSource("nosuch://x")
