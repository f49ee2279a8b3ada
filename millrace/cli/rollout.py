"""`millrace rollout`: how far a challenger is on its way to champion, and a say in it."""

from typing import TYPE_CHECKING

from cyclopts import App

from millrace.cli.output import console, print_json, short, table

if TYPE_CHECKING:
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
    from millrace.adapters import clock
    from millrace.domain.narration import tell
    from millrace.steps.rollout import list_on_trial, look_at_rollout

    taken = {}
    for model in models or list_on_trial():
        taken[model] = look_at_rollout(model, clock.now())
        _publish(model)
    if json:
        print_json(taken)
        return
    for model, transition in taken.items():
        said = tell(transition.fact) if transition.fact else transition.reason
        console().print(f"{model}: {transition.after.phase}, {said}", soft_wrap=True)


def say(model: str, act: "Act", reason: str, json: bool) -> None:
    """Record what a person says to a rollout, and let the services know."""
    from millrace.adapters import clock
    from millrace.domain.narration import tell
    from millrace.steps.rollout import say_to_rollout

    transition = say_to_rollout(model, act, reason, clock.now())
    _publish(model)
    if json:
        print_json(transition)
    else:
        said = tell(transition.fact) if transition.fact else f"nothing to {act}: {transition.reason}"
        console().print(f"{model}: {said}", soft_wrap=True)


def _publish(model: str) -> None:
    import sys

    from millrace.adapters import clock
    from millrace.errors import UnavailableError
    from millrace.steps.alerts import send_alerts
    from millrace.steps.serve import publish_serving

    now = clock.now()
    try:
        publish_serving(model, now)
    except UnavailableError as error:
        print(f"the alias in the catalogue is to follow by `millrace reconcile`: {error}", file=sys.stderr)
    send_alerts(model, "by hand", now)


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
        f"{rollout.model}: {rollout.phase}, {step}{on_trial} against {control}, weight {rollout.weight} %"
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
