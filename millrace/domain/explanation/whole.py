"""What is known of a version as a whole: what it answers by, and where it is weak?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.domain.config import Metric
from millrace.domain.explanation.dependence import Dependence
from millrace.domain.explanation.importance import Importance
from millrace.domain.explanation.weak import WeakSpots
from millrace.domain.kinds import Task


@dataclass(frozen=True)
class ModelExplanation:
    """A version, asked about `rows` of the `rows_there` judged rows that it has not learned from.

    `loss` is the gate's metric as a loss on them. `left_out` says what was not looked
    at, and why. `seed` decides the sample and the shuffles: equal inputs give equal findings.
    """

    model: str
    digest: str
    at: datetime
    dataset: str
    task: Task
    classes: tuple[str, ...]
    target: str
    metric: Metric
    loss: float
    rows: int
    rows_there: int
    blocks: int
    repeats: int
    confidence: float
    seed: int
    importance: tuple[Importance, ...]
    dependence: tuple[Dependence, ...]
    weak: WeakSpots
    left_out: tuple[str, ...] = ()
