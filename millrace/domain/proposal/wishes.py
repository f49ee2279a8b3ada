"""What did the user say about the model, and what of it cannot be?"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from millrace.domain.config.section import MODEL_NAME
from millrace.domain.kinds import Task
from millrace.domain.listing import name_some
from millrace.domain.proposal.words import plain
from millrace.errors import MillraceError

NAME = re.compile(MODEL_NAME)
SHOWN = 12


@dataclass(frozen=True)
class Wishes:
    """What was named; all else is inferred. `keep` are columns that stay features whatever they look like.

    `now` is when it is asked: what is later has not happened yet.
    """

    name: str
    target: str
    time: str | None = None
    key: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    task: Task | None = None
    now: datetime | None = None

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Every named column with the option that names it."""
        named = [("--target", self.target), ("--time", self.time)]
        named += [("--key", column) for column in self.key] + [("--keep", column) for column in self.keep]
        return tuple((option, column) for option, column in named if column is not None)


class ModelNameError(MillraceError):
    """The name can be no model's."""

    def __init__(self, name: str, suggestion: str) -> None:
        self.name, self.suggestion = name, suggestion
        super().__init__(
            f"no model can be called {name!r}: small letters, digits, - and _, a letter first. "
            f"Try {suggestion!r}"
        )


class UnknownColumnError(MillraceError):
    """A column was named that the table does not have."""

    def __init__(self, option: str, column: str, known: Sequence[str]) -> None:
        self.option, self.column, self.known = option, column, tuple(known)
        nearest = nearest_names(column, known)
        hint = f"did you mean {' or '.join(map(repr, nearest))}? " if nearest else ""
        has = name_some(known, SHOWN)
        super().__init__(f"{option} {column!r}: no such column; {hint}The table has {has}")


class NotModelledError(MillraceError):
    """What the table holds cannot be learned; `found`, `needed` and `advice` say why, and what to do."""

    def __init__(self, found: str, needed: str, advice: str) -> None:
        self.found, self.needed, self.advice = found, needed, advice
        super().__init__(f"{found}; {needed}. {advice}")


def check_name(name: str) -> None:
    """Refuse a name that can be no model's, and suggest one that can.

    Raises
    ------
    ModelNameError
        If it is not made of small letters, digits, - and _, with a letter first.
    """
    if NAME.fullmatch(name) is None:
        raise ModelNameError(name, suggest_name(name))


def check_columns(known: Sequence[str], wishes: Wishes) -> None:
    """Refuse names that the table does not have, and a target that is to be something else too.

    Raises
    ------
    UnknownColumnError, NotModelledError
        With the option that names the column.
    """
    for option, name in wishes.columns:
        if name not in known:
            raise UnknownColumnError(option, name, known)
    for option, name in wishes.columns[1:]:
        if name == wishes.target:
            raise NotModelledError(
                f"{option} {name!r} is the target", "what is predicted is neither time, key nor feature",
                "Name another column",
            )  # fmt: skip


def suggest_name(name: str) -> str:
    """Turn any text into a name a model can have.

    >>> suggest_name("Späte Flüge 2013"), suggest_name("Straße"), suggest_name("7up")
    ('spate-fluge-2013', 'strasse', 'model-7up')
    """
    made = re.sub(r"[^a-z0-9_]+", "-", plain(name)).strip("-_")
    return made if NAME.fullmatch(made) else f"model-{made}".rstrip("-")


def nearest_names(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return up to three names like `name`, capitals aside, the nearest first."""
    folded = {one.lower(): one for one in reversed(known)}
    found = difflib.get_close_matches(name.lower(), list(folded), n=3, cutoff=0.5)
    return tuple(folded[one] for one in found)
