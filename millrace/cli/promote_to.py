"""`millrace promote-to`: offer a judged version to another installation."""

from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short

if TYPE_CHECKING:
    from millrace.steps.offering import Offered


def promote_to(
    channel: str, model: str, *, reason: str, version: str | None = None, json: bool = False
) -> None:
    """Copy a judged version to another installation's channel, where it begins a rollout of its own.

    Its bundle is copied, and one signed file that says how it was judged and what became of it here. The
    other installation takes it in if it trusts the key of this one (`var/keys/signing.pub` here, in
    `var/keys/trusted` there). Done again, it is the same offer.

    Example: `millrace promote-to s3://prod-channel churn --reason "two weeks without a complaint"`.

    Parameters
    ----------
    channel
        The MILLRACE_CHANNEL of the other installation, or the folder `var/channel` of its home.
    model
        A folder under models/.
    reason
        Why; it goes to both ledgers.
    version
        The first characters of a digest; without it, the champion.
    json
        Write the offer as JSON.
    """
    from uuid import uuid4

    from millrace.adapters import clock
    from millrace.steps.offering import offer_version

    offered = offer_version(channel, model, version, reason, f"promote-to {uuid4()}", clock.now())
    if json:
        print_json(offered)
    else:
        _show(offered)


def _show(offered: "Offered") -> None:
    offer, out = offered.offer, console()
    since = "" if offered.is_new else f" since {offer.offered_at:%Y-%m-%d %H:%M} UTC"
    words = f"{offer.model}: {short(offer.digest)} is offered to {offered.channel}{since}: {offer.reason}"
    out.print(words, soft_wrap=True)
    out.print(f"  gate         {offer.judged.outcome}: {offer.judged.reason}", soft_wrap=True)
    for milestone in offer.course:
        told = f"{milestone.at:%Y-%m-%d %H:%M}  {milestone.actor}  {milestone.told}"
        out.print(f"  {told}", soft_wrap=True)
