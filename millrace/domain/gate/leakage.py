"""Does a feature know the target, or has the training seen the rows that judge?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from millrace.domain.config import HIGHER_IS_BETTER, GateSection, LeakagePolicy, Metric, Rule
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.gate.parts import join_parts, nothing_to_ask
from millrace.domain.listing import count_things, name_some
from millrace.domain.losses import metric_value, name_metric
from millrace.domain.verdict import Outcome, Verdict

_NAMED = 4


@dataclass(frozen=True)
class Alone:
    """What is lost by a feature alone, out of fold, with a one-sided bound on either side.

    The bounds of all features hold together. They are None where there are too few blocks for one.
    """

    name: str
    loss: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Knowing:
    """Of a feature that was looked at, by what it is seen to know the target; None where by nothing."""

    name: str
    why: str | None


@dataclass(frozen=True)
class Late:
    """How many of a feature's values were known after the row's time, or nobody knows when."""

    name: str
    values: int
    late: int


@dataclass(frozen=True)
class Leakage(Measurement):
    """What was seen of leaks. `metric` is what a feature alone is measured by, on `rows` training rows.

    `features` names those to look at, and `alone` and `knowing` have each of them; `texts` counts the texts,
    which nobody looks at. `same_keys` counts judged rows whose key a training row has too, None where rows
    have no key (`has_key`). `copied` is the share of judged rows whose features and target some training row
    has too, and `copied_by_chance` that of training rows which one of another block has.
    """

    metric: Metric
    features: tuple[str, ...]
    texts: int
    has_key: bool
    rows: int
    alone: tuple[Alone, ...]
    knowing: tuple[Knowing, ...]
    late: tuple[Late, ...]
    judged_rows: int
    same_keys: int | None
    copied: "Share"
    copied_by_chance: "Share"


@dataclass(frozen=True)
class Share:
    """A share of rows with a one-sided bound on either side."""

    value: float
    lower: float | None
    upper: float | None


def judge_leakage(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the figures of the challenger are those of a model that knows no more than it may.

    A feature fails that is surely better by itself than `max_single_feature`, or that knows the target by
    its name or its values, unless it is `allowed`; so does one that is known too late. Judged rows in the
    training fail beyond `max_copied_share`: by their key, and by equal features and target beyond what the
    training blocks have in common among themselves.

    References
    ----------
    Kaufman, Rosset, Perlich, Stitelman, "Leakage in Data Mining", ACM TKDD 6(4), 2012.
    """
    found = evidence.find(Rule.LEAKAGE, Leakage)
    limits = asked_of(policy.leakage, Rule.LEAKAGE)
    parts = [
        _judge_alone(found, limits),
        _judge_knowing(found, limits),
        *_judge_late(found, limits),
        *_judge_keys(found, limits),
        _judge_copies(found, limits),
    ]
    return join_parts(Rule.LEAKAGE, parts)


def _judge_alone(found: Leakage, limits: LeakagePolicy) -> Finding:
    _check_names("asked alone", [one.name for one in found.alone], found)
    asked = [one for one in found.alone if one.name not in limits.allowed]
    if not asked:
        return nothing_to_ask(Rule.LEAKAGE, "features alone", _spell_unasked(found))
    if not found.rows:
        return _part(Outcome.INCONCLUSIVE, f"{len(asked)} features asked on 0 rows, 1 needed", Code.EMPTY)
    # the loss at the limit: what a metric is of a loss, a loss is of the metric
    limit = metric_value(found.metric, limits.max_single_feature)
    needed = f"needed no better than {limits.max_single_feature:g}"
    bars = tuple(_bar_of(one, found.metric, limits) for one in sorted(asked, key=_by_loss))
    good = [one for one in asked if one.upper is not None and one.upper < limit]
    if good:
        told = name_some([_spell(one, found.metric) for one in sorted(good, key=_by_loss)], _NAMED)
        return _part(Outcome.FAIL, f"too good alone: {told}, {needed}", Code.MISSED, bars)
    unsure = [one for one in asked if one.lower is None or one.lower < limit]
    if unsure:
        told = name_some([_spell(one, found.metric) for one in sorted(unsure, key=_by_loss)], _NAMED)
        code = Code.TOO_FEW if any(one.lower is None for one in unsure) else Code.UNSURE
        return _part(Outcome.INCONCLUSIVE, f"perhaps too good alone: {told}, {needed}", code, bars)
    best = min(asked, key=_by_loss)
    texts = f" ({count_things(found.texts, 'text')} not asked)" if found.texts else ""
    reason = (
        f"of {len(asked)} features{texts} none is too good alone: at best {_spell(best, found.metric)}, "
        f"{needed}"
    )
    return _part(Outcome.PASS, reason, Code.CLEARED, bars)


def _check_names(what: str, names: Sequence[str], found: Leakage) -> None:
    if missing := sorted({*found.features} - {*names}):
        raise NoEvidenceError(Code.ABSENT, f"not {what}: {name_some(missing, _NAMED)}")


def _spell_unasked(found: Leakage) -> str:
    whys = [
        *(["all but texts are allowed" if found.texts else "all are allowed"] if found.features else []),
        *([f"{count_things(found.texts, 'text')} cannot be asked by a small tree"] if found.texts else []),
    ]
    return ", ".join(whys) or "there is no feature"


