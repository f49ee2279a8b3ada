"""`millrace contract`: what a batch must satisfy, proposed from accepted data and kept under review."""

import sys
from typing import TYPE_CHECKING, Any

from cyclopts import App

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.domain.contract_change import Difference
    from millrace.steps.contract.proposing import ContractProposal

contract = App(name="contract", help="What a batch must satisfy: propose, diff, accept.")

DIFFERS = 3


@contract.command
def propose(model: str, *, write: bool = False, looser: bool = False, json: bool = False) -> None:
    """Propose a [contract] from the accepted batches: what was seen, with room for what was not.

    Without --write nothing is changed. With it what is tighter than model.toml is put there, and what is
    looser is only told, unless --looser asks for it too; the comments in the file stay.

    Examples: `millrace contract propose churn`, `millrace contract propose churn --write`.

    Exit codes: 0 proposed, or written; 1 there is nothing to propose from.

    Parameters
    ----------
    model
        A folder under models/.
    write
        Change model.toml.
    looser
        With --write: also what lets more in, or other things.
    json
        Write JSON instead of text.
    """
    from millrace.domain.contract_change import only_tightens
    from millrace.steps.contract.writing import write_contract

    found = _propose(model)
    written = write_contract(found, looser=looser) if write else None
    if json:
        print_json(_as_json(found) | {"written": written})
        return
    if written is None:
        sys.stdout.write(found.text)
        _show_notes(found)
        return
    _show("written to model.toml", written.written)
    _show("left as it is (--looser writes what may be written)", written.left)
    _show_notes(found)
    if not only_tightens(written.written):
        console().print(f"next: millrace contract accept {model} --reason ...")


@contract.command
def diff(model: str, *, json: bool = False) -> None:
    """Compare the contract in model.toml with the one that the accepted batches ask for.

    Each line says what the proposal would be: looser, tighter, a new column, or no such column.

    Examples: `millrace contract diff churn`, `millrace contract diff churn --json`.

    Exit codes: 0 they are the same; 1 there is nothing to propose from; 3 they differ.

    Parameters
    ----------
    model
        A folder under models/.
    json
        Write JSON instead of text.
    """
    found = _propose(model)
    if json:
        print_json(_as_json(found))
    elif found.differences:
        _show(f"{model}: model.toml -> {found.rows:,} accepted rows", found.differences)
        _show_notes(found)
    else:
        console().print(f"{model}: the contract is what {found.rows:,} accepted rows ask for")
        _show_notes(found)
    if found.differences:
        sys.exit(DIFFERS)


@contract.command
def accept(model: str, *, reason: str, json: bool = False) -> None:
    """Accept the contract in model.toml as it stands now; what differs and the reason go to the ledger.

    A batch waits in quarantine as long as the contract lets more in than the recorded one and nobody has
    accepted that. The first contract, and one that is only tighter, are recorded without it.

    Examples: `millrace contract accept churn --reason "stores abroad have longer codes"`.

    Exit codes: 0 accepted, or nothing differed; 1 an error.

    Parameters
    ----------
    model
        A folder under models/.
    reason
        Why it was changed, for whoever reads the ledger.
    json
        Write JSON instead of text.
    """
    from millrace.adapters.clock import now
    from millrace.domain.contract_change import contract_digest
    from millrace.steps.contract.review import accept_contract

    found = accept_contract(model, reason, now())
    digest = contract_digest(found.contract)
    if json:
        print_json({"model": model, "digest": digest, "differences": found.differences})
    elif found.recorded is None:
        console().print(f"{model}: contract {short(digest)} recorded, the first one")
    elif found.differences:
        console().print(f"{model}: contract {short(digest)} accepted")
        _show("what changed", found.differences, ("before", "now"))
        console().print(f"next: millrace ingest {model}")
    else:
        console().print(f"{model}: contract {short(digest)} is the recorded one, nothing to accept")


def _propose(model: str) -> "ContractProposal":
    with watched(f"{model} · contract"):
        from millrace.steps.contract.proposing import propose_contract_of

        return propose_contract_of(model)


def _show(
    title: str, differences: "tuple[Difference, ...]", sides: tuple[str, str] = ("now", "proposed")
) -> None:
    from millrace.domain.contract_change import say_value

    if not differences:
        return
    shown = table(title, *sides, "which is")
    for one in differences:
        shown.add_row(one.place, say_value(one.old), say_value(one.new), one.direction)
    console().print(shown)


def _show_notes(found: "ContractProposal") -> None:
    from millrace.domain.listing import count_things

    out = console()
    batches = count_things(found.batches, "batch")
    read = f"{found.rows:,} rows in {batches} of dataset {short(found.dataset)}"
    lines = [f"read {read}", *found.notes]
    lines += [f"{name} looks like personal data: {held}" for name, held in found.personal.items()]
    lines += [f"{name}: {why}" for name, why in _refusals(found).items()]
    for line in lines:
        out.print(f"# {line}", soft_wrap=True)


def _refusals(found: "ContractProposal") -> dict[str, str]:
    from millrace.domain.proposal.allowed import say_allowed

    return {name: f"refused as a feature; {say_allowed(name)}" for name in found.refused}


def _as_json(found: "ContractProposal") -> dict[str, Any]:
    return {
        "model": found.model,
        "dataset": found.dataset,
        "batches": found.batches,
        "rows": found.rows,
        "toml": found.text,
        "contract": found.contract.model_dump(mode="json", exclude_none=True),
        "differences": found.differences,
        "personal": found.personal,
        "refused": found.refused,
        "notes": found.notes,
    }
