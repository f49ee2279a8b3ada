"""Which decisions settle a period of a schedule?"""

from millrace.domain.decision.facts import Reason
from millrace.domain.facts import Action, DecisionMade


def decides_period(made: DecisionMade, schedule: Reason) -> bool:
    """Whether nobody needs to decide any more on a period of `schedule` that was due before.

    A full training does what a refit would, and a refit nothing of what a full training would. Where
    nothing asked, as at an event that nothing stood behind, nothing was decided.
    """
    if schedule in made.asked:
        return True
    if schedule is Reason.REFIT:
        return made.action is Action.TRAIN
    was_asked = made.action is Action.BLOCK or any(one.action is Action.TRAIN for one in made.findings)
    return was_asked and not made.inputs.is_refit
