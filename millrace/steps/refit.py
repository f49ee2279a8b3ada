"""Which hyperparameters does a refit take over?"""

from collections.abc import Iterator

from millrace.domain.canonical import sha256_of
from millrace.domain.facts import ChallengerTrained, Inputs
from millrace.steps.stores import ledger


def find_parameters_digest(model: str, model_files: str) -> str | None:
    """Return the SHA-256 of those of the last full training, None before one since the folder changed."""
    newest = next(_finished_in_full(model, model_files), None)
    return sha256_of(newest.parameters) if newest is not None else None


def find_parameters(model: str, inputs: Inputs) -> dict[str, object] | None:
    """Return those that a training on `inputs` takes over, None when it is to search its own."""
    for trained in _finished_in_full(model, inputs.model_files) if inputs.is_refit else ():
        if sha256_of(trained.parameters) == inputs.parameters:
            return trained.parameters
    return None


def _finished_in_full(model: str, model_files: str) -> Iterator[ChallengerTrained]:
    for entry in ledger().newest_first(model, ChallengerTrained):
        fact = entry.fact
        if not isinstance(fact, ChallengerTrained) or fact.inputs.is_refit:
            continue
        if fact.inputs.model_files == model_files and ledger().is_done(fact.run_key):
            yield fact
