"""How does a challenger that the gate has passed begin its way?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from millrace.adapters.bundle import verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.ledger import StaleGenerationError
from millrace.domain.claim import Claim
from millrace.domain.facts import ChallengerJudged, ChallengerReceived, ChampionPromoted, Fact, RolloutStarted
from millrace.domain.ledger import Entry
from millrace.domain.rollout.advance import Transition, start
from millrace.domain.rollout.policy import Policy
from millrace.domain.rollout.state import Phase, Rollout, rollout_after
from millrace.domain.serving import plan_promotion
from millrace.domain.verdict import Outcome
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.offline_rollback import enter_offline_rollbacks
from millrace.steps.stores import ledger, model_config


@dataclass(frozen=True)
class Passed:
    """A challenger that the gate has passed; `against` is the champion it was compared with.

    Its run passed it by entry `seq` for the first time: what has begun since then is not begun again, however
    often a run that died is taken up. One that another installation judged was compared with none of ours,
    and begins once for ever.
    """

    seq: int
    digest: str
    against: str | None
    reason: str
    is_received: bool = False

    def fits(self, champion: str | None) -> bool:
        """Whether the gate's word holds while `champion` serves."""
        return self.is_received or self.against == champion


def start_rollout(model: str, judged: ChallengerJudged, claim: Claim, now: datetime) -> Transition:
    """Let the judged bundle begin its rollout, if what serves is still what it was judged against.

    Without `[rollout]` in `model.toml` it is champion at once, and so is a model's first.

    Raises
    ------
    StaleGenerationError
        If the champion changed since: the next run judges the challenger against the new one.
    """
    if judged.outcome is not Outcome.PASS:
        raise ValueError(f"only a pass begins a rollout, not {judged.outcome}")
    enter_offline_rollbacks(model, now)
    passed = _judged_here(judged, ledger().entries(model, (ChallengerJudged,)))
    while True:
        rollout = ledger().rollout(model)
        if _has_begun(model, passed):
            return Transition(None, rollout, f"{passed.digest[:12]} has begun already")
        if not passed.fits(rollout.champion):
            raise StaleGenerationError(model, judged.generation, rollout.generation)
        try:
            return _begin(rollout, passed, now, claim)
        except StaleGenerationError:
            continue  # what serves has changed since it was read: it is looked at again


def find_pending(model: str) -> Passed | None:
    """Return the newest challenger that passed the gate against today's champion and has not begun.

    One whose run is not over is still that run's to begin.
    """
    passed = _newest_passed(model)
    if passed is None or _has_begun(model, passed):
        return None
    return passed if passed.fits(ledger().serving(model).champion) else None


def start_pending(model: str, now: datetime) -> Transition | None:
    """Let a challenger begin that had to wait for another one; None when there is none that can."""
    rollout, pending = ledger().rollout(model), find_pending(model)
    try:
        return _begin(rollout, pending, now) if pending else None
    except StaleGenerationError:
        return None  # somebody was faster: the next look sees what there is now


def _newest_passed(model: str) -> Passed | None:
    entries = ledger().entries(model, (ChallengerJudged, ChallengerReceived))
    for entry in reversed(entries):
        match entry.fact:
            case ChallengerJudged() as fact if fact.outcome is Outcome.PASS and _is_over(fact):
                return _judged_here(fact, entries)
            case ChallengerReceived() as fact:
                reason = f"from {fact.origin}: {fact.judged.reason}"
                return Passed(0, fact.digest, None, reason, is_received=True)
            case _:
                pass
    return None


def _is_over(judged: ChallengerJudged) -> bool:
    return ledger().is_done(judged.run_key)


def _judged_here(judged: ChallengerJudged, entries: Iterable[Entry]) -> Passed:
    def is_of_its_run(fact: Fact) -> bool:
        return isinstance(fact, ChallengerJudged) and (fact.run_key, fact.digest) == run

    run = (judged.run_key, judged.digest)
    first = next((entry.seq for entry in entries if is_of_its_run(entry.fact)), 0)
    return Passed(first, judged.digest, judged.champion, judged.reason)


def _has_begun(model: str, passed: Passed) -> bool:
    begun = ledger().entries(model, (RolloutStarted, ChampionPromoted), after_seq=passed.seq)
    return any(_digest_of(entry) == passed.digest for entry in begun)


def _digest_of(entry: Entry) -> str | None:
    match entry.fact:
        case RolloutStarted() as fact:
            return fact.challenger
        case ChampionPromoted() as fact:
            return fact.digest
        case _:
            return None


def _begin(rollout: Rollout, passed: Passed, now: datetime, claim: Claim | None = None) -> Transition:
    transition = _plan(rollout, passed, _find_policy(rollout.model), now)
    if transition.fact is not None:
        verify_bundle(bundles_folder(load_settings().channel), passed.digest)
        ledger().change_rollout(rollout, transition.fact, now, current_actor(), claim)
    return transition


def _plan(rollout: Rollout, passed: Passed, policy: Policy | None, now: datetime) -> Transition:
    if policy is not None:
        return start(rollout, passed.digest, policy, now)
    if rollout.phase is not Phase.IDLE or rollout.champion == passed.digest:
        return Transition(None, rollout, "what is on its way is decided on first, or it has arrived")
    fact = plan_promotion(rollout, passed.digest, passed.reason)
    return Transition(fact, rollout_after(rollout, fact, now), "model.toml asks for no rollout")


def _find_policy(model: str) -> Policy | None:
    section = model_config(model).rollout
    return section.policy if section else None