def _judge_knowing(found: Leakage, limits: LeakagePolicy) -> Finding:
    _check_names("looked at for the target", [one.name for one in found.knowing], found)
    looked = [one for one in found.knowing if one.name not in limits.allowed]
    if not looked:
        return nothing_to_ask(Rule.LEAKAGE, "features that know the target", _spell_unasked(found))
    knowing = [one for one in looked if one.why is not None]
    if not knowing:
        return _part(Outcome.PASS, "none knows the target by its name or its values", Code.CLEARED)
    told = name_some([f"{one.name} knows the target ({one.why})" for one in knowing], _NAMED)
    return _part(Outcome.FAIL, told, Code.MISSED)


def _judge_late(found: Leakage, limits: LeakagePolicy) -> Iterator[Finding]:
    most, seen = limits.max_late_share, {one.name: one for one in found.late}
    for name in limits.known_at if most is not None else ():
        one = seen.get(name)
        if one is None or not one.values:
            yield _part(Outcome.INCONCLUSIVE, f"{name} has no value whose time is known", Code.EMPTY)
            continue
        if one.late > one.values:
            raise NoEvidenceError(Code.ERROR, f"{one.late} of {one.values} values of {name} are late")
        share = one.late / one.values
        reason = (
            f"{one.late:,} of {one.values:,} values of {name} ({share:.2%}) were known too late, or nobody "
            f"knows when, needed at most {most:.2%}"
        )
        bars = (Bar(f"share of {name} known too late", share, limit=most),)
        yield _part(Outcome.PASS if share <= (most or 0.0) else Outcome.FAIL, reason, bars=bars)


def _judge_keys(found: Leakage, limits: LeakagePolicy) -> Iterator[Finding]:
    if not found.has_key:
        return
    if found.same_keys is None:
        raise NoEvidenceError(Code.ABSENT, "the keys of judged rows were not looked for in the training")
    if not found.judged_rows or found.same_keys > found.judged_rows:
        counts = f"{found.same_keys} of {found.judged_rows} judged rows have a key of the training"
        raise NoEvidenceError(Code.EMPTY if not found.judged_rows else Code.ERROR, counts)
    share, most = found.same_keys / found.judged_rows, limits.max_copied_share
    reason = (
        f"{found.same_keys:,} of {found.judged_rows:,} judged rows ({share:.2%}) have the key of a training "
        f"row, needed at most {most:.2%}"
    )
    bars = (Bar("judged rows with a key of the training", share, limit=most),)
    yield _part(Outcome.PASS if share <= most else Outcome.FAIL, reason, bars=bars)


def _judge_copies(found: Leakage, limits: LeakagePolicy) -> Finding:
    """Judge by the difference of two shares over other rows: the bounds of both count against it."""
    judged, chance, most = found.copied, found.copied_by_chance, limits.max_copied_share
    counted = (
        f"{judged.value:.2%} of the judged rows are equal to a training row, {chance.value:.2%} of the "
        f"training rows to one of another block"
    )
    bounds = (judged.lower, judged.upper, chance.lower, chance.upper)
    if any(bound is None for bound in bounds):
        return _part(Outcome.INCONCLUSIVE, f"{counted}: too few blocks to compare", Code.TOO_FEW)
    lower, upper, chance_lower, chance_upper = (bound or 0.0 for bound in bounds)
    least, largest = lower - chance_upper, upper - chance_lower
    needed = f"needed at most {most:.2%} more"
    bars = (
        Bar("judged rows copied, beyond chance", judged.value - chance.value, least, largest, limit=most),
    )
    if largest <= most:
        return _part(Outcome.PASS, f"{counted}, {needed}", Code.CLEARED, bars)
    bound = f"at least {least:.2%}" if least > most else f"from {least:.2%} to {largest:.2%}"
    outcome = Outcome.FAIL if least > most else Outcome.INCONCLUSIVE
    return _part(outcome, f"{counted}, {bound} more, {needed}", bars=bars)


def _part(outcome: Outcome, reason: str, code: str = "", bars: Sequence[Bar] = ()) -> Finding:
    return Finding(Rule.LEAKAGE, outcome, reason, code, bars=tuple(bars))


def _by_loss(one: Alone) -> float:
    return float("inf") if one.loss is None else one.loss


def _spell(one: Alone, metric: Metric) -> str:
    figure = "undefined" if one.loss is None else f"{metric_value(metric, one.loss):.4g}"
    return f"{one.name} {name_metric(metric)} {figure}"


def _bar_of(one: Alone, metric: Metric, limits: LeakagePolicy) -> Bar:
    def figure(loss: float | None) -> float | None:
        return None if loss is None else metric_value(metric, loss)

    ends = [figure(loss) for loss in (one.lower, one.upper)]
    is_higher_better = metric in HIGHER_IS_BETTER
    lower, upper = reversed(ends) if is_higher_better else ends
    return Bar(
        f"{one.name} alone", figure(one.loss), lower, upper,
        limit=limits.max_single_feature, is_floor=not is_higher_better,
    )  # fmt: skip
