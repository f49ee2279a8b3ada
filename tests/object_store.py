"""An object store on this machine: the S3 protocol over HTTP, by moto's server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest


@contextmanager
def serving_s3() -> Iterator[str]:
    """Run the server; its address is in the environment, as a person would put it there."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield f"http://{host}:{port}"
    server.stop()


def make_bucket(address: str) -> str:
    """Make an empty bucket and return its URL."""
    name = f"channel-{uuid4().hex}"
    with urlopen(Request(f"{address}/{name}", method="PUT")) as answer:  # noqa: S310
        assert answer.status == 200
    return f"s3://{name}"
