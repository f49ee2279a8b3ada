"""What is another thing in the one than in the other, name by name?"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One thing that differs; it is None where it is not there at all."""

    name: str
    old: object
    new: object


def list_changes(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[Change, ...]:
    """Return what differs, in the order of the old ones, those that came at the end.

    >>> list_changes({"a": 1, "b": 2}, {"b": 3, "c": 4})
    (Change(name='a', old=1, new=None), Change(name='b', old=2, new=3), Change(name='c', old=None, new=4))
    """
    return tuple(
        Change(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*old, *new])
        if name not in old or name not in new or old[name] != new[name]
    )


def flatten_keys(nested: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Return every value by its whole key.

    >>> flatten_keys({"gate": {"margin": 2.0, "floors": {"mae": 55}}, "seed": 7})
    {'gate.margin': 2.0, 'gate.floors.mae': 55, 'seed': 7}
    """
    flat: dict[str, object] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten_keys(value, f"{above}{key}.")
        else:
            flat[above + key] = value
    return flat
