"""`millrace new`: a model from a file and the name of a column."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from millrace.cli.output import console, print_json, table, watched

if TYPE_CHECKING:
    from rich.console import Console

    from millrace.steps.new import NewModel

SHOWN = 12
"""So many names of columns, and things left out, are told; the rest stands in the README of the model."""


def new(  # noqa: PLR0913 (options of a command)
    name: str,
    *,
    data: Path,
    target: str,
    time: str | None = None,
    key: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    task: Literal["binary", "multiclass", "regression"] | None = None,
    json: bool = False,
) -> None:
    """Make a model of a file: everything is inferred, explained in its model.toml, and yours to change.

    Writes models/NAME (model.toml, README.md, tests) and copies the file into the model's inbox. Nothing is
    asked; what was not certain is told, with the line that decides it. `millrace retrain NAME` comes next.

    Examples: `millrace new churn --data customers.csv --target churned`,
    `millrace new demand --data sales.xlsx --target units --time day --key store --key article`.

    Exit codes: 0 made; 1 nothing was made, and why.

    Parameters
    ----------
    name
        Small letters, digits, - and _: the folder under models/.
    data
        A CSV, TSV, parquet, JSON lines or Excel file; how it is written is detected.
    target
        The column that is to be predicted.
    time
        The column that says when a row was; without it, a column of times that fits.
    key
        A column that names a row, several times for several; without it, one that looks so, or none.
    keep
        A column that is to be a feature although it looks like personal data, or like the target.
    task
        Only where the guess from the target's values is wrong.
    json
        Write what was found as JSON.
    """
    from millrace.adapters import clock
    from millrace.domain.kinds import Task
    from millrace.domain.proposal import Wishes

    wishes = Wishes(name, target, time, key, keep, Task(task) if task else None, clock.now())
    with watched(f"{name} · new"):
        from millrace.steps.new import new_model

        made = new_model(data, wishes)
    if json:
        print_json(_as_json(made))
    else:
        _show(made)


def _show(made: "NewModel") -> None:
    out, proposal = console(), made.proposal
    draft = proposal.draft
    out.print(f"{draft.wishes.name}: {draft.scan.rows:,} rows, {len(draft.scan.columns):,} columns")
    for guess in draft.scan.guesses:
        out.print(f"  {guess}", soft_wrap=True)
    out.print(_taken(made))
    _show_left_out(out, made)
    if proposal.doubts:
        out.print("Not certain, and what decides it in model.toml:")
        for doubt in proposal.doubts[:SHOWN]:
            out.print(f"  {doubt.what}", soft_wrap=True)
            out.print(f"    -> {doubt.line}", soft_wrap=True)
        _show_rest(out, len(proposal.doubts))
        out.print("")
    out.print(f"wrote {made.folder}: model.toml, README.md, tests", soft_wrap=True)
    out.print(f"data  {made.inbox}", soft_wrap=True)
    out.print(f"next: millrace retrain {draft.wishes.name}")


def _show_left_out(out: "Console", made: "NewModel") -> None:
    left_out = made.proposal.draft.left_out
    if not left_out:
        return
    out.print("Left out:")
    for one in left_out[:SHOWN]:
        out.print(f"  {one.column}: {one.cause}, {one.why}", soft_wrap=True)
    _show_rest(out, len(left_out))
    out.print("")


def _show_rest(out: "Console", count: int) -> None:
    if count > SHOWN:
        out.print(f"  and {count - SHOWN} more: README.md has them all")


def _taken(made: "NewModel") -> object:
    proposal = made.proposal
    draft, split, target = proposal.draft, proposal.draft.split, proposal.draft.target
    shown = table("what", "taken for", "because")
    shown.add_row("target", f"{target.column}: {target.task}", target.why)
    for what, columns in (("time", draft.time), ("key", draft.key), ("group", draft.group)):
        names = (columns,) if isinstance(columns, str) else columns or ()
        shown.add_row(what, _names(names) or "none", draft.why.get(what, "") if names else "")
    for kind in ("numeric", "categorical", "text"):
        if names := draft.of_kind(kind):
            shown.add_row(f"{len(names)} {kind}", _names(names), "")
    rows = f"{split.training:,} teach, {split.recent:,} recent and {split.golden:,} golden judge"
    shown.add_row("rows", rows, f"blocks of {split.block}" if split.block else "")
    if proposal.probe is not None:
        shown.add_row("estimator", proposal.probe.estimator, proposal.probe.why)
    gate = next(block for block in proposal.blocks if block.name == "gate")
    for entry in gate.entries:
        if entry.key in {"metric", "margin"}:
            shown.add_row(f"gate.{entry.key}", str(entry.value), entry.why or "")
    return shown


def _names(names: tuple[str, ...]) -> str:
    from millrace.domain.listing import name_some

    return name_some(names, SHOWN)


def _as_json(made: "NewModel") -> dict[str, Any]:
    proposal = made.proposal
    draft = proposal.draft
    return {
        "model": draft.wishes.name,
        "folder": str(made.folder),
        "inbox": str(made.inbox),
        "rows": draft.scan.rows,
        "target": draft.target,
        "time": draft.time,
        "key": draft.key,
        "group": draft.group,
        "features": draft.features,
        "left_out": draft.left_out,
        "sensitive": draft.sensitive,
        "split": draft.split,
        "probe": proposal.probe,
        "guesses": draft.scan.guesses,
        "doubts": proposal.doubts,
    }
