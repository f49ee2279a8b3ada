"""`millrace diff`: in what do two versions of a model differ?"""

from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from millrace.domain.change import Change
    from millrace.domain.version_diff import AnswerDiff, DataSide, Version, VersionDiff

SHOWN = 12
"""So many names or commits are told; --json has them all."""
SHOWN_OF_LISTS = 4
"""Of longer ones only what differs is told."""
WIDE = 40
"""Characters of a value in a cell: two of them and a name fit into 100 columns."""


def diff(old: str, new: str, *, json: bool = False) -> None:
    """Compare two versions of a model: data, code, configuration, features, metrics, and their answers.

    Both answer the judged rows of the newest dataset that neither has learned from. Nothing is recorded.

    Examples: `millrace diff churn/3 churn/4`, `millrace diff 70656c36 churn --json`.

    Parameters
    ----------
    old
        The first characters of a digest, MODEL for its champion, or MODEL/NUMBER.
    new
        What it is compared with, named the same way.
    json
        Write it as JSON.
    """
    from millrace.adapters.clock import now
    from millrace.steps.diff import diff_versions

    with watched("diff"):
        found = diff_versions(old, new, now())
    if json:
        print_json(found)
        return
    _show_versions(found)
    _show_data(found)
    _show_code(found)
    _show_configuration(found)
    _show_features(found)
    _show_changes("threshold and classes", found.decisions)
    _show_changes("packages", found.packages)
    _show_changes("parameters", found.parameters)
    _show_metrics(found)
    _show_answers(found)


def _show_versions(found: "VersionDiff") -> None:
    shown = table(found.model, *(_name(one) for one in (found.old, found.new)))
    for cells in zip(
        ("trained", "dataset", "learned", "git commit", "scorer", "its gate"),
        *(_cells(one) for one in (found.old, found.new)),
        strict=True,
    ):
        shown.add_row(*cells)
    console().print(shown)


def _cells(one: "Version") -> tuple[str, ...]:
    return (
        f"{one.trained_at:%Y-%m-%d %H:%M} UTC",
        short(one.dataset),
        f"{one.learned_rows:,} rows",
        _commit(one.git_commit),
        f"{one.engine}, {one.bytes:,} bytes in all",
        one.gate or "not judged",
    )


def _show_data(found: "VersionDiff") -> None:
    out, data = console(), found.data
    if data is None:
        same = found.old.dataset == found.new.dataset
        out.print("data: same" if same else "data: other, and its parts are not known here")
        return
    shown = table("data", "old", "new")
    for name in ("parts", "rows"):
        shown.add_row(name, *(f"{getattr(side, name):,}" for side in (data.old, data.new)))
    shown.add_row("time span", *(_span(side) for side in (data.old, data.new)))
    for label in dict.fromkeys([*(data.old.labels or {}), *(data.new.labels or {})]):
        what = "mean label" if label == "mean" else f"share of {label}"
        shown.add_row(what, *(_number((side.labels or {}).get(label)) for side in (data.old, data.new)))
    out.print(shown)
    for word, batches in (("added", data.added), ("removed", data.removed)):
        if batches:
            out.print(f"  {word} {len(batches)}: {_list(batches)}")
    if data.trouble:
        out.print(f"  {data.trouble}")


def _show_code(found: "VersionDiff") -> None:
    out, code = console(), found.code
    if not (code.digests or code.commits or code.back):
        out.print("code: same" + (f" ({code.trouble})" if code.trouble else ""))
        return
    names = ", ".join(change.name for change in code.digests)
    out.print(f"code: {names} changed" if names else "code: what trains and serves is the same")
    if code.trouble:
        out.print(f"  {code.trouble}")
    for word, subjects in (("only in the new", code.commits), ("only in the old", code.back)):
        if subjects:
            out.print(f"  {len(subjects)} commits {word}:")
        for subject in subjects[:SHOWN]:
            out.print(f"    {subject}", overflow="ellipsis", no_wrap=True)
        if len(subjects) > SHOWN:
            out.print(f"    and {len(subjects) - SHOWN} more")


