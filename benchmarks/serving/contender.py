"""What is measured against what? One server, how it is started, and how it is asked."""

import http.client
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.model import Row, Served
from benchmarks.serving.process import Running

TOLERANCE = 1e-4
"""Between a pipeline in double precision and a graph in single: a model that answers is far closer."""


class WrongAnswerError(Exception):
    """A server does not answer what the pipeline does: its speed is no figure."""

    def __init__(self, name: str, number: int, found: object, needed: float) -> None:
        super().__init__(f"{name} on row {number}: found {found}, the pipeline says {needed}")


@dataclass(frozen=True)
class Contender:
    """One server. `wrap` makes a row the body it wants, `unwrap` takes the answer from what it replied."""

    name: str
    start: Callable[[], AbstractContextManager[Running]]
    path: str
    wrap: Callable[[Row], Any]
    unwrap: Callable[[Any], float] | None
    """None where there is no answer, as in an echo."""

    def write_bodies(self, folder: Path, rows: tuple[Row, ...]) -> Path:
        """Write each row as the body this server wants, one a line."""
        file = folder / f"{self.name.replace(' ', '-')}.jsonl"
        file.write_text("".join(f"{_body(self.wrap(row))}\n" for row in rows))
        return file

    def check(self, port: int, served: Served) -> None:
        """Refuse a server that does not answer as the pipeline does."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number, (row, needed) in enumerate(zip(served.sent, served.answers, strict=True)):
            sent = _body(self.wrap(row))
            connection.request("POST", self.path, sent, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            said = reply.read().decode(errors="replace")
            if self.unwrap is None:
                is_right = said == sent
            else:
                is_right = reply.status == http.client.OK and bool(
                    np.isclose(self.unwrap(json.loads(said)), needed, atol=TOLERANCE, rtol=0)
                )
            if not is_right:
                raise WrongAnswerError(self.name, number, said[:500], needed)
        connection.close()


def _body(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
