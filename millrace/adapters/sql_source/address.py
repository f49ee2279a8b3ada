"""Where is a database, and how is that told to people without its password?"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from millrace.errors import MillraceError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

MASK = "***"
CONNECT_SECONDS = 10

_USER_PART = re.compile(r"[\w+]+://[^/]*@")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OURS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The driver that is installed with Millrace, where the address names none."""
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|odbc_connect", re.IGNORECASE)
SHORTEST = 4
"""Characters of a secret that is looked for in a message: a shorter one would be found in any word."""


class UnreadableAddressError(MillraceError):
    """The text is no address of a database. It is not repeated: it may hold a password."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"[data.sql] url: {reason}. An address of SQLAlchemy is needed, such as "
            "postgresql://reader:${WAREHOUSE_PASSWORD}@db.example.org/shop"
        )


class MissingVariableError(MillraceError):
    """A variable that the address takes from the environment is not there."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"[data.sql] url takes ${{{name}}} from the environment, where it is not set: export {name} "
            "where `millrace` runs, for the worker and the controller too"
        )


class MissingDriverError(MillraceError):
    """The Python package that speaks to this kind of database is not installed."""

    def __init__(self, drivername: str, package: str | None) -> None:
        self.drivername, self.package = drivername, package
        what = (
            f"the package {package}, which is not installed" if package else "a dialect nobody has installed"
        )
        super().__init__(
            f"[data.sql] url: {drivername} needs {what}. Install it beside Millrace; sqlite and "
            "postgresql need none"
        )


class MissingFileError(MillraceError):
    """There is no SQLite file: opening it would make an empty one."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: no such file, a SQLite database was needed. Write an absolute path in [data.sql] url, "
            "with four slashes: sqlite:////data/shop.sqlite"
        )


class SqlAddress:
    """An address with its variables filled in, which is shown without its secrets."""

    def __init__(self, template: str, environment: Mapping[str, str]) -> None:
        """Fill in the `${NAME}` of `template`.

        Raises
        ------
        MissingVariableError, UnreadableAddressError
        """
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(_fill(template, environment))
        except (ArgumentError, ValueError):
            raise UnreadableAddressError("this is no database address") from None
        if _is_misread(url, template):
            what = "it has an @ in what would be the host or the database"
            raise UnreadableAddressError(
                f"{what}: percent-encode that of the password, %40, or take it from a variable"
            )
        self.url: URL = url.set(drivername=_OURS.get(url.drivername, url.drivername))
        self._secrets = _list_secrets(self.url)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        hidden = {name: MASK for name in self.url.query if _SECRET_NAME.search(name)}
        shown = self.url.update_query_dict(hidden).render_as_string(hide_password=True)
        return shown.replace(quote_plus(MASK), MASK)

    def scrub(self, message: str) -> str:
        """Take every secret out of what is going to be shown, or show nothing where that cannot be done."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST:
                message = message.replace(secret, MASK)
            elif secret in message:
                return f"its words are withheld: a secret of fewer than {SHORTEST} letters is in them"
        return message

    def open(self) -> "Engine":
        """Return an engine that keeps no connection.

        Raises
        ------
        MissingDriverError, MissingFileError
        """
        from sqlalchemy import create_engine
        from sqlalchemy.exc import NoSuchModuleError
        from sqlalchemy.pool import NullPool

        path = self.url.database
        if (
            self.url.get_backend_name() == "sqlite"
            and path
            and path != ":memory:"
            and not Path(path).is_file()
        ):
            raise MissingFileError(path)
        try:
            return create_engine(self.url, poolclass=NullPool, connect_args=self._connect_options())
        except NoSuchModuleError as error:
            raise MissingDriverError(self.url.drivername, None) from error
        except ModuleNotFoundError as error:
            raise MissingDriverError(self.url.drivername, error.name) from error

    def _connect_options(self) -> dict[str, object]:
        return {"connect_timeout": CONNECT_SECONDS} if self.url.get_backend_name() == "postgresql" else {}


def _fill(template: str, environment: Mapping[str, str]) -> str:
    """Replace each variable; in a name or password what an address has to escape is escaped."""
    user = _USER_PART.match(template)
    end = user.end() if user else 0
    return _replace(template[:end], environment, escaped=True) + _replace(
        template[end:], environment, escaped=False
    )


def _replace(text: str, environment: Mapping[str, str], *, escaped: bool) -> str:
    def value_of(found: re.Match[str]) -> str:
        try:
            value = environment[found[1]]
        except KeyError as error:
            raise MissingVariableError(found[1]) from error
        return quote(value, safe="") if escaped else value

    return _VARIABLE.sub(value_of, text)


def _is_misread(url: "URL", template: str) -> bool:
    """Say whether a password with a plain `@` or `/` was cut, so that its end would be shown as a place."""
    if url.get_backend_name() == "sqlite":
        return False
    places = (url.host or "", url.database or "", "" if url.username else template)
    return any("@" in place for place in places)


def _list_secrets(url: "URL") -> tuple[str, ...]:
    found: list[str] = [str(url.password)] if url.password else []
    for name, values in url.normalized_query.items():
        found += values if _SECRET_NAME.search(name) else ()
    return tuple({spelling for secret in found if secret for spelling in (secret, quote(secret, safe=""))})
