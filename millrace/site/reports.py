"""Where does the report about a window stand?"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from millrace.domain.facts import ReportKept
from millrace.errors import MillraceError
from millrace.steps.stores import ensure_known, ledger


class UnknownReportError(MillraceError):
    """No report about a window of this model stands in that run, or there is no place to read it at."""

    def __init__(self, model: str, run_id: str, found: str) -> None:
        self.model, self.run_id, self.found = model, run_id, found
        super().__init__(
            f"report {run_id[:40]} of {model}: {found}. "
            f"`millrace monitor look {model} --report` makes another one"
        )


def make_report_route() -> Route:
    """Return the route that leads from a run's id to its page in MLflow.

    The catalogue is asked when somebody goes there, so that the pages do without it.
    """

    async def lead(request: Request) -> Response:
        return RedirectResponse(await run_in_threadpool(find_report, **request.path_params))

    return Route("/models/{model}/monitoring/reports/{run_id}", lead, methods=["GET"])


def find_report(model: str, run_id: str) -> str:
    """Return the address of the run in MLflow's UI.

    Raises
    ------
    UnknownModelError, UnknownReportError
        If the ledger knows of no such report.
    CatalogueUnavailableError
        If MLflow does not answer.
    """
    # half of what trains is imported with it, and most readers of a page never follow such a link
    from millrace.steps.register import find_run_page

    ensure_known(model)
    kept = (entry.fact for entry in ledger().entries(model, (ReportKept,)))
    if not any(isinstance(fact, ReportKept) and fact.run_id == run_id for fact in kept):
        raise UnknownReportError(model, run_id, "the ledger knows of none")
    page = find_run_page(run_id)
    if page is None:
        raise UnknownReportError(
            model, run_id, "this installation has no MLflow UI, MILLRACE_MLFLOW_UI names one"
        )
    return page
