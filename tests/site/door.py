"""A site that takes uploads, and forms as a browser sends them."""

import http.client
import io
from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.models import load_source
from tests.conftest import Home
from tests.serving.service import Answer
from tests.site.told import RunningSite

INBOX = 'source = "python"\ninbox = "inbox/fares/*.parquet"'
MAX_BYTES = 2_000_000
BOUNDARY = "----millrace"


@dataclass(frozen=True)
class Door:
    """A site whose model `fares` takes uploads, the tokens that were made, and its inbox."""

    home: Home
    site: RunningSite
    operator: str
    service: str

    @property
    def inbox(self) -> Path:
        return self.home.path / "inbox" / "fares"

    @property
    def lying(self) -> list[str]:
        """Everything below the inbox."""
        return sorted(str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if path.is_file())

    def send(
        self,
        content: bytes,
        name: str = "2013-04.parquet",
        *,
        token: str = "",
        path: str = "",
        **headers: str,
    ) -> Answer:
        """Send a form as a browser does: the token, then the file."""
        body = form(field("token", token), file(name, content))
        return self.post(path or "/models/fares/batches", body, **headers)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        sent = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", **headers}
        connection.request("POST", path, body, sent)
        answer = connection.getresponse()
        found = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return found


def field(name: str, value: str) -> bytes:
    return f'content-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(name: str, content: bytes) -> bytes:
    head = f'content-disposition: form-data; name="file"; filename="{name}"\r\n'
    return head.encode() + b"content-type: application/octet-stream\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    edge = f"--{BOUNDARY}".encode()
    return b"".join(edge + b"\r\n" + part for part in parts) + edge + b"--\r\n"


def parquet(home: Home, month: str, **columns: object) -> bytes:
    written = io.BytesIO()
    rows = load_source(home.models, "fares").read_batch(month)
    rows.assign(**columns).to_parquet(written, index=False)
    return written.getvalue()
