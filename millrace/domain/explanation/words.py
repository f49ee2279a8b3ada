"""How is what was found told, on the terminal as on a page?"""

from millrace.domain.canonical import NULL, value_text
from millrace.domain.config import Metric
from millrace.domain.explanation.answer import InputEffect, Kind, Value
from millrace.domain.explanation.dependence import Curve, Dependence
from millrace.domain.explanation.importance import Importance
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.domain.explanation.weak import WeakSlice, WeakSpots
from millrace.domain.explanation.whole import ModelExplanation
from millrace.domain.kinds import Task
from millrace.domain.losses import metric_value, name_metric, spell_loss

MANY, NAMED = 4, 3
HARDLY = 0.02
MAX_TEXT = 60


def tell_value(value: Value) -> str:
    """Write a value of a row.

    >>> [tell_value(value) for value in (None, True, 3, 2.50000001, "night")]
    ['(null)', 'true', '3', '2.5', 'night']
    """
    if value is None:
        return NULL
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value_text(value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def tell_answer(found: AnswerExplanation) -> str:
    """Say what was answered."""
    if found.logged is None:
        return f"It was refused: the version gave no answer ({found.error or 'not a finite one'})."
    match found.task:
        case Task.REGRESSION:
            return f"The answer was {found.logged[0]:.6g}."
        case Task.BINARY:
            told = f"The answer was {found.classes[-1]} with probability {found.logged[0]:.4f}"
            return f"{told}{_tell_decision(found, found.logged[0])}."
        case Task.MULTICLASS:
            ranked = sorted(zip(found.logged, found.classes, strict=False), reverse=True)
            first, *others = (f"{name} {share:.4f}" for share, name in ranked[:MANY])
            return f"The answer was {first}, before {', '.join(others)}."


def _tell_decision(found: AnswerExplanation, share: float) -> str:
    if found.threshold is None:
        return ""
    decided = found.classes[share >= found.threshold]
    return f", and so the decision {decided}: {found.classes[-1]} from {found.threshold:.4g} on"


def tell_again(found: AnswerExplanation) -> str:
    """Say whether the version answers the same today."""
    if found.again is None:
        return f"It cannot be asked again: {found.trouble}."
    usual = f"With every input at its usual value it would be {found.again.at_usual:.4g}."
    if found.difference is None:
        return f"Asked again it answers {_numbers(found.again.answer)}. {usual}"
    far = f"{found.difference:.3g} apart, {found.tolerance:g} allowed"
    if found.is_same:
        return f"Asked again it answers the same ({far}). {usual}"
    return (
        f"NOT THE SAME: asked again it answers {_numbers(found.again.answer)} ({far}). "
        "What was answered was not what this version answers to what was logged: this is skew. "
        f"What follows is about today's answer. {usual}"
    )


def tell_hidden(found: AnswerExplanation) -> tuple[str, ...]:
    """Say which inputs cannot be shown."""
    told = []
    if found.hidden:
        told.append(f"Not shown, by [serving] of model.toml: {', '.join(found.hidden)}.")
    if found.unlogged:
        told.append(f"Not in the log: {', '.join(found.unlogged)}.")
    return tuple(told)


def tell_earlier(found: AnswerExplanation) -> tuple[str, ...]:
    """Say what else the log has under this name, and whether it could be read."""
    told = []
    if found.earlier:
        told.append(
            f"{found.earlier} earlier {'answer has' if found.earlier == 1 else 'answers have'} the same "
            "request id and row on that day; this is the newest."
        )
    if found.damages:
        told.append(f"{found.damages} places of the log cannot be read: a newer answer may have stood there.")
    return tuple(told)


def tell_usual(one: InputEffect) -> str:
    """Write the value that is usual, and of what kind it is."""
    if one.usual is None:
        return "none"
    match one.kind:
        case Kind.NUMBER:
            return f"{tell_value(one.usual)} (median)"
        case Kind.CATEGORY:
            return f"{tell_value(one.usual)} (mode)"
        case Kind.TEXT:
            return "no text"


def tell_change(found: AnswerExplanation, one: InputEffect) -> tuple[str, str]:
    """Write the answer with the input at its usual value, and what that changes."""
    if one.answer is None or one.change is None or found.again is None:
        return "", ""
    word = "is decided" if found.task is Task.BINARY else "is likeliest"
    becomes = f", {one.becomes} {word}" if one.becomes else ""
    form = "{:.6g}" if found.task is Task.REGRESSION else "{:.4f}"
    of = f"{found.again.of} " if found.task is Task.MULTICLASS else ""
    change = form.format(abs(one.change))
    if float(change) == 0.0:
        return f"{of}{form.format(one.answer)}{becomes}", "none"
    return f"{of}{form.format(one.answer)}{becomes}", f"{'+' if one.change > 0 else '−'}{change}"  # noqa: RUF001


def tell_loss(found: ModelExplanation) -> str:
    """Say how good the version is on the rows it was asked about."""
    better = "higher" if metric_value(found.metric, 0.0) > 0 else "lower"
    return f"{spell_loss(found.metric, found.loss)} ({better} is better)"


def tell_worse(metric: Metric) -> str:
    """Say which way a metric goes when a model gets worse.

    >>> tell_worse(Metric.AUC)
    'AUC falls by'
    """
    return f"{name_metric(metric)} {'falls' if metric_value(metric, 0.0) > 0 else 'rises'} by"


def tell_sample(found: ModelExplanation) -> str:
    """Say which rows it was asked about."""
    rows = f"{found.rows:,}" if found.rows == found.rows_there else f"{found.rows:,} of {found.rows_there:,}"
    return (
        f"On {rows} judged rows of {found.blocks:,} blocks that it has not learned from; each column "
        f"shuffled {found.repeats} times, seed {found.seed}, bounds at "
        f"{100 * found.confidence:g} % for all columns together."
    )


def tell_importance(one: Importance) -> tuple[str, str]:
    """Write how much more is lost without a column, and between which bounds."""
    bounds = "too few blocks to say"
    if one.lower is not None and one.upper is not None:
        bounds = f"{_rounded(one.lower):.3g} to {_rounded(one.upper):.3g}" + (
            "" if one.is_sure else ", perhaps nothing"
        )
    return f"{_rounded(one.excess_loss):.4g}", bounds


def tell_important(found: ModelExplanation) -> str:
    """Say in one sentence what the version answers by."""
    sure = [one.name for one in found.importance if one.is_sure]
    if not sure:
        return "No column surely matters on these rows"
    unsure = [one.name for one in found.importance if not one.is_sure]
    told = f"It answers by {', then '.join(sure[:NAMED])}"
    if len(sure) > NAMED:
        told += f", and {len(sure) - NAMED} more"
    if unsure:
        told += f"; whether {unsure[0] if len(unsure) == 1 else f'{len(unsure)} others'} matter"
        told += "s is not sure" if len(unsure) == 1 else " is not sure"
    return told


def tell_answered(found: ModelExplanation) -> str:
    """Say what the mean answer is a mean of."""
    match found.task:
        case Task.REGRESSION:
            return f"Mean {found.target}"
        case Task.BINARY:
            return f"Mean probability of {found.target} {found.classes[-1]}"
        case Task.MULTICLASS:
            return f"Mean share of each {found.target}"


def tell_course(one: Dependence, widest: float) -> str:
    """Say how the mean answer goes with a column: of several classes, that of the one that changes most.

    `widest` is how far the mean answers are apart over all columns.
    """
    curve = max(one.curves, key=lambda curve: curve.span)
    of = "" if curve.of is None else f"{curve.of} "
    low, high = curve.answers.index(min(curve.answers)), curve.answers.index(max(curve.answers))
    if curve.span < HARDLY * widest:
        return f"{of}hardly changes, {curve.answers[low]:.4g} to {curve.answers[high]:.4g}"
    if one.is_numeric and (low, high) == (0, len(curve.answers) - 1):
        return f"{of}rises from {_at(one, curve, low)} to {_at(one, curve, high)}"
    if one.is_numeric and (high, low) == (0, len(curve.answers) - 1):
        return f"{of}falls from {_at(one, curve, high)} to {_at(one, curve, low)}"
    return f"{of}is highest, {_at(one, curve, high)}, and lowest, {_at(one, curve, low)}"


def tell_most(found: AnswerExplanation) -> str:
    """Say in one sentence which input moved an answer most."""
    if found.again is None:
        return "Its inputs beside what the version has learned from"
    most = next((one for one in found.inputs if one.change), None)
    if most is None:
        return "No input by itself moves this answer"
    then, change = tell_change(found, most)
    usual = tell_usual(most)
    return f"{most.name} moves it most: with the usual {usual} the answer is {then} ({change})"


def tell_weak(weak: WeakSpots) -> str:
    """Say in one sentence whether there are weak spots."""
    name = spell_loss(weak.metric, weak.loss)
    if weak.untried is not None:
        return f"Weak spots were not looked for: {weak.untried}."
    there = weak.tried + weak.small
    if not weak.tried:
        return f"Weak spots could not be looked for: each of {there:,} groups of rows is too small to judge."
    small = f" {weak.small:,} more are too small to judge." if weak.small else ""
    lead = ""
    if weak.small > weak.tried:
        lead, small = f"Only {weak.tried:,} of {there:,} groups of rows are large enough to judge. ", ""
    if not weak.slices:
        none = f"none of {weak.tried:,} groups of rows surely loses more than all do ({name})."
        return f"{lead}{'Among them no' if lead else 'No'} weak spot: {none}{small}"
    many = "1 group" if len(weak.slices) == 1 else f"{len(weak.slices)} groups"
    return f"{lead}Weak on {many} of {weak.tried:,} that were tried; on all rows: {name}.{small}"


def tell_means(one: WeakSlice) -> str:
    """Write the mean answer and the mean truth of a slice."""
    if one.answered is None or one.happened is None:
        return ""
    return f"{one.answered:.4g} / {one.happened:.4g}"


def _numbers(answer: tuple[float, ...]) -> str:
    return ", ".join(f"{share:.6g}" for share in answer)


def _at(one: Dependence, curve: Curve, place: int) -> str:
    return f"{curve.answers[place]:.4g} at {one.labels[place]}"


def _rounded(loss: float) -> float:
    """Return a loss without what only the order of adding up has left."""
    return round(loss, 12) + 0.0
