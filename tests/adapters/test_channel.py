"""Do services get the whole pointer that was signed, and never another?"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.channel import (
    BadPointerError,
    bundles_folder,
    parse_pointer,
    publish_pointer,
    read_pointer,
)
from millrace.domain.canonical import canonical_json
from millrace.domain.pointer import Arm, ArmRole, Durability, OfflineRollback, Pointer, ServingSettings

FIRST = Pointer("fares", 1, (Arm("a" * 64, ArmRole.ANSWER, 100),), "f" * 64, 4)
SECOND = Pointer(
    "fares",
    2,
    (Arm("b" * 64, ArmRole.ANSWER, 95), Arm("a" * 64, ArmRole.SHADOW, 5)),
    "e" * 64,
    9,
    ServingSettings("trip_id", Durability.FAST, ("name",), ("address",), retention_seconds=86_400.0),
    ("c" * 64, "d" * 64),
    (
        OfflineRollback(
            "b" * 64, "e" * 64, 2, "zu teuer für alle", "ann", datetime(2013, 4, 1, 12, tzinfo=UTC)
        ),
    ),
)

PUBLISH_FOR_EVER = """
import sys
from pathlib import Path
from millrace.adapters.channel import publish_pointer
from millrace.domain.pointer import Arm, ArmRole, Pointer
for generation in range(10**9):
    arms = tuple(Arm(f"{generation:064x}", ArmRole.ANSWER, 1) for _ in range(50))
    pointer = Pointer("fares", generation, arms, "f" * 64)
    publish_pointer(Path(sys.argv[1]), pointer, lambda payload: payload)
