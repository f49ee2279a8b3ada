"""Is the contract in model.toml the one that was recorded, and may it hold without a person's word?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.claim import Claim
from millrace.domain.config import ContractSection, ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.contract_change import (
    Difference,
    compare_contracts,
    contract_digest,
    contract_text,
    only_tightens,
)
from millrace.domain.facts import ContractChanged
from millrace.errors import MillraceError, MissingReasonError
from millrace.steps.actor import current_actor
from millrace.steps.stores import ledger, model_config

FIRST = "the first contract"
TIGHTENED = "it only became tighter, which needs no review"
SHOWN = 5


class UnreviewedContractError(MillraceError):
    """The contract lets more in than the recorded one, and nobody has accepted that."""

    def __init__(self, model: str, told: str) -> None:
        self.model, self.told = model, told
        super().__init__(f"{model}: {told}, then train again")


@dataclass(frozen=True)
class ContractReview:
    """The present contract beside the recorded one; `recorded` is None while there is none."""

    contract: ContractSection
    recorded: ContractChanged | None
    differences: tuple[Difference, ...]

    @property
    def needs_person(self) -> bool:
        """Whether a batch may pass now that would not have passed before."""
        return self.recorded is not None and not only_tightens(self.differences)


def review_contract(config: ModelConfig) -> ContractReview:
    """Compare the contract in model.toml with the one the ledger has recorded last."""
    entry = ledger().last(config.name, ContractChanged)
    if entry is None or not isinstance(entry.fact, ContractChanged):
        return ContractReview(config.contract, None, ())
    before = ContractSection.model_validate_json(entry.fact.contract)
    return ContractReview(config.contract, entry.fact, compare_contracts(before, config.contract))


def judge_contract(config: ModelConfig) -> list[Violation]:
    """Keep a batch out as long as the contract lets more in than it did, and nobody has accepted that."""
    review = review_contract(config)
    if not review.needs_person:
        return []
    message = f"{_tell_unreviewed(config.name, review)}, then ingest again"
    return [Violation("contract", None, len(review.differences), message)]


def find_unreviewed(config: ModelConfig) -> str | None:
    """Say what of the contract waits for a person, with the command that accepts it; None where nothing."""
    review = review_contract(config)
    return _tell_unreviewed(config.name, review) if review.needs_person else None


def ensure_reviewed(config: ModelConfig) -> None:
    """Refuse to train under such a contract: what a service asks of requests comes from it.

    Raises
    ------
    UnreviewedContractError
        With what changed, and the command that accepts it.
    """
    if (told := find_unreviewed(config)) is not None:
        raise UnreviewedContractError(config.name, told)


def record_contract(model: str, claim: Claim, now: datetime) -> None:
    """Record the contract under which a batch is accepted, where that needs no person."""
    review = review_contract(model_config(model))
    if review.recorded is None:
        ledger().append(model, _changed(review, FIRST), now, current_actor(), claim)
    elif review.differences and not review.needs_person:
        ledger().append(model, _changed(review, TIGHTENED), now, current_actor(), claim)


def accept_contract(model: str, reason: str, now: datetime) -> ContractReview:
    """Record the present contract with a person's reason; where nothing differs nothing is written.

    Raises
    ------
    MissingReasonError
        If the reason is empty.
    """
    if not reason.strip():
        raise MissingReasonError("contract change")
    review = review_contract(model_config(model))
    if review.recorded is None or review.differences:
        ledger().append(model, _changed(review, reason), now, current_actor())
    return review


def _tell_unreviewed(model: str, review: ContractReview) -> str:
    told = [one.tell() for one in review.differences]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    found = f"the contract was changed and nobody accepted it: {'; '.join(told[:SHOWN])}{more}"
    return f"{found}. `millrace contract accept {model} --reason ...`"


def _changed(review: ContractReview, reason: str) -> ContractChanged:
    return ContractChanged(
        digest=contract_digest(review.contract),
        contract=contract_text(review.contract),
        old=review.recorded.digest if review.recorded else None,
        differences=tuple(one.tell() for one in review.differences),
        reason=reason,
    )
