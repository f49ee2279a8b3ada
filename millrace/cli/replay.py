"""`millrace replay`: history again, under other policies."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.domain.replay import PolicyResult, ReplayResult

PAGE, RESULT = "replay.html", "replay.json"


def _read_every(_kind: object, tokens: Sequence[object]) -> timedelta:
    from millrace.domain.duration import parse_duration

    return parse_duration(str(getattr(tokens[0], "value", tokens[0])))


def replay(  # noqa: PLR0913 - each is an option of the verb
    model: str,
    *,
    since: Annotated[datetime, Parameter(name="--from")],
    until: Annotated[datetime, Parameter(name="--to")],
    policy: list[str] | None = None,
    every: Annotated[timedelta, Parameter(converter=_read_every)] = timedelta(days=1),
    json: bool = False,
    out: Path | None = None,
) -> None:
    """Run a model's history again on a simulated clock, under policies side by side.

    What would have been trained, promoted and refused, at which loss and cost, and how loss grows with a
    version's age. Each policy is played in a folder of its own under var/replays; the installation stays as
    it is. What was stopped goes on by the same command.

    Examples: `millrace replay churn --from 2025-01-01 --to 2025-07-01`,
    `millrace replay churn --from 2025-01-01 --to 2025-07-01 --policy own --policy weekly.toml`.

    Parameters
    ----------
    model
        A folder under models/, with a time column.
    since
        When the replay begins, UTC; what is older is there from the start.
    until
        When it ends, UTC.
    policy
        A file with sections of model.toml, whose keys stand in the place of the model's own; or `own`,
        `always` (trains on all that is new), `never` (keeps its first version, and is there in any case).
        Without any it is `own`.
    every
        How long a step of the clock is: 6h, 1d, 7d.
    json
        Write the result as JSON.
    out
        Copy the page and the result into this folder too.
    """
    from millrace.steps.replay.plan import plan_replay
    from millrace.steps.replay.run import run_replay

    plan = plan_replay(model, _in_utc(since), _in_utc(until), every, policy or [])
    with watched(f"{model} · replay"):
        result = run_replay(plan)
        page = _write(result, plan.folder)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name in (PAGE, RESULT):
            shutil.copyfile(plan.folder / name, out / name)
        page = out / PAGE
    if json:
        print_json(result)
    else:
        _show(result, page)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _write(result: "ReplayResult", folder: Path) -> Path:
    from millrace.adapters import clock
    from millrace.adapters.policy_report import render_policies
    from millrace.domain.canonical import readable_json
    from millrace.durable import replace_file

    replace_file(folder / PAGE, render_policies(result, clock.wall_now()).encode())
    replace_file(folder / RESULT, readable_json(result).encode())
    return folder / PAGE


def _show(result: "ReplayResult", page: Path) -> None:
    from millrace.domain.replay.conclusions import tell_aging, tell_best, tell_gaps, tell_notes

    out = console()
    for policy in result.policies:
        out.print(f"{policy.policy}", style="bold")
        out.print(_happenings(result, policy))
    out.print(_summary(result))
    out.print(_ages(result))
    out.print(tell_best(result), soft_wrap=True)
    for policy in result.policies:
        if (told := tell_aging(policy, result.metric)) is not None:
            out.print(told, soft_wrap=True)
    for told in (*tell_gaps(result), *tell_notes(result)):
        out.print(told, soft_wrap=True)
    out.print(f"page: {page}", soft_wrap=True)


def _happenings(result: "ReplayResult", policy: "PolicyResult") -> object:
    shown = table("time, UTC", "rows", "event", "decision", "gate", "champion", result.short_name, "seconds")
    for one in policy.happenings:
        seconds = f"{one.training_seconds:.1f}" if one.trained_rows else ""
        rows = f"{one.rows:,}" if one.rows else ""
        shown.add_row(
            f"{one.at:%Y-%m-%d %H:%M}", rows, one.event, one.decision, one.gate, short(one.champion),
            result.spell(one.loss), seconds,
        )  # fmt: skip
    return shown


def _summary(result: "ReplayResult") -> object:
    metric = result.short_name
    shown = table(
        "policy", metric, "trained", "promoted", "refused", "quarantined", "detected", "seconds",
        "rows trained",
    )  # fmt: skip
    for one in result.policies:
        counts = (one.trainings, one.promotions, one.refusals, one.quarantines, one.detected)
        shown.add_row(
            one.policy, result.spell(one.loss), *map(str, counts), f"{one.training_seconds:.1f}",
            f"{one.trained_rows:,}",
        )  # fmt: skip
    shown.caption = f"{result.metric_name}, over {result.rows:,} of {result.asked.rows:,} rows"
    return shown


def _ages(result: "ReplayResult") -> object:
    shown = table("policy", "weeks old", "champions", "rows", "new", result.short_name, "served then")
    for policy in result.policies:
        for age in policy.ages:
            shown.add_row(
                policy.policy, str(age.weeks), str(age.champions), f"{age.rows:,}", result.spell(age.fresh),
                result.spell(age.loss), result.spell(age.served),
            )  # fmt: skip
    return shown
