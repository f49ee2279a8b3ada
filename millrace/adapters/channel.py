"""What were the prediction services told to serve?"""

import base64
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from millrace.domain.canonical import canonical_json
from millrace.domain.pointer import Pointer
from millrace.durable import replace_file, sync
from millrace.errors import MillraceError

Content = TypeVar("Content")


class BadPointerError(MillraceError):
    """A pointer that must not be followed."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path}: {reason}, a pointer signed by this installation was needed. "
            "`millrace reconcile` writes it again from the ledger"
        )


@dataclass(frozen=True)
class SignedPointer:
    """The content of `pointer.json`; the signature, in base64, is of the bytes of `pointer` there."""

    pointer: msgspec.Raw
    signature: str


def bundles_folder(root: Path) -> Path:
    """Return where the bundles that services fetch lie, each in a folder named by its digest."""
    return root / "bundles"


def publish_pointer(root: Path, pointer: Pointer, sign: Callable[[bytes], bytes]) -> None:
    """Make `pointer` the one services follow; a crash leaves the one before it or this one."""
    signature = base64.b64encode(sign(pointer.payload)).decode()
    content = canonical_json({"pointer": pointer, "signature": signature})
    replace_file(_pointer_path(root, pointer.model), content.encode())
    sync(root)


@contextmanager
def changing_pointer(root: Path, model: str) -> Iterator[None]:
    """Let one process at a time write a pointer that follows from the one that is there.

    Whoever waits for another system inside the block holds up a rollback that needs none.
    """
    path = _pointer_path(root, model).parent
    path.mkdir(parents=True, exist_ok=True)
    folder = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def read_pointer(root: Path, model: str, verify: Callable[[bytes, bytes], bool]) -> Pointer | None:
    """Return what the services of `model` are told to serve, None when they never were told.

    Raises
    ------
    BadPointerError
        If the file cannot be read, is not signed, or was signed for something else.
    """
    path = _pointer_path(root, model)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadPointerError(path, f"cannot be read ({error.strerror})") from error
    return parse_pointer(content, model, verify, path)


def parse_pointer(
    content: bytes, model: str, verify: Callable[[bytes, bytes], bool], where: Path | str
) -> Pointer:
    """Return the pointer that `content`, found at `where`, is for `model`.

    Raises
    ------
    BadPointerError
        If it is no pointer, is not signed, or was signed for something else.
    """
    signed = _parse(where, content, SignedPointer)
    # the bytes received, not those we would write: a newer installation signs fields that are unknown here
    if not verify(bytes(signed.pointer), _signature(where, signed)):
        raise BadPointerError(where, "its signature is wrong")
    pointer = _parse(where, signed.pointer, Pointer)
    # a valid pointer of another model, copied here, would make this one serve that one's bundle
    if pointer.model != model:
        raise BadPointerError(where, f"is the pointer of {pointer.model}")
    return pointer


def list_published(root: Path) -> list[str]:
    """Name every model that has a pointer, of whatever worth."""
    return sorted(path.parent.name for path in root.glob("*/pointer.json"))


def _pointer_path(root: Path, model: str) -> Path:
    return root / model / "pointer.json"


def _parse(path: Path | str, content: bytes | msgspec.Raw, kind: type[Content]) -> Content:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPointerError(path, f"is not a signed pointer ({error})") from error


def _signature(path: Path | str, signed: SignedPointer) -> bytes:
    try:
        return base64.b64decode(signed.signature, validate=True)
    except ValueError as error:
        raise BadPointerError(path, "its signature is not base64") from error
