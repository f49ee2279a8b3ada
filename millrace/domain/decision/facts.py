"""What is a decision on a retraining a function of, besides the policy?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from millrace.domain.decision.detection import Detection
from millrace.domain.facts import Inputs


class Reason(StrEnum):
    """What can ask for a retraining."""

    SCHEDULE = "schedule"
    REFIT = "refit"
    """The schedule of refits, which take the hyperparameters over that the last full training has found."""
    NEW_ROWS = "new rows"
    DRIFT = "drift"
    DECAY = "decay"
    CODE = "code"
    CONFIG = "config"
    BY_HAND = "by hand"
    NO_CHAMPION = "no champion yet"


@dataclass(frozen=True)
class DecisionFacts:
    """Everything a decision is a function of, besides the policy.

    `asked` are the reasons that came from outside, with `asked_text` for people (`schedule`);
    what follows from the inputs and from the ledger is derived here. `last_inputs`, `last_outcome` (the
    digest and verdict, in words) and `last_trained_at` are of the last finished training, for a full
    training of the last full one. `new_rows` counts what was accepted since then.
    """

    asked: frozenset[Reason]
    asked_text: str
    forced: bool
    now: datetime
    inputs: Inputs
    last_inputs: Inputs | None
    last_outcome: str
    last_trained_at: datetime | None
    trained_in_last_24h: int
    new_rows: int
    rows: int
    has_champion: bool
    recent_blocks: int
    golden_blocks: int
    min_blocks: int
    paused: str | None = None
    """Why a person stopped all automatic work, None when nobody did."""
    due: datetime | None = None
    """When the schedule that asks was last due, None without one."""
    decided_at: datetime | None = None
    """When a training such as that schedule asks for was last decided on, whoever asked."""
    rolling_out: str | None = None
    """The challenger that answers some of the requests, in words; None when there is none."""
    shadowing: str | None = None
    """The challenger that answers no request yet, in words; None when there is none."""
    proving: str | None = None
    """The champion that is on probation, in words; None when there is none."""
    detections: tuple[Detection, ...] = ()
    """The drift and decay of the champion that is still to be answered, oldest first."""
    failed_try: str | None = None
    """What became of a challenger whose training was decided on since they were recorded first, in words."""
    unreviewed: str | None = None
    """What of the contract lets more in and was not accepted, with the command for it; None where nothing."""
