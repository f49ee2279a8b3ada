"""How are the files of a channel read: from a folder, or by fsspec?"""

import io
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlunsplit

from fsspec.callbacks import Callback

from millrace.adapters.channel_source.failures import OversizedFileError

POINTER_SECONDS = 5.0
"""How long a channel may take to show a pointer or its list of models."""

STALL_SECONDS = 10.0
"""How long a download may stand still before it is given up."""

_CHUNK = 1 << 20
_VALIDATORS = (
    "ETag",
    "etag",
    "Last-Modified",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
    "created",
)


class Place(Protocol):
    """One way to a channel. A name is relative to it; errors are those of its system."""

    def names(self) -> list[str]: ...
    def validator(self, name: str) -> object | None: ...
    def read(self, name: str, limit_bytes: int, seconds: float) -> bytes: ...
    def copy(self, name: str, target: Path, limit_bytes: int, seconds: float) -> None: ...


class Folder:
    """A folder of this machine: four looks a second at hundreds of models must cost nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        return [path.name for path in self._root.iterdir()]

    def validator(self, name: str) -> object | None:
        found = (self._root / name).stat()
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def read(self, name: str, limit_bytes: int, seconds: float) -> bytes:
        with (self._root / name).open("rb") as source:
            content = source.read(limit_bytes + 1)
        Limit(name, limit_bytes).relative_update(len(content))
        return content

    def copy(self, name: str, target: Path, limit_bytes: int, seconds: float) -> None:
        limit = Limit(name, limit_bytes)
        with (self._root / name).open("rb") as source, target.open("wb") as copied:
            while chunk := source.read(_CHUNK):
                limit.relative_update(len(chunk))
                copied.write(chunk)


class Remote:
    """Anything else that fsspec opens."""

    def __init__(self, parts: SplitResult) -> None:
        import fsspec

        self._is_http = parts.scheme in {"http", "https"}
        # what a link was signed with stands behind each path, not in the middle of it
        self._query = f"?{parts.query}" if self._is_http and parts.query else ""
        url = urlunsplit(parts._replace(query="", fragment="")) if self._is_http else urlunsplit(parts)
        self._files, root = fsspec.core.url_to_fs(
            url, use_listings_cache=False, skip_instance_cache=True, **_options(parts.scheme)
        )
        self._root = root.rstrip("/")

    def names(self) -> list[str]:
        found = self._call(self._files.ls, f"{self._root}/{self._query}", POINTER_SECONDS, detail=False)
        return [name.partition("?")[0].rstrip("/").rsplit("/", 1)[-1] for name in found]

    def validator(self, name: str) -> object | None:
        found = self._call(self._files.info, self._path(name), POINTER_SECONDS)
        known = tuple((key, str(found[key])) for key in _VALIDATORS if found.get(key))
        return (*known, found.get("size")) if known else None

    def read(self, name: str, limit_bytes: int, seconds: float) -> bytes:
        limit = Limit(name, limit_bytes)
        if self._is_http:  # what a web server says of a length is no bound
            content = io.BytesIO()
            self._call(self._files.get_file, self._path(name), seconds, content, callback=limit)
            return content.getvalue()
        limit.relative_update(self._call(self._files.info, self._path(name), seconds).get("size") or 0)
        return bytes(self._call(self._files.cat_file, self._path(name), seconds))

    def copy(self, name: str, target: Path, limit_bytes: int, seconds: float) -> None:
        limit = Limit(name, limit_bytes)
        self._call(self._files.get_file, self._path(name), seconds, str(target), callback=limit)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}{self._query}"

    def _call(self, method: Any, path: str, seconds: float, *args: Any, **options: Any) -> Any:
        if self._files.async_impl:
            options["timeout"] = seconds
        return method(path, *args, **options)


class Limit(Callback):  # type: ignore[misc]
    """Ends a download at a number of bytes, whatever its server said of its length."""

    def __init__(self, name: str, limit_bytes: int) -> None:
        super().__init__()
        self._name, self._limit_bytes = name, limit_bytes

    def relative_update(self, inc: int = 1) -> None:
        self.value += inc
        if self.value > self._limit_bytes:
            raise OversizedFileError(self._name, self._limit_bytes)


def _options(scheme: str) -> dict[str, Any]:
    """Return how a system is given up that stands still, on top of what fsspec's own configuration says."""
    from fsspec.config import conf

    mine: dict[str, dict[str, Any]] = {}
    if scheme in {"http", "https"}:
        import aiohttp

        waits = aiohttp.ClientTimeout(total=None, sock_connect=POINTER_SECONDS, sock_read=STALL_SECONDS)
        mine = {"client_kwargs": {"timeout": waits}}
    elif scheme in {"s3", "s3a"}:
        mine = {"config_kwargs": {"connect_timeout": POINTER_SECONDS, "read_timeout": STALL_SECONDS}}
    configured = conf.get(scheme, {})
    return {key: {**value, **configured.get(key, {})} for key, value in mine.items()}