def _show_configuration(found: "VersionDiff") -> None:
    configuration = found.configuration
    if configuration.trouble:
        console().print(f"configuration: {configuration.trouble}")
        return
    _show_changes("model.toml", configuration.keys)
    if configuration.files:
        names = [change.name for change in configuration.files]
        console().print(f"other files of the folder changed: {_list(names)}")


def _show_features(found: "VersionDiff") -> None:
    out, features = console(), found.features
    if not (features.added or features.removed or features.changed):
        out.print("features: same")
        return
    for word, names in (("added", features.added), ("removed", features.removed)):
        if names:
            out.print(f"features {word}: {_list(names)}")
    if features.changed:
        _show_changes("features", features.changed)


def _show_changes(title: str, changes: "tuple[Change, ...]") -> None:
    if not changes:
        console().print(f"{title}: same")
        return
    shown = table(title, "old", "new")
    for change in changes:
        shown.add_row(change.name, *map(_cut, _told(change)))
    console().print(shown)


def _told(change: "Change") -> tuple[object, object]:
    """Return what is told of both sides: of two lists what only one of them has."""
    match change.old, change.new:
        case list() | tuple() as old, list() | tuple() as new if len(old) + len(new) > SHOWN_OF_LISTS:
            return [one for one in old if one not in new], [one for one in new if one not in old]
        case both:
            return both


def _show_metrics(found: "VersionDiff") -> None:
    if not found.metrics:
        return
    shown = table("at its own gate", "metric", "old", "new", "judged on")
    for one in found.metrics:
        rows = "the same blocks" if one.is_same_set else "other blocks"
        shown.add_row(one.judged_set, one.metric, _number(one.old), _number(one.new), rows)
    console().print(shown)


def _show_answers(found: "VersionDiff") -> None:
    out, answers = console(), found.answers
    if answers is None:
        out.print(f"answers cannot be compared: {found.answers_trouble}", soft_wrap=True)
        return
    out.print(
        f"answers to the same {answers.rows:,} rows of {answers.blocks} blocks that neither has learned from:"
    )
    out.print(
        f"  apart by {answers.mean_absolute:.4g} in the mean (new less old {answers.mean:+.4g}); "
        f"{100 * answers.beyond_tolerance:.2f} % of rows by more than {answers.tolerance:g}"
    )
    if answers.disagreeing is not None:
        out.print(f"  {100 * answers.disagreeing:.2f} % of rows are put into another class")
    _show_losses(answers)
    if answers.largest:
        shown = table("most different", "label", "old", "new", "apart")
        for row in answers.largest:
            name = ", ".join(f"{key} {value}" for key, value in row.row.items())
            shown.add_row(name, _value(row.label), _value(row.old), _value(row.new), _number(row.difference))
        out.print(shown)


def _show_losses(answers: "AnswerDiff") -> None:
    at = f"({100 * answers.confidence:g} %)"
    shown = table("on these rows", "old", "new", "gain", f"at least {at}", f"at most {at}")
    for one in answers.losses:
        bounds = (_signed(value) for value in (one.gain, one.at_least, one.at_most))
        shown.add_row(one.metric.value, _number(one.champion), _number(one.changed), *bounds)
    console().print(shown)


def _name(version: "Version") -> str:
    number = f" (version {version.number})" if version.number is not None else ""
    return short(version.digest) + number


def _commit(commit: str | None) -> str:
    if commit is None:
        return "none"
    dirty = " with uncommitted changes" if commit.endswith("-dirty") else ""
    return short(commit) + dirty


def _span(side: "DataSide") -> str:
    if side.first_time is None or side.last_time is None:
        return "no time"
    return f"{side.first_time:%Y-%m-%d} to {side.last_time:%Y-%m-%d}"


def _list(names: "Iterable[str]") -> str:
    from millrace.domain.listing import name_some

    return name_some(list(names), SHOWN)


def _cut(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _signed(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.3g}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return " ".join(f"{share:.3g}" for share in value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)
