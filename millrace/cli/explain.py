"""`millrace explain`: why one answer is as it is, or what a model answers by."""

import sys
from typing import TYPE_CHECKING, NoReturn

from millrace.cli.output import console, print_json, short, table, watched

if TYPE_CHECKING:
    from millrace.domain.explanation import Dependence, ModelExplanation, WeakSpots
    from millrace.domain.explanation.logged import AnswerExplanation

SHOWN = 20
WRONG_USAGE = 2
TICKS = "▁▂▃▄▅▆▇█"


def explain(
    model: str,
    *,
    request: str | None = None,
    row: int | None = None,
    version: str | None = None,
    rows: int | None = None,
    json: bool = False,
) -> None:
    """Explain one logged answer, or what a version answers by as a whole.

    With --request: what became true, once its label is there, each input of the answer beside what the
    version has learned from, and what the answer becomes with that input at its usual value. Exit code 6 when
    the version answers otherwise today than was logged, 7 when no such answer is in the log.

    Without: on judged rows that the version has not learned from, what is lost when a column is shuffled,
    how the mean answer changes with it, and on which rows more is lost than elsewhere. It is kept in
    var/explanations, and shown on the model's page.

    Examples: `millrace explain churn`, `millrace explain churn --version 70656c36`,
    `millrace explain churn --request 01J9ZK3 --row 2`.

    Parameters
    ----------
    model
        A folder under models/.
    request
        The id of a request, as its answer told it.
    row
        Which of the request's rows; the first is 0, which is meant where it is left out.
    version
        The first characters of a digest, or MODEL/NUMBER; the champion where it is left out.
    rows
        Ask about so many rows at most, 20 or more. What fewer than usual told is not kept over what more did.
    json
        Write it as JSON.
    """
    if request is None and row is not None:
        _refuse("--row is a row of a request: --request says of which")
    if request is not None and (version, rows) != (None, None):
        _refuse("--version and --rows are for a model as a whole: a request has the version that answered it")
    if request is None:
        _explain_model(model, version, rows, json)
    else:
        _explain_answer(model, request, row or 0, json)


def _refuse(why: str) -> NoReturn:
    print(f"error: {why}", file=sys.stderr)
    sys.exit(WRONG_USAGE)


def _explain_answer(model: str, request: str, row: int, json: bool) -> None:
    from millrace.steps.explaining.answer import UnloggedAnswerError, explain_answer
    from millrace.steps.explaining.beside import NOT_AGAIN, NOT_LOGGED

    try:
        found = explain_answer(model, request, row)
    except UnloggedAnswerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(NOT_LOGGED)
    if json:
        print_json(found)
    else:
        _show_answer(found)
    sys.exit(NOT_AGAIN if found.is_same is False else 0)


def _explain_model(model: str, version: str | None, rows: int | None, json: bool) -> None:
    from millrace.adapters import clock
    from millrace.steps.explaining.kept import MAX_ROWS
    from millrace.steps.explaining.model import SmallSampleError, explain_model

    try:
        with watched(f"{model} · explain"):
            found = explain_model(model, version, clock.now(), MAX_ROWS if rows is None else rows)
    except SmallSampleError as error:
        _refuse(str(error))
    if json:
        print_json(found)
    else:
        _show_model(found)


def _show_answer(found: "AnswerExplanation") -> None:
    from millrace.domain.explanation.truth import tell_truth
    from millrace.domain.explanation.words import (
        tell_again,
        tell_answer,
        tell_change,
        tell_earlier,
        tell_hidden,
        tell_usual,
        tell_value,
    )

    out = console()
    out.print(
        f"{found.model} · request {found.request_id}, row {found.row} of {found.rows:,}, answered "
        f"{found.at:%Y-%m-%d %H:%M:%S} UTC by {short(found.digest)} "
        f"({found.role}, generation {found.generation})",
        soft_wrap=True,
    )
    lines = (tell_answer(found), tell_truth(found), tell_again(found))
    for line in (*lines, *tell_hidden(found), *tell_earlier(found)):
        out.print(line, soft_wrap=True)
    shown = table("input", "value", "in the reference", "usual", "answer then", "change")
    for one in found.inputs:
        shown.add_row(
            one.name, tell_value(one.value), one.standing.told, tell_usual(one), *tell_change(found, one)
        )
    out.print(shown)


def _show_model(found: "ModelExplanation") -> None:
    from millrace.domain.explanation.words import (
        tell_importance,
        tell_important,
        tell_loss,
        tell_sample,
        tell_worse,
    )

    out = console()
    out.print(f"{found.model} {short(found.digest)}: {tell_loss(found)}", soft_wrap=True)
    out.print(tell_sample(found), soft_wrap=True)
    out.print(f"{tell_important(found)}.", soft_wrap=True)
    shown = table("column shuffled", tell_worse(found.metric), "bounds")
    for one in found.importance[:SHOWN]:
        shown.add_row(one.name, *tell_importance(one))
    out.print(shown)
    if len(found.importance) > SHOWN:
        out.print(f"and {len(found.importance) - SHOWN} more columns; --json shows all")
    if found.dependence:
        _show_dependence(found.dependence)
    _show_weak(found.weak)
    for line in found.left_out:
        out.print(line, soft_wrap=True)


def _show_dependence(found: "tuple[Dependence, ...]") -> None:
    from millrace.domain.explanation.words import tell_course

    answers = [answer for one in found for curve in one.curves for answer in curve.answers]
    shown = table("column", "the mean answer", "its course, all on one scale")
    low, high = min(answers), max(answers)
    for one in found:
        steepest = max(one.curves, key=lambda curve: curve.span)
        shown.add_row(one.name, tell_course(one, high - low), _draw(steepest.answers, low, high))
    console().print(shown)


def _draw(values: tuple[float, ...], low: float, high: float) -> str:
    scale = (len(TICKS) - 1) / (high - low) if high > low else 0.0
    return "".join(TICKS[round((value - low) * scale)] for value in values)


def _show_weak(weak: "WeakSpots") -> None:
    from millrace.domain.explanation.words import tell_means, tell_weak

    out = console()
    out.print(tell_weak(weak), soft_wrap=True)
    if not weak.slices:
        return
    shown = table("where", "rows", "loss", "surely above", "answered / happened")
    for one in weak.slices:
        shown.add_row(
            " and ".join(one.conditions),
            f"{one.rows:,}",
            f"{one.loss:.4g}",
            f"{one.at_least:.4g}",
            tell_means(one),
        )
    out.print(shown)
