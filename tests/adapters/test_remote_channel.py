"""Do services elsewhere find in the remote channel what lies in the local one, and never half of it?"""

import socket
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from millrace.adapters.remote_channel import RemoteChannel, RemoteChannelError
from tests.object_store import make_bucket, serving_s3

POINTER = b'{"pointer": 1}'
FILES = {"manifest.json": b"{}", "profile.json": b"[]", "scorer.onnx": b"graph" * 1000}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with serving_s3() as address:
        yield address


@pytest.fixture(params=["s3", "folder"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place, in an object store and in a folder of another disk."""
    if request.param == "folder":
        return f"{tmp_path}/elsewhere/channel"
    return f"{make_bucket(request.getfixturevalue('s3'))}/of/us"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "channel" / "bundles" / ("a" * 64)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def read(url: str, path: str) -> bytes:
    """Read as another program would, with no cache of ours."""
    with fsspec.open(f"{url}/{path}", skip_instance_cache=True, use_listings_cache=False) as file:
        content = file.read()
    assert isinstance(content, bytes)
    return content


def remove(url: str, path: str) -> None:
    files, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
    files.rm_file(f"{root}/{path}")


def test_the_remote_is_laid_out_like_the_folder(url: str, bundle: Path) -> None:
    remote = RemoteChannel(url)
    remote.send_bundle(bundle)
    remote.send_pointer("fares", POINTER)
    assert {name: read(url, f"bundles/{bundle.name}/{name}") for name in FILES} == FILES
    assert read(url, "fares/pointer.json") == POINTER
    assert remote.find_trouble("fares", POINTER, [bundle]) is None
    assert RemoteChannel(url).find_trouble("fares", POINTER, [bundle]) is None


def test_what_is_not_there_and_what_differs_is_told(url: str, bundle: Path) -> None:
    remote = RemoteChannel(url)
    assert remote.find_trouble("fares", POINTER, []) == "no pointer"
    lacking = "bundle aaaaaaaaaaaa lacked profile.json, scorer.onnx, manifest.json"
    assert remote.find_trouble("fares", POINTER, [bundle]) == lacking
    remote.send_pointer("fares", b"older")
    assert remote.find_trouble("fares", POINTER, []) == "another pointer"


def test_only_what_is_lacking_or_cut_is_sent_again_and_the_manifest_comes_last(
    url: str, bundle: Path
) -> None:
    remote = RemoteChannel(url)
    remote.send_bundle(bundle)
    remote.send_pointer("fares", POINTER)
    assert remote.find_trouble("fares", POINTER, [bundle]) is None
    (bundle / "profile.json").write_bytes(b"{}")  # as long as it was: nobody looks at it again
    (bundle / "scorer.onnx").write_bytes(b"graph" * 1001)
    remove(url, f"bundles/{bundle.name}/manifest.json")
    told = remote.find_trouble("fares", POINTER, [bundle])
    assert told == "bundle aaaaaaaaaaaa lacked scorer.onnx, manifest.json"
    remote.send_bundle(bundle)
    assert read(url, f"bundles/{bundle.name}/profile.json") == b"[]"
    assert read(url, f"bundles/{bundle.name}/scorer.onnx") == b"graph" * 1001
    assert read(url, f"bundles/{bundle.name}/manifest.json") == b"{}"


def test_a_bundle_that_breaks_off_has_no_manifest(url: str, bundle: Path) -> None:
    (bundle / "scorer.onnx").unlink()
    (bundle / "scorer.onnx").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match=r"scorer\.onnx"):
        RemoteChannel(url).send_bundle(bundle)
    with pytest.raises(FileNotFoundError):
        read(url, f"bundles/{bundle.name}/manifest.json")


def test_the_pointers_of_all_models_are_asked_for_at_once(url: str) -> None:
    remote = RemoteChannel(url)
    assert remote.read_pointers([]) == {}
    remote.send_pointer("fares", POINTER)
    assert remote.read_pointers(["fares", "tolls"]) == {"fares": POINTER, "tolls": None}
    remote.send_pointer("fares", b"newer")
    assert remote.read_pointers(["fares"]) == {"fares": b"newer"}


def test_a_pointer_in_a_folder_can_be_read_by_others_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    RemoteChannel(f"file://{tmp_path}/elsewhere").send_pointer("fares", POINTER)
    [path] = (tmp_path / "elsewhere" / "fares").iterdir()
    assert (path.name, path.stat().st_mode & 0o044) == ("pointer.json", 0o044)


def test_a_store_that_is_down_is_unavailable_with_what_to_do(
    s3: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        remote = RemoteChannel("s3://nowhere/channel")
        for act in (
            lambda: remote.send_bundle(bundle),
            lambda: remote.send_pointer("fares", POINTER),
            lambda: remote.read_pointers(["fares"]),
            lambda: remote.find_trouble("fares", POINTER, [bundle]),
        ):
            with pytest.raises(RemoteChannelError, match=r"^channel s3://nowhere/channel: .*`millrace recon"):
                act()


def test_a_bucket_that_nobody_made_is_told_when_something_is_to_be_sent(s3: str) -> None:
    with pytest.raises(RemoteChannelError, match=r"NoSuchBucket|bucket does not exist"):
        RemoteChannel("s3://nobody-made-it").send_pointer("fares", POINTER)


@pytest.mark.parametrize("url", ["nonsense://channel", "gs://bucket/channel"])
def test_an_address_nothing_here_can_speak_to_is_told(url: str) -> None:
    with pytest.raises(RemoteChannelError, match=f"{url}: .*correct MILLRACE_CHANNEL"):
        RemoteChannel(url)


def test_no_secret_of_an_address_gets_into_a_message() -> None:
    with pytest.raises(RemoteChannelError) as caught:
        RemoteChannel("nonsense+t0ken://ann:pass%20word@host/channel?sig=t0ken")
    for secret in ("ann", "pass", "word", "sig="):
        assert secret not in str(caught.value).replace("channel", "")


def test_what_a_store_says_of_its_address_is_masked_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    remote = RemoteChannel(f"http://ann:pass%20word@127.0.0.1:{port}/channel?sig=t0ken")
    with pytest.raises(RemoteChannelError, match=r"http://\*\*\*@127") as caught:
        remote.read_pointers(["fares"])
    with pytest.raises(RemoteChannelError) as sending:
        remote.send_pointer("fares", POINTER)
    for secret in ("ann:", "pass", "t0ken"):
        assert secret not in f"{caught.value} {sending.value}"
