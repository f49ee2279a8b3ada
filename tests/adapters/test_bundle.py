"""Is a bundle, byte for byte, what its name says?"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.adapters.bundle import (
    NothingToDigestError,
    digest_of_files,
    read_manifest,
    verify_bundle,
    write_bundle,
)
from millrace.domain.bundle import CodeDigests, CorruptBundleError, Engine, Manifest, digests_of
from millrace.domain.canonical import canonical_json
from millrace.domain.kinds import Task

FILES = {
    "scorer.onnx": b"a graph",
    "schema.json": b"{}",
    "profile.json": b'{"rows":1}',
    "examples.json": b"[]",
}


def manifest_of(files: dict[str, bytes], seed: int = 7) -> Manifest:
    code = CodeDigests("a", "b", "c", "d", "e")
    return Manifest(
        "planted",
        Task.BINARY,
        Engine.ONNX,
        digests_of(files),
        "d" * 64,
        ("2013-01-01",),
        code,
        seed,
        {"python": "3"},
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / write_bundle(tmp_path, manifest_of(FILES), FILES)


def test_a_bundle_is_named_by_the_digest_of_its_manifest_and_holds_its_files(written: Path) -> None:
    manifest = verify_bundle(written.parent, written.name)
    assert manifest == read_manifest(written) == manifest_of(FILES)
    assert manifest.digest == written.name
    assert (written / "manifest.json").read_text() == canonical_json(manifest)
    assert {path.name: path.read_bytes() for path in written.iterdir() if path.name in FILES} == FILES


def test_writing_a_bundle_twice_is_writing_it_once(written: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in written.iterdir()}
    assert write_bundle(written.parent, manifest_of(FILES), FILES) == written.name
    assert {path.name: path.stat().st_mtime_ns for path in written.iterdir()} == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_many_writers_of_one_bundle_leave_one_bundle(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        digests = set(pool.map(lambda _: write_bundle(tmp_path, manifest_of(FILES), FILES), range(64)))
    assert [path.name for path in tmp_path.iterdir()] == list(digests)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_one_flipped_bit_anywhere_is_refused_by_file(written: Path, name: str) -> None:
    path = written / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptBundleError, match=f"bundle file {name}: found"):
        verify_bundle(written.parent, written.name)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_refused_by_name(written: Path, name: str) -> None:
    (written / name).unlink()
    with pytest.raises(CorruptBundleError, match=f"bundle file {name}: found nothing"):
        verify_bundle(written.parent, written.name)


def test_an_extra_file_or_folder_is_refused_by_name(written: Path) -> None:
    (written / "extra.py").write_text("")
    with pytest.raises(CorruptBundleError, match=r"extra\.py: found e3b0.* needed nothing"):
        verify_bundle(written.parent, written.name)
    (written / "extra.py").unlink()
    (written / "folder").mkdir()
    with pytest.raises(CorruptBundleError, match=r"folder: found e3b0.* needed nothing"):
        verify_bundle(written.parent, written.name)


def test_another_bundle_under_this_name_is_refused(written: Path) -> None:
    other = written.parent / write_bundle(written.parent, manifest_of(FILES, seed=8), FILES)
    for path in other.iterdir():
        (written / path.name).write_bytes(path.read_bytes())
    with pytest.raises(CorruptBundleError, match=f"found the manifest of {other.name}"):
        verify_bundle(written.parent, written.name)


def test_a_manifest_with_an_unknown_key_is_refused(written: Path) -> None:
    path = written / "manifest.json"
    path.write_text('{"a":1,' + path.read_text()[1:])
    with pytest.raises(CorruptBundleError, match="needed the canonical JSON"):
        verify_bundle(written.parent, written.name)


def test_a_manifest_that_does_not_account_for_its_files_is_never_written(tmp_path: Path) -> None:
    incomplete = {name: content for name, content in FILES.items() if name != "profile.json"}
    with pytest.raises(CorruptBundleError, match=r"profile\.json: found nothing"):
        write_bundle(tmp_path, manifest_of(incomplete), incomplete)
    with pytest.raises(CorruptBundleError, match=r"scorer\.onnx: found"):
        write_bundle(tmp_path, manifest_of(FILES), FILES | {"scorer.onnx": b"another graph"})
    wrong_engine = dataclasses.replace(manifest_of(FILES), engine=Engine.SKLEARN)
    with pytest.raises(CorruptBundleError, match=r"scorer\.skops: found nothing"):
        write_bundle(tmp_path, wrong_engine, FILES)
    assert not list(tmp_path.iterdir())


def test_a_bundle_that_rotted_in_the_store_is_not_passed_off_as_written(written: Path) -> None:
    (written / "scorer.onnx").write_bytes(b"rot")
    with pytest.raises(CorruptBundleError, match=r"scorer\.onnx"):
        write_bundle(written.parent, manifest_of(FILES), FILES)


def test_an_absent_bundle_is_an_error_that_names_its_folder(tmp_path: Path) -> None:
    with pytest.raises(CorruptBundleError, match="absent: found no such folder"):
        verify_bundle(tmp_path, "absent")


def test_the_digest_of_code_follows_bytes_and_names_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "code"
    (root / "sub").mkdir(parents=True)
    (root / "a.py").write_text("a")
    (root / "sub" / "b.py").write_text("b")
    before = digest_of_files(root)

    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "a.pyc").write_text("compiled")
    root.rename(tmp_path / "moved")
    root = tmp_path / "moved"
    assert digest_of_files(root) == before

    (root / "a.py").rename(root / "c.py")
    renamed = digest_of_files(root)
    (root / "c.py").write_text("changed")
    assert len({before, renamed, digest_of_files(root), digest_of_files(root / "c.py")}) == 4


def test_code_that_is_not_there_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(NothingToDigestError, match="found no file"):
        digest_of_files(tmp_path / "absent")
