"""Can the columns of a table be called what they are called?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from millrace.adapters.tables.errors import UnreadableTableError
from millrace.domain.config.data import UNSPELLABLE


def checked_names(path: Path, found: Sequence[str]) -> list[str]:
    """Return the names of the columns without the blanks around them.

    Raises
    ------
    UnreadableTableError
        If one is empty, or stands there twice.
    """
    names = [name.strip() for name in found]
    empty = [place for place, name in enumerate(names, 1) if not name]
    if empty:
        raise UnreadableTableError(
            path,
            f"column {', '.join(map(str, empty[:5]))} of {len(names):,} has no name",
            "Give it one, or write the file without it (pandas: index=False)",
        )
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        blanks = len(set(found)) > len(set(names))
        raise UnreadableTableError(
            path,
            f"these columns stand in it more than once: {', '.join(repeated[:5])}"
            + (" (their names differ by blanks around them only)" if blanks else ""),
            "Give each a name of its own",
        )
    return names


def refuse_unspellable(path: Path, names: Sequence[str]) -> None:
    """Refuse names that no model can have as an input.

    Raises
    ------
    UnreadableTableError
        If one has a quotation mark, a backslash or a control character.
    """
    wrong = [name for name in names if not name.isprintable() or set(name) & UNSPELLABLE]
    if wrong:
        raise UnreadableTableError(
            path,
            f"{wrong[0]!r} has a quotation mark, a backslash or a control character in it",
            "A column that a model reads cannot be called so: rename it",
        )


def list_trimmed(found: Sequence[str]) -> str | None:
    """Return the sentence that says which names lost blanks, None where none did."""
    trimmed = [name.strip() for name in found if name != name.strip()]
    if not trimmed:
        return None
    return f"blanks around these names are left out: {', '.join(trimmed[:5])}"
