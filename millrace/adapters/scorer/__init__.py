"""What does a bundle answer? The one scorer the gate and the prediction service share."""

from millrace.adapters.scorer.graph import UnreadableScorerError
from millrace.adapters.scorer.scorer import (
    PROOF_TOLERANCE,
    Answering,
    Scorer,
    UnprovenBundleError,
    UntrustedScorerError,
    load_scorer,
    open_scorer,
    prove,
)
from millrace.adapters.scorer.sorted_trees import find_sorted_trees

__all__ = [
    "PROOF_TOLERANCE",
    "Answering",
    "Scorer",
    "UnprovenBundleError",
    "UnreadableScorerError",
    "UntrustedScorerError",
    "find_sorted_trees",
    "load_scorer",
    "open_scorer",
    "prove",
]
