"""`millrace why`: the lineage of one version, on one screen."""

from typing import TYPE_CHECKING

from millrace.cli.output import FALLBACK, console, print_json, short, table

if TYPE_CHECKING:
    from millrace.domain.facts import ChallengerReceived
    from millrace.steps.lineage import Lineage


def why(version: str, *, json: bool = False) -> None:
    """Show the whole lineage of one version: data, code, settings, verdicts, and what became of it.

    Examples: `millrace why churn`, `millrace why churn/3`, `millrace why 70656c36`.

    Parameters
    ----------
    version
        The first characters of a digest, MODEL for its champion, or MODEL/NUMBER.
    json
        Write it as JSON.
    """
    from millrace.steps.lineage import find_lineage

    lineage = find_lineage(version)
    if json:
        print_json(lineage)
    else:
        _show(lineage)


def _show(lineage: "Lineage") -> None:
    from millrace.domain.narration import tell, tell_threshold

    out, trained, manifest = console(), lineage.trained, lineage.manifest
    blocks = manifest.training_blocks
    facts = {
        "bundle": f"{trained.digest}  ({trained.engine})",
        "dataset": f"{trained.inputs.dataset}  ({_measure_dataset(lineage)})",
        "learned": f"{trained.rows:,} rows of {len(blocks)} blocks, {blocks[0]} to {blocks[-1]}",
        "parameters": ", ".join(f"{name} {value}" for name, value in trained.parameters.items()) or "stock",
        "seed": str(manifest.seed),
        "model files": manifest.code.model_files,
        "lock": manifest.code.lock,
        "git commit": trained.git_commit or "none",
        "versions": ", ".join(f"{name} {value}" for name, value in manifest.environment.items()),
        "agreement": f"largest difference {trained.agreement.largest_difference:.2g} "
        f"on {trained.agreement.rows:,} rows",
    }
    if trained.threshold is not None:
        facts["threshold"] = tell_threshold(trained.threshold)
    if trained.fallback is not None:
        facts["fallback"] = f"{FALLBACK}: {trained.fallback}"
    out.print(f"{lineage.model} {short(trained.digest)}")
    for name, value in facts.items():
        out.print(f"  {name:<12} {value}", soft_wrap=True)
    if (received := lineage.received) is not None:
        _show_offer(received)
    shown = table("seq", "at (UTC)", "by", "what happened")
    for entry in lineage.entries:
        shown.add_row(str(entry.seq), f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, tell(entry.fact))
    out.print(shown)


def _show_offer(received: "ChallengerReceived") -> None:
    facts = [
        ("offered", f"by {received.offered_by} of {received.origin}: {received.reason}"),
        ("gate there", f"{received.judged.outcome}: {received.judged.reason}"),
        *(("there", f"{one.at:%Y-%m-%d %H:%M}  {one.actor}  {one.told}") for one in received.course),
        ("ledger there", received.ledger_head),
    ]
    for name, value in facts:
        console().print(f"  {name:<12} {value}", soft_wrap=True)


def _measure_dataset(lineage: "Lineage") -> str:
    if lineage.dataset is None:
        return f"with {lineage.received.origin}" if lineage.received else "not here"
    return f"{len(lineage.dataset.parts)} parts, {lineage.dataset.rows:,} rows"
