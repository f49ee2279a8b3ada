"""How does a flow run end, in the words that people read in Prefect's UI?"""

from collections import Counter
from typing import cast

from prefect.states import Completed

from millrace.domain.facts import Action, ChallengerJudged, WindowMonitored
from millrace.domain.narration import tell as tell_fact
from millrace.domain.rollout.advance import Transition
from millrace.steps.batch import IngestResult
from millrace.steps.decide import RetrainResult
from millrace.steps.score import Scored
from tasks.show import tell

# Prefect hands the caller of a flow the data of the state that the flow returned: hence the casts.

_DECIDED = {Action.TRAIN: "Completed", Action.SKIP: "Skipped", Action.BLOCK: "Blocked"}


def end_retrain(result: RetrainResult) -> RetrainResult:
    """Say whether the challenger was promoted or refused, or why there is none."""
    if result.judged is None:
        name, message = _DECIDED[result.decision.action], result.decision.reason
    else:
        name = _name_judged(result.judged, result.rollout)
        message = f"challenger {result.judged.digest[:12]}: {result.judged.reason}"
    tell(f"{name}: {message}")
    return cast("RetrainResult", Completed(name=name, message=message, data=result))


def _name_judged(judged: ChallengerJudged, rollout: Transition | None) -> str:
    if rollout is None:
        return "Refused"
    if rollout.after.champion == judged.digest:
        return "Promoted"
    return "Rolling out" if rollout.after.challenger == judged.digest else "Waiting"


def end_rollout(model: str, transition: Transition) -> Transition:
    """Say where the rollout is now, and why."""
    after = transition.after
    name = after.phase.value.capitalize() if after.champion else "Nothing serves"
    message = tell_fact(transition.fact) if transition.fact else transition.reason
    tell(f"{model}: {message}")
    return cast("Transition", Completed(name=name, message=message, data=transition))


def end_monitor(model: str, looked: WindowMonitored) -> WindowMonitored:
    """Say what the look came to."""
    asks = {"Drift": looked.drift, "Decay": looked.decay}
    found = [name for name, detection in asks.items() if detection is not None]
    name = " and ".join(found) or ("Alarm" if looked.alarms else "Completed")
    message = tell_fact(looked)
    tell(f"{model}: {message}")
    return cast("WindowMonitored", Completed(name=name, message=message, data=looked))


def skip_monitor(hindrance: Exception) -> WindowMonitored | None:
    """Say why nothing was looked at."""
    tell(f"Skipped: {hindrance}")
    return cast("WindowMonitored | None", Completed(name="Skipped", message=str(hindrance)))


def end_score(scored: Scored) -> Scored:
    """Say how many rows have an answer."""
    name = "Some refused" if scored.refused else "Completed"
    message = f"{scored.rows:,} rows answered by {scored.digest[:12]}, {scored.refused:,} refused"
    tell(f"{name}: {message}")
    return cast("Scored", Completed(name=name, message=message, data=scored))


def end_ingest(results: list[IngestResult], why_not: str | None = None) -> list[IngestResult]:
    """Say what became of the batches, or why nobody looked for any."""
    counts = Counter(result.outcome.value for result in results)
    found = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    name = "Completed" if why_not is None else "Skipped"
    message = why_not or found or "nothing new has arrived"
    tell(f"{name}: {message}")
    return cast("list[IngestResult]", Completed(name=name, message=message, data=results))
