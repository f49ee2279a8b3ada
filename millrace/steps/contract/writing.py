"""What of a proposed contract is put into model.toml, and what is only told?"""

from dataclasses import dataclass

from millrace.adapters.contract_file import change_contract
from millrace.adapters.models import MODEL_FILE
from millrace.domain.contract_change import Difference, Direction
from millrace.settings import load_settings
from millrace.steps.contract.proposing import ContractProposal

ALWAYS = (Direction.TIGHTER,)


@dataclass(frozen=True)
class WrittenContract:
    """What was put into model.toml, and what was left as it is."""

    written: tuple[Difference, ...]
    left: tuple[Difference, ...]


def write_contract(proposal: ContractProposal, *, looser: bool) -> WrittenContract:
    """Put the proposal into model.toml, comments and all else untouched.

    What lets more in, or other things, is written only where `looser` asks for it. A column that the accepted
    rows do not have is left to a person: its contract may be new.
    """
    wanted = [one for one in proposal.differences if one.direction is not Direction.GONE]
    written = tuple(one for one in wanted if looser or one.direction in ALWAYS)
    if written:
        path = load_settings().models / proposal.model / MODEL_FILE
        change_contract(path, written, _reasons(proposal))
    left = tuple(one for one in proposal.differences if one not in written)
    return WrittenContract(written, left)


def _reasons(proposal: ContractProposal) -> dict[str, str]:
    columns = next(block for block in proposal.blocks if block.name == "contract.columns")
    return {entry.key: entry.why for entry in columns.entries if entry.why}
