"""Can only this installation sign, and does it keep its key?"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from millrace.adapters.keys import MissingKeyError, ensure_keys, sign, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ensure_keys(tmp_path / "keys")
    return tmp_path / "keys"


def test_what_is_signed_verifies_and_nothing_else_does(folder: Path) -> None:
    signature = sign(folder, b"serve a")
    assert verify(folder, b"serve a", signature)
    assert not verify(folder, b"serve b", signature)
    assert not verify(folder, b"serve a", signature[::-1])
    assert not verify(folder, b"serve a", b"")


def test_another_installation_cannot_sign_for_this_one(folder: Path, tmp_path: Path) -> None:
    ensure_keys(tmp_path / "other")
    assert not verify(folder, b"serve a", sign(tmp_path / "other", b"serve a"))


def test_only_the_owner_can_read_the_private_key(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "signing.pem").stat().st_mode) == 0o600


def test_a_folder_that_was_open_to_others_is_closed_first(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o777)
    ensure_keys(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_keys_stay_the_same_ever_after(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ensure_keys(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {"signing.pem", "signing.pub"}


def test_of_fifty_at_once_one_key_survives(
    tmp_path: Path, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    folder = tmp_path / "keys"

    def ensure_and_sign(_number: int) -> bytes:
        ensure_keys(folder)
        return sign(folder, b"serve a")

    signatures = fifty_at_once(ensure_and_sign)
    assert len(set(signatures)) == 1
    assert verify(folder, b"serve a", signatures[0])
    assert sorted(path.name for path in folder.iterdir()) == ["signing.pem", "signing.pub"]


def test_a_crash_between_the_two_files_is_made_good(folder: Path) -> None:
    signature = sign(folder, b"serve a")
    (folder / "signing.pub").unlink()
    ensure_keys(folder)
    assert verify(folder, b"serve a", signature)


def test_a_lost_private_key_is_never_replaced_in_silence(folder: Path) -> None:
    (folder / "signing.pem").unlink()
    with pytest.raises(
        MissingKeyError, match=r"signing\.pem: no such file, although its public key is there"
    ):
        ensure_keys(folder)


def test_verifying_needs_no_private_key(folder: Path) -> None:
    signature = sign(folder, b"serve a")
    (folder / "signing.pem").unlink()
    assert verify(folder, b"serve a", signature)


def test_without_keys_nothing_is_signed_or_verified(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"signing\.pem: no such file"):
        sign(tmp_path, b"serve a")
    with pytest.raises(MissingKeyError, match=r"signing\.pub: no such file"):
        verify(tmp_path, b"serve a", b"")


def test_a_file_that_is_no_key_is_said_to_be_none(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_text("hello")
    with pytest.raises(MissingKeyError, match="not a private key"):
        sign(folder, b"serve a")
    with pytest.raises(MissingKeyError, match="not a public key"):
        verify(folder, b"serve a", b"")


def test_a_key_of_another_kind_is_refused(folder: Path) -> None:
    key = generate_private_key(SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "signing.pem").write_bytes(private)
    (folder / "signing.pub").write_bytes(public)
    with pytest.raises(MissingKeyError, match="ECPrivateKey, an Ed25519 key in PEM was needed"):
        sign(folder, b"serve a")
    with pytest.raises(MissingKeyError, match="ECPublicKey, an Ed25519 key in PEM was needed"):
        verify(folder, b"serve a", b"")


def test_a_permissive_umask_does_not_open_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    ensure_keys(tmp_path / "keys")
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys" / "signing.pem").stat().st_mode) == 0o600
