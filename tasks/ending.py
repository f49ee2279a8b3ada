"""How does a flow run end, in the words that people read in Prefect's UI?"""

from collections import Counter
from typing import cast

from prefect.states import Completed

from millrace.domain.facts import Action
from millrace.domain.verdict import Outcome
from millrace.steps.batch import IngestResult
from millrace.steps.decide import RetrainResult
from tasks.show import tell

# Prefect hands the caller of a flow the data of the state that the flow returned: hence the casts.

_DECIDED = {Action.TRAIN: "Completed", Action.SKIP: "Skipped", Action.BLOCK: "Blocked"}


def end_retrain(result: RetrainResult) -> RetrainResult:
    """Say whether the challenger was promoted or refused, or why there is none."""
    if result.judged is None:
        name, message = _DECIDED[result.decision.action], result.decision.reason
    else:
        name = "Promoted" if result.judged.outcome is Outcome.PASS else "Refused"
        message = f"challenger {result.judged.digest[:12]}: {result.judged.reason}"
    tell(f"{name}: {message}")
    return cast("RetrainResult", Completed(name=name, message=message, data=result))


def end_ingest(results: list[IngestResult], why_not: str | None = None) -> list[IngestResult]:
    """Say what became of the batches, or why nobody looked for any."""
    counts = Counter(result.outcome.value for result in results)
    found = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    name = "Completed" if why_not is None else "Skipped"
    message = why_not or found or "nothing new has arrived"
    tell(f"{name}: {message}")
    return cast("list[IngestResult]", Completed(name=name, message=message, data=results))
