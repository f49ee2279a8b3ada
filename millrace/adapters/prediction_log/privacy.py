"""What of a request may be written down?"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.domain.canonical import value_text
from millrace.domain.pointer import ServingSettings
from millrace.durable import create_secret

_SALT_FILE, _SALT_BYTES, _HASH_BYTES = ".salt", 32, 16


@dataclass(frozen=True)
class Privacy:
    """Which positions of a row are logged, and which of these as a keyed hash; `columns` are what is left."""

    columns: tuple[str, ...]
    kept: tuple[int, ...]
    hashed: frozenset[int]
    is_identity: bool
    salt: bytes | bytearray

    def apply(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row as it may be logged: the same one where nothing is private."""
        if self.is_identity:
            return inputs
        return tuple(self._hash(inputs[at]) if at in self.hashed else inputs[at] for at in self.kept)

    def _hash(self, value: Any) -> str | None:
        if value is None:
            return None
        return hashlib.blake2b(value_text(value).encode(), key=self.salt, digest_size=_HASH_BYTES).hexdigest()


def private_columns(columns: Sequence[str], settings: ServingSettings, salt: bytes | bytearray) -> Privacy:
    """Return how rows of these columns, or keys of labels, are logged by a model's settings.

    A key that loses a column to `left_out` names no row any more: its labels cannot be joined by it.
    """
    kept = tuple(at for at, name in enumerate(columns) if name not in settings.left_out)
    hashed = frozenset(at for at in kept if columns[at] in settings.hashed)
    is_identity = not hashed and len(kept) == len(columns)
    return Privacy(tuple(columns[at] for at in kept), kept, hashed, is_identity, salt)


def ensure_salt(folder: Path) -> bytes:
    """Return the secret of the hashes of this log, made once: all services that write to it share it."""
    path = folder / _SALT_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        create_secret(path, os.urandom(_SALT_BYTES))
    return path.read_bytes()
