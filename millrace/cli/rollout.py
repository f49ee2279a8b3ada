"""`millrace rollout`: how far a challenger is on its way to champion, and a say in it."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cyclopts import App

from millrace.cli.output import console, print_json, short, table
from millrace.errors import MillraceError, UnavailableError

if TYPE_CHECKING:
    from millrace.domain.rollout.advance import Transition
    from millrace.steps.rollout import Act, RolloutStatus

rollout = App(name="rollout", help="How far a challenger is on its way to champion, and a say in it.")


@rollout.command
def status(model: str, *, json: bool = False) -> None:
    """Show where a model's rollout stands, what was found last, and each turn it has taken.

    Example: `millrace rollout status churn`.

    Parameters
    ----------
    model
        A folder under models/.
    json
        Write the status as JSON.
    """
    from millrace.steps.rollout import rollout_status

    found = rollout_status(model)
    if json:
        print_json(found)
    else:
        _show(found)


@rollout.command
def pause(model: str, *, reason: str, json: bool = False) -> None:
    """Keep a rollout where it is; looks that fail still end it.

    Example: `millrace rollout pause churn --reason "the fair is on"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger.
    json
        Write the result as JSON.
    """
    from millrace.steps.rollout import Act

    say(model, Act.PAUSE, reason, json)


@rollout.command
def resume(model: str, *, reason: str, json: bool = False) -> None:
    """Let a paused rollout go on; its step begins anew.

    Example: `millrace rollout resume churn --reason "the fair is over"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger.
    json
        Write the result as JSON.
    """
    from millrace.steps.rollout import Act

    say(model, Act.RESUME, reason, json)


@rollout.command
def abort(model: str, *, reason: str, json: bool = False) -> None:
    """Take the challenger back, whatever its step; the champion answers everything again.

    Example: `millrace rollout abort churn --reason "support is flooded"`.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why; it goes to the ledger.
    json
        Write the result as JSON.
    """
    from millrace.steps.rollout import Act

    say(model, Act.ABORT, reason, json)


@rollout.command
def look(*models: str, json: bool = False) -> None:
    """Take one look at what is on its way and do what follows from it; the controller does so by itself.

    Example: `millrace rollout look churn`, or `millrace rollout look` for every model.

    Parameters
    ----------
    models
        Folders under models/; every model that has something on its way where none is named.
    json
        Write what the looks came to as JSON.
    """
    from millrace.domain.narration import tell

    taken, troubles = _look_at_all(models)
    _follow([model for model, transition in taken.items() if transition.fact is not None])
    if json:
        print_json(taken)
    for model, transition in taken.items() if not json else ():
        said = tell(transition.fact) if transition.fact else transition.reason
        console().print(f"{model}: {transition.after.phase}, {said}", soft_wrap=True)
    for trouble in troubles:
        print(f"error: {trouble}", file=sys.stderr)
    if troubles:
        sys.exit(1)


def _look_at_all(models: Sequence[str]) -> "tuple[dict[str, Transition], list[str]]":
    """Take the looks and publish what follows; one model's trouble holds up no other."""
    from millrace.adapters import clock
    from millrace.steps.rollout import list_on_trial, look_at_rollout
    from millrace.steps.serve import list_unpublished, publish_model_pointer

    taken, troubles = {}, []
    for model in models or list_on_trial():
        try:
            taken[model] = look_at_rollout(model, clock.now())
            publish_model_pointer(model, clock.now())
        except (MillraceError, OSError) as error:
            troubles.append(f"{model}: {error}")
    for model in () if models else list_unpublished():
        # what a look that died had recorded, and nobody was told of
        try:
            publish_model_pointer(model, clock.now())
        except (MillraceError, OSError) as error:
            troubles.append(f"{model}: {error}")
    return taken, troubles


def say(model: str, act: "Act", reason: str, json: bool) -> None:
    """Record what a person says to a rollout, and let the services know."""
    from millrace.adapters import clock
    from millrace.domain.narration import tell
    from millrace.steps.rollout import say_to_rollout
    from millrace.steps.serve import publish_model_pointer

    transition = say_to_rollout(model, act, reason, clock.now())
    publish_model_pointer(model, clock.now())
    _follow([model])
    if json:
        print_json(transition)
    else:
        said = tell(transition.fact) if transition.fact else f"nothing to {act}: {transition.reason}"
        console().print(f"{model}: {said}", soft_wrap=True)


def _follow(models: Sequence[str]) -> None:
    """Do what may wait for other systems, once every pointer of this machine is published."""
    from millrace.adapters import clock
    from millrace.steps.alerts import send_alerts
    from millrace.steps.serve import mirror_champion, send_to_remote

    for model in models:
        send_to_remote(model)
    for model in models:
        send_alerts(model, "by hand", clock.now())
        try:
            mirror_champion(model)
        except UnavailableError as error:
            print(f"the alias is to follow by `millrace reconcile`: {error}", file=sys.stderr)


def _show(found: "RolloutStatus") -> None:
    out, rollout = console(), found.rollout
    champion = f"champion {short(rollout.champion)} of generation {rollout.generation}"
    if found.rollout.policy is None or found.rollout.on_trial is None:
        out.print(f"{rollout.model}: {rollout.phase}, {champion}")
    else:
        _show_trial(found)
    if found.waiting is not None:
        out.print(f"{short(found.waiting.digest)} waits: {found.waiting.reason}", soft_wrap=True)
    turns = table("at (UTC)", "by", "what happened", "phase", "weight")
    for turn in found.turns:
        at = f"{turn.at:%Y-%m-%d %H:%M:%S}"
        turns.add_row(at, turn.actor, turn.told, turn.after.phase, f"{turn.after.weight} %")
    out.print(turns)


def _show_trial(found: "RolloutStatus") -> None:
    out, rollout, policy = console(), found.rollout, found.rollout.policy
    assert policy is not None  # noqa: S101 - nothing is on trial without one
    on_trial, control = short(rollout.on_trial), short(rollout.control)
    step = f"step {rollout.step + 1} of {len(policy.steps)}, " if rollout.challenger else ""
    out.print(
        f"{rollout.model}: {rollout.phase}, {step}{on_trial} against {control}, weight {rollout.weight} %, "
        f"generation {rollout.generation}"
    )
    ends = f"{found.ends_at:%Y-%m-%d %H:%M:%S} UTC" if found.ends_at else "never"
    out.print(f"since {rollout.since:%Y-%m-%d %H:%M:%S} UTC, to pass by {ends}")
    out.print(
        f"rollback bound {policy.bound}: a look each {policy.interval}, {policy.failure_limit} that fail "
        f"take it back, from {policy.step_requests:,} requests of it on; {rollout.failures} failed so far",
        soft_wrap=True,
    )
    if rollout.paused:
        out.print(f"paused: {rollout.paused}")
    if rollout.is_asking:
        out.print(f"waits for approval: `millrace approve {rollout.model} --reason TEXT`, or `reject`")
    if found.look is None:
        out.print("no look has been taken at this step yet")
        return
    out.print(f"last look at {found.look.at:%Y-%m-%d %H:%M:%S} UTC: {found.look.reason}", soft_wrap=True)
    verdicts = table("judge", "outcome", "reason")
    for verdict in found.look.verdicts:
        verdicts.add_row(verdict.rule, verdict.outcome, verdict.reason)
    if found.look.verdicts:
        out.print(verdicts)
