"""Does Prefect know of the deployments what the file and the models say?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SHOWN_CHARACTERS = 60
"""Of a value that differs: the rest is in Prefect's UI and in the file."""

Facts = Mapping[str, Any]
"""JSON values by Prefect's own names for them."""


@dataclass(frozen=True)
class Deployment:
    """One deployment as the file wants it, or as Prefect has it.

    `name` is `retrain/on-demand`. Schedules are told apart by their slug, the model they
    are for; triggers by their name.
    """

    name: str
    settings: Facts
    schedules: Mapping[str, Facts] = field(default_factory=dict)
    triggers: Mapping[str, Facts] = field(default_factory=dict)

    @property
    def flow(self) -> str:
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Difference:
    """One thing that Prefect has otherwise than it is wanted."""

    subject: str
    finding: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.finding}"


def list_differences(wanted: Sequence[Deployment], found: Sequence[Deployment]) -> list[Difference]:
    """Compare what is wanted with what Prefect has; empty when there is nothing to do.

    The subject of each difference is the name of its deployment.
    """
    by_name = {one.name: one for one in found}
    differences = []
    for one in wanted:
        there = by_name.pop(one.name, None)
        findings = ["is not registered"] if there is None else _compare(one, there)
        differences += [Difference(one.name, finding) for finding in findings]
    return [*differences, *(Difference(name, "is registered, and not wanted") for name in sorted(by_name))]


def _compare(wanted: Deployment, found: Deployment) -> Iterator[str]:
    yield from _compare_facts("", wanted.settings, found.settings)
    yield from _compare_all("schedule", wanted.schedules, found.schedules)
    yield from _compare_all("trigger", wanted.triggers, found.triggers)


def _compare_all(kind: str, wanted: Mapping[str, Facts], found: Mapping[str, Facts]) -> Iterator[str]:
    for name in sorted({*wanted, *found}):
        if name not in found:
            yield f"{kind} {name!r} is missing"
        elif name not in wanted:
            yield f"{kind} {name!r} is there, and not wanted"
        else:
            yield from _compare_facts(f"{kind} {name!r}: ", wanted[name], found[name])


def _compare_facts(where: str, wanted: Facts, found: Facts) -> Iterator[str]:
    for key in sorted({*wanted, *found}):
        asked, there = wanted.get(key), found.get(key)
        if isinstance(asked, Mapping) and isinstance(there, Mapping):
            yield from _compare_facts(f"{where}{key}.", asked, there)
        elif asked != there:
            yield f"{where}{key} is {_shown(there)}, not {_shown(asked)}"


def _shown(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
