"""`millrace golden`: the rows that no run may ever learn from."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from millrace.cli.output import console, print_json, table, watched

if TYPE_CHECKING:
    from millrace.domain.facts import GoldenRenewed

ROLES = ("champion", "best")

golden = App(name="golden", help="The rows that no run may ever learn from: show, renew.")


@golden.command
def show(model: str, *, json: bool = False) -> None:
    """Show how the golden set is chosen, how often it was looked at, and how it was renewed.

    Example: `millrace golden show churn`.

    Parameters
    ----------
    model
        A folder under models/.
    json
        Write JSON instead of text.
    """
    from millrace.domain.narration import tell_golden
    from millrace.steps.golden import show_golden

    found = show_golden(model)
    if json:
        print_json(found)
        return
    out = console()
    out.print(f"{model} golden set: {tell_golden(found.policy)}")
    out.print(f"looked at {found.looks} of {found.max_looks} times")
    if found.unrecorded:
        out.print(f"not recorded: {found.unrecorded}. Record it with `millrace golden renew`", soft_wrap=True)
    for renewal in found.renewals:
        _show_renewal(renewal)


@golden.command
def renew(
    model: str,
    *,
    reason: str,
    share: Annotated[float | None, Parameter(validator=Number(gt=0, lt=1))] = None,
    until: date | None = None,
    json: bool = False,
) -> None:
    """Choose other golden rows, and judge the champion and the best one ever once on both sets.

    It goes to the ledger, and `[golden]` of model.toml is written: commit that file. Looks are counted from
    here on. Blocks that a champion has learned from do not judge it, so what is new comes mostly from newer
    data: give a later `--until`. What is in `[golden]` by hand already is recorded, with another generation.

    Example: `millrace golden renew churn --reason "50 looks" --until 2014-01-01`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger.
    share
        The share of blocks that is golden from now on; without it as before.
    until
        Only blocks before this day are golden, where there is time; without it as before.
    json
        Write the result as JSON.
    """
    from millrace.adapters import clock
    from millrace.steps.golden import renew_golden

    with watched(f"{model} · golden"):
        fact = renew_golden(model, reason, share, until, clock.now())
    if json:
        print_json(fact)
        return
    out = console()
    _show_renewal(fact)
    out.print(f"models/{model}/model.toml is written: commit it. The next training keeps off the new rows")


def _show_renewal(fact: "GoldenRenewed") -> None:
    from millrace.domain.config import Metric
    from millrace.domain.losses import metric_value, name_metric
    from millrace.domain.narration import tell_golden

    out, metric = console(), Metric(fact.metric)
    looks = f"{fact.looks} look" + ("" if fact.looks == 1 else "s")
    out.print(f"renewed after {looks}: {fact.reason}", soft_wrap=True)
    shown = table(
        "golden set", "chosen by", "blocks judged", *(f"{who} {name_metric(metric)}" for who in ROLES)
    )
    for name, policy, blocks in (
        ("old", fact.old, fact.old_blocks),
        ("new", fact.new, fact.new_blocks),
    ):
        losses = fact.losses.get(name, {})
        values = (f"{metric_value(metric, losses[role]):.4g}" if role in losses else "—" for role in ROLES)
        shown.add_row(name, tell_golden(policy), str(blocks), *values)
    out.print(shown)
