"""What does a version answer by, and where is it weak?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from millrace.domain.canonical import readable_json
from millrace.domain.explanation import ModelExplanation, WeakSlice
from millrace.domain.explanation.words import (
    tell_answered,
    tell_course,
    tell_important,
    tell_loss,
    tell_sample,
    tell_weak,
    tell_worse,
)
from millrace.domain.losses import name_metric
from millrace.site.charts import Drawn
from millrace.site.explanation_charts import MARKERS, Manner, draw_curve, draw_importance
from millrace.site.forms import admit, read_fields
from millrace.steps.dataset import current_dataset
from millrace.steps.explaining.beside import explain_model_beside
from millrace.steps.explaining.kept import find_explanation, is_partial
from millrace.steps.lineage import UnknownBundleError, find_lineage
from millrace.steps.stores import ensure_known, ledger

DASHES = {"-": "none", "--": "7 3", "-.": "8 3 2 3", ":": "2 3"}
EDGE, FULL = 6.0, 94.0
"""In percent of the width: where the loss on all rows stands, and the greatest one."""


@dataclass(frozen=True)
class Placed:
    """A weak slice on one scale with the others, in percent of the width."""

    slice: WeakSlice
    at: float
    lower: float
    upper: float

    @property
    def told(self) -> str:
        return f"{self.slice.loss:.4g}, surely above {self.slice.at_least:.4g}"


@dataclass(frozen=True)
class Explained:
    """A version, and what is kept of it: None where nobody has asked yet.

    `is_old` says that the dataset has grown since, `is_partial` that fewer rows were asked about than usual.
    """

    model: str
    digest: str | None
    found: ModelExplanation | None
    is_old: bool
    is_partial: bool

    @property
    def is_due(self) -> bool:
        """Whether measuring it again would tell more."""
        return self.digest is not None and (self.found is None or self.is_old or self.is_partial)

    @property
    def important(self) -> str:
        return tell_important(self.found) if self.found else ""

    @property
    def loss(self) -> str:
        return tell_loss(self.found) if self.found else ""

    @property
    def sample(self) -> str:
        return tell_sample(self.found) if self.found else ""

    @property
    def answered(self) -> str:
        return tell_answered(self.found) if self.found else ""

    @property
    def worse(self) -> str:
        return tell_worse(self.found.metric) if self.found else ""

    def bars(self) -> Drawn:
        """Draw what each column is worth."""
        return draw_importance(self.model, self.worse, self.found.importance) if self.found else {}

    @property
    def weak_metric(self) -> str:
        return name_metric(self.found.weak.metric) if self.found else ""

    @property
    def weakness(self) -> str:
        return tell_weak(self.found.weak) if self.found else ""

    def curves(self) -> list[tuple[str, str, str]]:
        """Draw the course of each column, all on one scale: its name, what is to be seen, and the drawing."""
        if self.found is None:
            return []
        curves, classes = self.found.dependence, self.found.classes
        answers = [answer for one in curves for curve in one.curves for answer in curve.answers]
        low, high = min(answers, default=0.0), max(answers, default=0.0)
        drawn = [
            draw_curve(f"{self.model}-curve-{at}", one, classes, low, high) for at, one in enumerate(curves)
        ]
        return [(one.name, tell_course(one, high - low), svg) for one, svg in zip(curves, drawn, strict=True)]

    @property
    def legend(self) -> list[tuple[str, int, str, str]]:
        """How each class is drawn, where there are several: its name, colour, dashes and marker."""
        if self.found is None:
            return []
        drawn = {curve.of for one in self.found.dependence for curve in one.curves}
        manners = [(one, Manner.of(one, self.found.classes)) for one in self.found.classes if one in drawn]
        return [(name, one.number, DASHES[one.style], MARKERS[one.marker]) for name, one in manners]

    @property
    def level(self) -> float:
        """Where the loss on all rows stands on the scale of the weak slices."""
        return self._scaled(self.found.weak.loss) if self.found else 0.0

    @property
    def weak(self) -> list[Placed]:
        """The weak slices on one scale."""
        if self.found is None:
            return []
        return [
            Placed(one, self._scaled(one.loss), self._scaled(one.at_least), self._scaled(one.loss))
            for one in self.found.weak.slices
        ]

    def _scaled(self, loss: float) -> float:
        if self.found is None or not self.found.weak.slices:
            return 0.0
        least = self.found.weak.loss
        most = max(one.loss for one in self.found.weak.slices)
        return EDGE + (FULL - EDGE) * (loss - least) / (most - least)


@dataclass(frozen=True)
class ExplanationPage:
    """What a version answers by, as of `at`."""

    at: datetime
    model: str
    is_champion: bool
    explained: Explained


def find_explained(model: str, digest: str | None) -> Explained:
    """Return what is kept of a version."""
    found = find_explanation(digest)
    is_old = found is not None and found.dataset != current_dataset(model).version
    return Explained(model, digest, found, is_old, found is not None and is_partial(found))


def gather_explanation(now: datetime, model: str, version: str) -> ExplanationPage:
    """Return what is kept of a version, by default the champion.

    Raises
    ------
    UnknownModelError, UnknownBundleError
        If there is none.
    """
    ensure_known(model)
    champion = ledger().serving(model).champion
    digest = _find_digest(model, version) if version else champion
    explained = find_explained(model, digest)
    return ExplanationPage(now, model, digest is not None and digest == champion, explained)


async def take_measuring(request: Request, clock: Callable[[], datetime]) -> Response:
    """Measure a version for an operator, and lead to what was found.

    What is kept is measured again only where that would tell more: asking again and again costs nothing.
    """
    model = request.path_params["model"]
    fields = await read_fields(request)
    await admit(request, fields)
    found = await run_in_threadpool(_measure, clock(), model, fields.get("version", ""))
    if request.url.path.endswith(".json"):
        return Response(readable_json(found), media_type="application/json")
    asked = f"?{urlencode({'version': found.explained.digest})}" if found.explained.digest else ""
    return RedirectResponse(f"/models/{quote(model)}/explanation{asked}", HTTPStatus.SEE_OTHER)


def _measure(now: datetime, model: str, version: str) -> ExplanationPage:
    page = gather_explanation(now, model, version)
    if not page.explained.is_due:
        return page
    explain_model_beside(model, str(page.explained.digest))
    return gather_explanation(now, model, version)


def _find_digest(model: str, version: str) -> str:
    lineage = find_lineage(version)
    if lineage.model != model:
        raise UnknownBundleError(version)
    return lineage.trained.digest
