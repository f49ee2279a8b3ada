"""Where does a service find what it serves, and what may be asked of it?"""

from pathlib import Path

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """What one process takes on. Past each of them a client is told so, or cut."""

    max_body_bytes: int = 16 << 20
    max_rows: int = 10_000
    max_active: int = 1_024
    """Requests being answered at once; the next one gets 503 and Retry-After."""
    max_connections: int = 8_192
    max_held_bytes: int = 256 << 20
    """Of all bodies together that are still being received."""
    max_head_bytes: int = 64 << 10
    receive_seconds: float = 15.0
    """From the first byte of a request, or from the connection, to its last byte."""


class ServiceSettings(msgspec.Struct, frozen=True):
    """Everything a process of the service is told. It knows no other configuration."""

    channel: str
    """A folder, or an address that fsspec opens."""
    store: Path
    predictions: Path
    public_key: Path
    tokens: Path
    hosts: tuple[str, ...]
    """Names a request's Host may have, with any port; `*` for any."""
    models: tuple[str, ...] = ()
    interval_seconds: float = 0.25
    has_access_log: bool = True
    needs_token: bool = False
    limits: Limits = Limits()

    def to_json(self) -> str:
        """Write them for a worker process."""
        return msgspec.json.encode(self, enc_hook=str).decode()

    @classmethod
    def from_json(cls, text: str) -> "ServiceSettings":
        """Read them in a worker process."""
        return msgspec.json.decode(text, type=cls, dec_hook=lambda kind, value: kind(value))
