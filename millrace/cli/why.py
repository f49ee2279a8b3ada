"""`millrace why`: the lineage of one version, on one screen."""

from typing import TYPE_CHECKING

from millrace.cli.output import console, print_json, short, table

if TYPE_CHECKING:
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
    from millrace.domain.narration import tell

    out, trained, manifest, dataset = console(), lineage.trained, lineage.manifest, lineage.dataset
    blocks = manifest.training_blocks
    facts = {
        "bundle": f"{trained.digest}  ({trained.engine})",
        "dataset": f"{dataset.version}  ({len(dataset.parts)} parts, {dataset.rows:,} rows)",
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
    out.print(f"{lineage.model} {short(trained.digest)}")
    for name, value in facts.items():
        out.print(f"  {name:<12} {value}", soft_wrap=True)
    shown = table("seq", "at (UTC)", "by", "what happened")
    for entry in lineage.entries:
        shown.add_row(str(entry.seq), f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, tell(entry.fact))
    out.print(shown)
