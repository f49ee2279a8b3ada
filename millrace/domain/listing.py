"""How are many things named or counted in one line?"""

from collections.abc import Sequence


def name_some(names: Sequence[str], most: int) -> str:
    """Return the first `most` names, and how many more there are.

    >>> name_some(["area", "floor"], 2), name_some(["area", "floor", "height"], 2)
    ('area, floor', 'area, floor and 1 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def count_things(count: int, noun: str) -> str:
    """Return a number and what it counts.

    >>> count_things(1, "week"), count_things(0, "week"), count_things(2, "batch")
    ('1 week', '0 weeks', '2 batches')
    """
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
