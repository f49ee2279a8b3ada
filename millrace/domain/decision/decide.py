"""What do all rules together say, and which drift and decay has that answered?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from millrace.domain.canonical import sha256_of
from millrace.domain.config import RetrainSection
from millrace.domain.decision.detection import Detection
from millrace.domain.decision.facts import DecisionFacts
from millrace.domain.decision.rules import DONE, FAILED_TRY, NEW_ROWS, PAUSED, ROLLOUT, RULES, SAME_INPUTS
from millrace.domain.facts import Action, Inputs, RuleFinding

_FOR_GOOD = frozenset({SAME_INPUTS, FAILED_TRY, DONE, NEW_ROWS})
"""Only other rows or a person can lift these."""
_FOR_NOW = frozenset({PAUSED, ROLLOUT})
"""What is under way may lift the rest too."""


@dataclass(frozen=True)
class Decision:
    """Whether to train, why in one line, and what every rule found."""

    action: Action
    reason: str
    findings: tuple[RuleFinding, ...]


def run_key(model: str, inputs: Inputs) -> str:
    """Name the training of `model` on `inputs`: whoever claims this key trains, once."""
    # a field that the inputs gained later must not name the older trainings anew
    named = {name: value for name, value in asdict(inputs).items() if value is not None}
    return f"retrain:{model}:{sha256_of(named)}"


def decide(facts: DecisionFacts, policy: RetrainSection) -> Decision:
    """Decide whether to train: when something asks for it and nothing forbids it.

    A BLOCK stands above a SKIP, a SKIP above a TRAIN. `facts.forced` lifts the wait for a rollout, the
    minimum of new rows, what was already tried, the cooldown and the budget; never equal inputs, which
    would give the same bundle again, and never a BLOCK.
    """
    findings = tuple(rule(facts, policy) for rule in RULES)
    for action in (Action.BLOCK, Action.SKIP):
        forbidding = [found.finding for found in findings if found.action is action]
        if forbidding:
            return Decision(action, forbidding[0], findings)
    asking = [found.finding for found in findings if found.action is Action.TRAIN]
    if asking:
        return Decision(Action.TRAIN, "; ".join(asking), findings)
    return Decision(Action.SKIP, "nothing asks for a training", findings)


def is_final(decision: Decision) -> bool:
    """Whether the decision answers the drift and decay it was made on, and need not be made again.

    A cooldown, a budget, a rollout and a pause end by themselves: what they hold back stays open.
    """
    match decision.action:
        case Action.TRAIN:
            return True
        case Action.BLOCK:
            return False
        case Action.SKIP:
            forbidding = {found.rule for found in decision.findings if found.action is Action.SKIP}
            return bool(forbidding & _FOR_GOOD) and not forbidding & _FOR_NOW


def answers(decision: Decision, detections: Sequence[Detection], key: str) -> tuple[int, ...]:
    """Return the numbers of the entries that the decision on the training `key` answers.

    A training that is taken up again stays the answer that it was when it was first decided on.
    """
    if not is_final(decision):
        return ()
    is_begun = decision.action is Action.TRAIN
    return tuple(one.seq for one in detections if not (is_begun and key in one.begun))
