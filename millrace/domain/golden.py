"""Which looks has the golden set had, and which champion has lost least on it?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from millrace.domain.config.training import GoldenSection
from millrace.domain.facts import ChallengerJudged, GoldenPolicy, GoldenRenewed
from millrace.domain.narration import tell_golden


@dataclass(frozen=True)
class GoldenHistory:
    """All renewals, oldest first, the judgements since the last of them and those before it."""

    renewals: tuple[GoldenRenewed, ...]
    judged: tuple[ChallengerJudged, ...]
    judged_before: tuple[ChallengerJudged, ...] = ()

    @property
    def renewal(self) -> GoldenRenewed | None:
        """The last one; None for a golden set that is still the first."""
        return self.renewals[-1] if self.renewals else None

    @property
    def ever_judged(self) -> tuple[ChallengerJudged, ...]:
        """Every judgement there was, oldest first."""
        return (*self.judged_before, *self.judged)

    @property
    def recorded(self) -> GoldenPolicy | None:
        """The policy that was last recorded; None where older facts did not say."""
        told = [self.renewal.new] if self.renewal else []
        told += [fact.golden for fact in self.judged if fact.golden is not None]
        return told[-1] if told else None

    def count_looks(self, but_for: str = "") -> int:
        """Count the judgements on the golden set, but for that of a run.

        Every one since the last renewal is a look, on whichever of its blocks: which of them judge depends on
        what the champions of that time had learned from, and a set can grow with the data. One before it at
        the very blocks that the renewal chose is one too.
        """
        looks = self.judged
        if self.renewal is not None:
            looks += tuple(fact for fact in self.judged_before if fact.golden_set == self.renewal.new_set)
        return sum(fact.run_key != but_for for fact in looks)

    def renew(self, found: GoldenPolicy, share: float | None, until: str | None) -> GoldenPolicy:
        """Return the policy after `found`, with a generation that none had: its hash chooses other blocks."""
        told = [found, self.recorded, *(policy for one in self.renewals for policy in (one.old, one.new))]
        last = max(policy.generation for policy in told if policy is not None)
        return GoldenPolicy(found.share if share is None else share, until or found.until, last + 1)

    def losses(self, digests: Collection[str], metric: str, terms: str = "") -> dict[str, float]:
        """Return what each bundle lost on this golden set, where it is known by this very metric."""
        found = {}
        if self.renewal is not None and (self.renewal.metric, self.renewal.terms) == (metric, terms):
            roles = {"champion": self.renewal.champion, "best": self.renewal.best}
            known = self.renewal.losses.get("new", {})
            found = {digest: known[role] for role, digest in roles.items() if digest and role in known}
        for fact in self.judged:
            golden = fact.losses["golden"]
            if fact.known_metric not in {"", metric} or fact.terms != terms:
                continue
            if fact.champion and "champion" in golden:
                found.setdefault(fact.champion, golden["champion"])
            if "challenger" in golden:
                found[fact.digest] = golden["challenger"]
        return {digest: loss for digest, loss in found.items() if digest in digests}

    def tell_unrecorded(self, policy: GoldenPolicy) -> str:
        """Say how a policy differs from the recorded one; empty where it does not."""
        if self.recorded is None or self.recorded == policy:
            return ""
        return f"[golden] of model.toml is {tell_golden(policy)}; recorded is {tell_golden(self.recorded)}"


def golden_history(facts: Sequence[ChallengerJudged | GoldenRenewed]) -> GoldenHistory:
    """Read what happened, oldest first."""
    renewed = [at for at, fact in enumerate(facts) if isinstance(fact, GoldenRenewed)]
    since = facts[renewed[-1] + 1 :] if renewed else facts
    return GoldenHistory(
        tuple(fact for fact in facts if isinstance(fact, GoldenRenewed)),
        tuple(fact for fact in since if isinstance(fact, ChallengerJudged)),
        tuple(fact for fact in facts[: len(facts) - len(since)] if isinstance(fact, ChallengerJudged)),
    )


def golden_policy(section: GoldenSection) -> GoldenPolicy:
    """Return what `[golden]` says, as the ledger keeps it."""
    until = section.until.isoformat() if section.until else None
    return GoldenPolicy(section.share, until, section.generation)
