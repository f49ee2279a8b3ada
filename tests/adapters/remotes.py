"""Channels that are not folders: a web server that counts what it is asked, and S3 over HTTP."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest


class WebServer(ThreadingHTTPServer):
    """A folder behind HTTP. `validators` are the headers it sends, `faults` what it does wrong, by path."""

    daemon_threads = True

    def __init__(self, root: Path, validators: tuple[str, ...] = ("ETag", "Last-Modified")) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.root, self.validators = root, validators
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.has_index = True
        self.dripping = 0
        self.is_dripping = Event()
        self.is_dripping.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, method: str, ending: str = "") -> int:
        return sum(1 for asked, path in self.asked if asked == method and path.endswith(ending))

    @contextmanager
    def running(self) -> Iterator["WebServer"]:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield self
        finally:
            self.is_dripping.clear()
            self.shutdown()
            self.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: WebServer

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(None)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bytes | None) -> None:
        self.server.asked.append((self.command, self.path))
        path = urlsplit(self.path).path
        fault = next((fault for end, fault in self.server.faults.items() if path.endswith(end)), "")
        target = self.server.root / path.lstrip("/")
        if fault.isdigit():
            self.send_error(int(fault))
        elif fault == "hang":
            time.sleep(30)
        elif target.is_dir() and self.server.has_index:
            links = "".join(f'<a href="{each.name}/">{each.name}/</a>' for each in target.iterdir())
            self._send({"Content-Type": "text/html"}, links.encode(), body)
        elif not target.is_file():
            self.send_error(404)
        elif fault == "endless":
            self._send_for_ever(body)
        else:
            content = target.read_bytes()
            content = content[:-1] + bytes([content[-1] ^ 1]) if fault == "corrupt" else content
            if fault == "drip" and body is None:
                self._drip(content)
            else:
                self._send(self._validators(target, content), content, body)

    def _validators(self, target: Path, content: bytes) -> dict[str, str]:
        known = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Last-Modified": self.date_time_string(int(target.stat().st_mtime)),
        }
        return {name: known[name] for name in self.server.validators}

    def _send(self, headers: dict[str, str], content: bytes, body: bytes | None) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content if body is None else body)

    def _drip(self, content: bytes) -> None:
        """Send a byte ten times a second, and the rest when the server drips no longer."""
        self.server.dripping += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        while self.server.is_dripping.is_set() and len(content) > 1:
            self.wfile.write(content[:1])
            content = content[1:]
            time.sleep(0.1)
        self.wfile.write(content)

    def _send_for_ever(self, body: bytes | None) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while body is None:
                self.wfile.write(b" " * 65536)
        except OSError:
            pass


@contextmanager
def running_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run an S3 server that this process reads from then on; return the address of an empty folder in it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="channel")
    try:
        yield "s3://channel/ours"
    finally:
        server.stop()


def upload(root: Path, bucket_folder: str) -> None:
    """Make a folder of the bucket what `root` is."""
    import boto3

    bucket, _, prefix = bucket_folder.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    for each in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=each["Key"])
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        client.put_object(
            Bucket=bucket, Key=f"{prefix}/{path.relative_to(root).as_posix()}", Body=path.read_bytes()
        )