"""


def sign(payload: bytes) -> bytes:
    return hashlib.sha256(b"secret" + payload).digest()


def verify(payload: bytes, signature: bytes) -> bool:
    return signature == sign(payload)


def test_services_read_the_pointer_that_was_published_last(tmp_path: Path) -> None:
    for pointer in (FIRST, SECOND):
        publish_pointer(tmp_path, pointer, sign)
        assert read_pointer(tmp_path, "fares", verify) == pointer
    assert [path.name for path in (tmp_path / "fares").iterdir()] == ["pointer.json"]


def test_the_file_is_plain_json_that_any_client_can_check(tmp_path: Path) -> None:
    publish_pointer(tmp_path, SECOND, sign)
    content = json.loads((tmp_path / "fares" / "pointer.json").read_text())
    payload = json.dumps(content["pointer"], sort_keys=True, separators=(",", ":")).encode()
    assert base64.b64decode(content["signature"]) == sign(payload)


def test_a_service_of_another_user_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    publish_pointer(tmp_path, FIRST, sign)
    os.umask(before)
    assert (tmp_path / "fares" / "pointer.json").stat().st_mode & 0o777 == 0o644


def test_a_model_that_never_served_has_no_pointer(tmp_path: Path) -> None:
    assert read_pointer(tmp_path, "fares", verify) is None


def test_models_do_not_share_a_pointer_and_bundles_lie_beside_them(tmp_path: Path) -> None:
    publish_pointer(tmp_path, FIRST, sign)
    assert read_pointer(tmp_path, "tolls", verify) is None
    assert bundles_folder(tmp_path) == tmp_path / "bundles"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pointer": {"generation": 9}}, "its signature is wrong"),
        ({"signature": base64.b64encode(b"guess").decode()}, "its signature is wrong"),
        ({"signature": ""}, "its signature is wrong"),
        ({"signature": "?"}, "its signature is not base64"),
        ({"signature": None}, "is not a signed pointer"),
        ({"pointer": {"revision": 5}}, "its signature is wrong"),
        ({"pointer": {"settings": {"durability": "fast"}}}, "its signature is wrong"),
        ({"pointer": {"previous": ["b" * 64]}}, "its signature is wrong"),
    ],
)
def test_a_changed_pointer_is_not_followed(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    publish_pointer(tmp_path, FIRST, sign)
    path = tmp_path / "fares" / "pointer.json"
    content = json.loads(path.read_text())
    pointer = change.get("pointer", {})
    path.write_text(json.dumps({**content, **change, "pointer": {**content["pointer"], **pointer}}))
    with pytest.raises(BadPointerError, match=reason):
        read_pointer(tmp_path, "fares", verify)


def sign_anything(pointer: object) -> bytes:
    """Return the file that an installation with other fields than ours writes."""
    payload = canonical_json(pointer)
    signature = base64.b64encode(sign(payload.encode())).decode()
    return f'{{"pointer":{payload},"signature":"{signature}"}}'.encode()


def test_a_pointer_with_fields_of_a_newer_installation_is_followed() -> None:
    plain = json.loads(SECOND.payload)
    newer = {**plain, "region": "eu", "settings": {**plain["settings"], "quota": 5}}
    assert parse_pointer(sign_anything(newer), "fares", verify, "here") == SECOND


def test_a_pointer_without_the_fields_of_a_newer_installation_is_followed() -> None:
    newer = {"settings", "previous", "offline"}
    older = {key: value for key, value in json.loads(FIRST.payload).items() if key not in newer}
    assert parse_pointer(sign_anything(older), "fares", verify, "here") == FIRST


def test_a_flipped_byte_anywhere_in_a_pointer_is_refused() -> None:
    content = sign_anything({**json.loads(FIRST.payload), "region": "eu"})
    for at in range(len(content)):
        flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(BadPointerError):
            parse_pointer(flipped, "fares", verify, "here")


@pytest.mark.parametrize(
    "change",
    [{"arms": [{"digest": "c" * 64, "role": "boss", "weight": 1}]}, {"generation": "1"}, {"model": None}],
)
def test_what_was_signed_and_is_no_pointer_is_not_followed(change: dict[str, Any]) -> None:
    content = sign_anything({**json.loads(FIRST.payload), **change})
    with pytest.raises(BadPointerError, match="is not a signed pointer"):
        parse_pointer(content, "fares", verify, "here")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"pointer": null}'])
def test_a_file_that_is_no_pointer_is_not_followed(tmp_path: Path, content: bytes) -> None:
    publish_pointer(tmp_path, FIRST, sign)
    (tmp_path / "fares" / "pointer.json").write_bytes(content)
    with pytest.raises(BadPointerError, match=r"is not a signed pointer .* `millrace reconcile`"):
        read_pointer(tmp_path, "fares", verify)


def test_a_pointer_that_cannot_be_read_is_not_taken_for_an_absent_one(tmp_path: Path) -> None:
    (tmp_path / "fares" / "pointer.json").mkdir(parents=True)
    with pytest.raises(BadPointerError, match=r"cannot be read \(Is a directory\)"):
        read_pointer(tmp_path, "fares", verify)


def test_the_valid_pointer_of_another_model_is_not_followed(tmp_path: Path) -> None:
    publish_pointer(tmp_path, FIRST, sign)
    (tmp_path / "fares").rename(tmp_path / "tolls")
    with pytest.raises(BadPointerError, match="is the pointer of fares"):
        read_pointer(tmp_path, "tolls", verify)


def test_a_publisher_that_cannot_sign_leaves_what_was_published(tmp_path: Path) -> None:
    def refuse(_payload: bytes) -> bytes:
        raise PermissionError("no key today")

    publish_pointer(tmp_path, FIRST, sign)
    with pytest.raises(PermissionError, match="no key today"):
        publish_pointer(tmp_path, SECOND, refuse)
    assert read_pointer(tmp_path, "fares", verify) == FIRST


def test_a_reader_never_sees_half_a_pointer_however_the_publisher_dies(tmp_path: Path) -> None:
    publisher = subprocess.Popen([sys.executable, "-c", PUBLISH_FOR_EVER, str(tmp_path)])
    is_own: list[bool] = []

    def verify_echo(payload: bytes, signature: bytes) -> bool:
        is_own.append(payload == signature)
        return is_own[-1]

    while len(is_own) < 200 and publisher.poll() is None:
        read_pointer(tmp_path, "fares", verify_echo)
        time.sleep(0.001)
    publisher.kill()
    publisher.wait()
    assert read_pointer(tmp_path, "fares", verify_echo) is not None
    assert is_own == [True] * 201


def test_what_is_nested_without_end_is_no_pointer() -> None:
    with pytest.raises(BadPointerError, match="is not a signed pointer"):
        parse_pointer(b'{"pointer":' + b"[" * 100_000, "fares", verify, "there")
