"""Who may ask a prediction service, and who may act on the status site?"""

import difflib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from millrace.durable import SECRET, replace_file
from millrace.errors import MillraceError

PREFIX = "mr_"
"""What every token begins with, so that a scanner for leaked secrets can know one."""
CHECK_SECONDS = 0.25
"""How often a service looks whether its tokens were changed; a look costs as much as an answer's routing."""

_SECRET_BYTES = 32
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class TokenFileError(MillraceError):
    """The file of tokens cannot be read, so that nobody gets in."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"{path}: {found}, a file written by `millrace token` was needed. Nobody gets in by it; "
            "restore it from a backup, or remove it and create new tokens"
        )


class TokenNameError(MillraceError):
    """A token cannot have this name, or none has it."""

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"token {name!r}: {problem}")


class Role(StrEnum):
    """What a token opens: neither opens what is the other's."""

    SERVICE = "service"
    """Asking a prediction service."""
    OPERATOR = "operator"
    """Acting on the status site: batches, rollouts."""


# A slow hash protects what people choose and others can guess. These are 256 random bits: nobody finds them
# from their SHA-256, and whoever sends wrong tokens must not keep the service busy with hashing them.
class Token(msgspec.Struct, frozen=True):
    """One token, as the file has it: whoever reads the file cannot get in by it."""

    name: str
    sha256: str
    created_at: datetime
    role: Role = Role.SERVICE


def create_token(path: Path, name: str, now: datetime, role: Role = Role.SERVICE) -> str:
    """Add a token and return it; it stands nowhere else, so this is the only time anybody sees it."""
    if re.fullmatch(_NAME, name) is None:
        raise TokenNameError(name, "use up to 64 letters, digits, dots, dashes and underscores")
    token = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    with _changing(path):
        known = list_tokens(path)
        if name in {one.name for one in known}:
            problem = f"there is one of this name already; `millrace token revoke {name}` takes it away"
            raise TokenNameError(name, problem)
        _write(path, [*known, Token(name, _hash(token.encode()), now, role)])
    return token


def revoke_token(path: Path, name: str) -> None:
    """Take a token away; services that read this file refuse it within a second."""
    with _changing(path):
        known = list_tokens(path)
        names = [one.name for one in known]
        if name not in names:
            nearest = next(iter(difflib.get_close_matches(name, names, n=1)), None)
            hint = f"did you mean {nearest!r}? " if nearest else ""
            raise TokenNameError(name, f"there is none; {hint}`millrace token list` shows all")
        _write(path, [one for one in known if one.name != name])


def list_tokens(path: Path) -> list[Token]:
    """List the tokens in the order of their creation; none where there is no file.

    Raises
    ------
    TokenFileError
        If the file is not one of tokens.
    """
    try:
        return _parse(path, path.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokenFileError(path, f"cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class _Seen:
    """One state of the file: what it was known by, the tokens by their digests, what was wrong with it."""

    marks: tuple[int, ...] | None
    tokens: dict[bytes, Token]
    trouble: str | None


class TokenBook:
    """The tokens of one role, as the file says now. Any number of threads may ask."""

    def __init__(self, path: Path, role: Role = Role.SERVICE) -> None:
        self._path, self._role = path, role
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._seen = self._read()

    def allows(self, token: bytes) -> bool:
        """Say whether `token` is one of this role."""
        found = self.find(token)
        return found is not None and found.role is self._role

    def find(self, token: bytes) -> Token | None:
        """Return which of the file's it is, of any role; the time taken tells nothing of how near it was."""
        digest, found = _hash(token).encode(), None
        for known, one in self._now().tokens.items():  # to the end, whichever of them it is
            found = one if hmac.compare_digest(digest, known) else found
        return found

    @property
    def count(self) -> int:
        """How many tokens of this role there are."""
        return sum(one.role is self._role for one in self._now().tokens.values())

    @property
    def trouble(self) -> str | None:
        """Why nobody gets in, if the file cannot be read."""
        return self._now().trouble

    def _now(self) -> _Seen:
        if time.monotonic() < self._look_at:
            return self._seen
        with self._lock:
            self._look_at = time.monotonic() + CHECK_SECONDS
            if self._seen.trouble is not None or _marks(self._path) != self._seen.marks:
                self._seen = self._read()
            return self._seen

    def _read(self) -> _Seen:
        # the marks come first: a change between the two is seen at the next look
        marks = _marks(self._path)
        try:
            tokens = list_tokens(self._path)
        except TokenFileError as error:
            return _Seen(marks, {}, str(error))
        return _Seen(marks, {one.sha256.encode(): one for one in tokens}, None)


def _marks(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _hash(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()


def _parse(path: Path, content: bytes) -> list[Token]:
    try:
        return msgspec.json.decode(content, type=list[Token])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TokenFileError(path, f"no list of tokens ({error})") from error


def _write(path: Path, tokens: list[Token]) -> None:
    replace_file(path, msgspec.json.format(msgspec.json.encode(tokens), indent=1) + b"\n", SECRET)


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Let one process at a time change the file: the other's change would be lost, a revocation too."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
