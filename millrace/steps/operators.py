"""Who acts on the status site?"""

from functools import lru_cache
from pathlib import Path

from millrace.adapters.tokens import Role, TokenBook
from millrace.errors import MillraceError
from millrace.settings import load_settings

CREATE = "`millrace token create NAME --operator`"


class UnknownTokenError(MillraceError):
    """Whoever wants to act has no token, or one that is not known."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"{found}, an operator's token is needed: one of {CREATE}")


class NotAnOperatorError(MillraceError):
    """Whoever wants to act has a token that opens something else."""

    def __init__(self, name: str, role: str) -> None:
        self.name, self.role = name, role
        super().__init__(f"{name} is the token of a {role}, an operator's is needed: one of {CREATE}")


def find_operator(token: str) -> str:
    """Return the name under which the holder of `token` acts.

    Raises
    ------
    UnknownTokenError, NotAnOperatorError
        If it opens nothing, or something else.
    """
    book = _open_book(load_settings().tokens)
    if book.trouble is not None:
        raise UnknownTokenError(book.trouble)
    if not token.strip():
        raise UnknownTokenError("no token came")
    found = book.find(token.strip().encode())
    if found is None:
        raise UnknownTokenError("a token came that is not known")
    if found.role is not Role.OPERATOR:
        raise NotAnOperatorError(found.name, found.role)
    return found.name


@lru_cache
def _open_book(path: Path) -> TokenBook:
    return TokenBook(path, Role.OPERATOR)
