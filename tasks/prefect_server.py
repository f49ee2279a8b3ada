"""Which Prefect server is it, and does it answer?"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from shlex import quote

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from millrace.errors import MillraceError, UnavailableError
from millrace.settings import load_settings


class NoServerNamedError(MillraceError):
    """`PREFECT_API_URL` names no server."""

    def __init__(self) -> None:
        super().__init__(
            f"PREFECT_API_URL names no Prefect server. Start one by `make up`, and say {_client_env()} here"
        )


class ServerUnavailableError(UnavailableError):
    """The server of `PREFECT_API_URL` does not answer, or something else answers in its place."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"no Prefect server answers at {url}: {reason}. Start it by `make up`, "
            "or correct PREFECT_API_URL; it ends in /api"
        )


class ServerRefusedError(MillraceError):
    """The server wants to be given another auth string."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"{url} refuses PREFECT_API_AUTH_STRING: it is not the PREFECT_SERVER_API_AUTH_STRING of that "
            f"server. For the one of `make up`, say {_client_env()} here"
        )


def _client_env() -> str:
    """Name what `make up` wrote for other shells."""
    return f"`. {quote(str(load_settings().var / 'prefect' / 'client.env'))}`"


@contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """Give the block a client of the server that `PREFECT_API_URL` names; none is ever started.

    Raises
    ------
    NoServerNamedError, ServerUnavailableError, ServerRefusedError
        Also for what goes wrong inside the block.
    """
    url = PREFECT_API_URL.value()
    if not url:
        raise NoServerNamedError
    try:
        with get_client(sync_client=True) as client:
            if isinstance(problem := client.api_healthcheck(), Exception):
                raise problem
            yield client
    except PrefectHTTPStatusError as error:
        if error.response.status_code == HTTPStatus.UNAUTHORIZED:
            raise ServerRefusedError(url) from error
        raise ServerUnavailableError(url, str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnavailableError(url, str(error) or type(error).__name__) from error
