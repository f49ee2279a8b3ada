"""What does a prediction service of ours answer? For the demo, and whoever asks from the control plane."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from subprocess import Popen
from typing import Any

import httpx
import msgspec

from millrace.errors import MillraceError, UnavailableError
from millrace.settings import LOOPBACK

START_SECONDS = 30.0
"""A service is ready within two seconds; a machine that is busy with tests takes longer."""
REQUEST_ROWS = 2_000


class NotServedError(UnavailableError):
    """A service does not answer with the bundle that should answer."""

    def __init__(self, url: str, wanted: str, found: str) -> None:
        self.url, self.wanted, self.found = url, wanted, found
        super().__init__(f"{url}: needed {wanted}, found {found}. Its /readyz says why")


class RefusedByServiceError(MillraceError):
    """A service gave no answer to a request that should have one."""

    def __init__(self, url: str, status: int, body: str) -> None:
        self.url, self.status, self.body = url, status, body
        super().__init__(
            f"{url}: answered {status} {body[:500]}; needed are answers to rows of the model's contract"
        )


@dataclass(frozen=True)
class Given:
    """One row's answer, as the service gave it, and the bundle that it says gave it.

    `request_id` and `row` are what a label names it by.
    """

    answer: float | Mapping[str, float]
    digest: str
    request_id: str = ""
    row: int = 0


class _Answers(msgspec.Struct):
    request_id: str
    answers: list[Given]


class ServiceClient:
    """A prediction service at an address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)

    def wait_until_answers_by(self, model: str, digest: str) -> None:
        """Wait until `digest` alone answers for a model.

        Raises
        ------
        NotServedError
            If it does not come to that within half a minute.
        """
        deadline = time.monotonic() + START_SECONDS
        while (found := self._answering(model)) != [digest]:
            if time.monotonic() > deadline:
                raise NotServedError(self.url, f"{model} by {digest[:12]}", str(found))
            time.sleep(0.05)

    def ask(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[Given]:
        """Ask for the answers of rows, some thousands in a request.

        Raises
        ------
        NotServedError
            If the service does not answer any more.
        RefusedByServiceError
            If it refuses rows.
        """
        given: list[Given] = []
        for start in range(0, len(rows), REQUEST_ROWS):
            content = self._post(f"/v1/models/{model}/predict", rows[start : start + REQUEST_ROWS])
            told = msgspec.json.decode(content, type=_Answers)
            given += [replace(one, request_id=told.request_id, row=at) for at, one in enumerate(told.answers)]
        return given

    def tell_labels(self, model: str, labels: Sequence[tuple[Given, str | float]]) -> None:
        """Tell what became true of rows that were answered.

        Raises
        ------
        NotServedError, RefusedByServiceError
            As `ask`.
        """
        told = [{"request_id": one.request_id, "row": one.row, "label": label} for one, label in labels]
        self._post(f"/v1/models/{model}/labels", told)

    def _post(self, path: str, content: object) -> bytes:
        body = msgspec.json.encode(content)
        try:
            answer = self._http.post(path, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError as error:
            raise NotServedError(self.url, path, f"{type(error).__name__} {error}") from error
        if not answer.is_success:
            raise RefusedByServiceError(f"{self.url}{path}", answer.status_code, answer.text)
        return answer.content

    def _answering(self, model: str) -> list[str] | str:
        try:
            ready = self._http.get("/readyz").json()
        except httpx.HTTPError as error:
            return f"{type(error).__name__} {error}"
        return list(ready["models"].get(model, {}).get("answering", []))


@contextmanager
def running_service(start: "Callable[..., Popen[bytes]]") -> Iterator[ServiceClient]:
    """Run a service of this installation on a free port of this machine, for as long as the block lasts.

    `start` starts a verb of ours and returns its process.
    """
    with socket.create_server((LOOPBACK, 0)) as probe:
        port = probe.getsockname()[1]
    process = start("serve", "--port", str(port), "--no-access-log")
    try:
        yield ServiceClient(f"http://{LOOPBACK}:{port}")
    finally:
        process.terminate()
        process.wait()
