"""What do the programs of this machine need before they start, and where will they be?"""

import os
import secrets
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from millrace.adapters.catalogue import find_file
from millrace.adapters.keys import ensure_keys
from millrace.adapters.models import find_model, list_models
from millrace.adapters.ports import ensure_free
from millrace.adapters.supervisor import MARK, Lock, Process, Supervisor, list_processes, running_alone
from millrace.durable import SECRET, create_secret, replace_file
from millrace.errors import MillraceError, ModelFileError
from millrace.settings import LOOPBACK, PROJECT_ROOT, TELEMETRY_OFF, Settings, load_settings

CONFIG = PROJECT_ROOT / "deployments" / "supervisord.conf"
PREFECT_PORT = "--prefect-port"
MLFLOW_PORT = "--mlflow-port"
SERVE_PORT = "--serve-port"
UI_PORT = "--ui-port"

_OF_A_PERSON = ("PREFECT_API_KEY", "PREFECT_PROFILE")
"""What would lead the programs to another server than ours."""
_ADDRESSES = ("MILLRACE_LEDGER_URL", "MLFLOW_TRACKING_URI", "MILLRACE_ALERT_URLS")
"""What another shell must have as this one, where this one has it."""


class LeftoverProcessesError(MillraceError):
    """Programs of an earlier start run on, and nobody supervises them."""

    def __init__(self, left: list[Process]) -> None:
        self.left = left
        pids = " ".join(str(one.pid) for one in left)
        listed = "; ".join(f"{one.pid} {one.command[:40]}" for one in left)
        super().__init__(
            f"an earlier start was killed and left {len(left)} processes behind ({listed}). "
            f"End them by `kill {pids}` and start again"
        )


@dataclass(frozen=True)
class Stack:
    """Where the programs of one installation listen and write."""

    settings: Settings
    prefect_port: int
    mlflow_port: int
    serve_port: int
    ui_port: int

    @property
    def prefect_home(self) -> Path:
        return self.settings.var / "prefect"

    @property
    def auth_file(self) -> Path:
        return self.prefect_home / "auth"

    @property
    def client_file(self) -> Path:
        return self.prefect_home / "client.env"

    @property
    def logs(self) -> Path:
        return self.settings.var / "log"

    @property
    def log(self) -> Path:
        return self.logs / "millrace.log"

    @property
    def inboxes(self) -> dict[str, Path]:
        """The folder of each model that has an inbox; a `model.toml` with a mistake is said by the verbs."""
        found = {}
        for model in list_models(self.settings.models):
            with suppress(ModelFileError):
                if pattern := find_model(self.settings.models, model).data.inbox:
                    found[model] = self.settings.home / Path(pattern).parent
        return found

    @property
    def prefect_url(self) -> str:
        return f"http://{LOOPBACK}:{self.prefect_port}"

    @property
    def serve_url(self) -> str:
        return f"http://{LOOPBACK}:{self.serve_port}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui_port}"

    @property
    def has_mlflow(self) -> bool:
        """Whether an MLflow is started here: not where the catalogue is a server already."""
        return not self.settings.catalogue_url.startswith(("http://", "https://"))

    @property
    def mlflow_url(self) -> str:
        if self.has_mlflow:
            return f"http://{LOOPBACK}:{self.mlflow_port}"
        url = urlsplit(self.settings.catalogue_url)
        return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))

    @cached_property
    def auth(self) -> str:
        return self.auth_file.read_text("utf-8").strip()

    @cached_property
    def client_environment(self) -> dict[str, str]:
        """What a process needs to work on this installation with this Prefect server."""
        settings = self.settings
        return {
            **TELEMETRY_OFF,
            **{name: os.environ[name] for name in _ADDRESSES if name in os.environ},
            "MILLRACE_HOME": str(settings.home),
            "MILLRACE_MODELS": str(settings.models),
            "MILLRACE_MLFLOW_UI": self.mlflow_url,
            "MILLRACE_SITE": self.settings.site or self.ui_url,
            "NO_PROXY": _without_proxy(LOOPBACK, "localhost"),
            "no_proxy": _without_proxy(LOOPBACK, "localhost"),
            "PREFECT_API_AUTH_STRING": self.auth,
            "PREFECT_API_URL": f"{self.prefect_url}/api",
            "PREFECT_HOME": str(self.prefect_home),
        }

    @property
    def environment(self) -> dict[str, str]:
        """The environment of all programs; deployments/supervisord.conf adds what one of them needs."""
        return {
            **{name: value for name, value in os.environ.items() if name not in _OF_A_PERSON},
            **self.client_environment,
            MARK: str(self.settings.home),
            "MILLRACE_MLFLOW_PORT": str(self.mlflow_port),
            "MILLRACE_PREFECT_PORT": str(self.prefect_port),
            "MILLRACE_SERVE_PORT": str(self.serve_port),
            "MILLRACE_UI_PORT": str(self.ui_port),
            "MILLRACE_UP_LOG": str(self.log),
            "MILLRACE_UP_LOGS": str(self.logs),
            "MILLRACE_UP_MLFLOW": str(self.has_mlflow).lower(),
            "MLFLOW_ARTIFACTS_DESTINATION": str(self.settings.artifacts),
            "MLFLOW_BACKEND_STORE_URI": self.settings.catalogue_url,
            "PATH": f"{_bin()}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "millrace",
            "PREFECT_LOGGING_LEVEL": "INFO",
            "PREFECT_SERVER_API_AUTH_STRING": self.auth,
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def start_stack(
    prefect_port: int, mlflow_port: int, serve_port: int, ui_port: int
) -> Iterator[tuple[Stack, Supervisor]]:
    """Prepare what the programs need, and start them under one supervisor.

    Raises
    ------
    AlreadyUpError, LeftoverProcessesError, PortTakenError, RelativeStoreError
        Before anything is started.
    """
    stack = Stack(load_settings(), prefect_port, mlflow_port, serve_port, ui_port)
    stack.prefect_home.mkdir(parents=True, exist_ok=True)
    stack.logs.mkdir(parents=True, exist_ok=True)
    with running_alone(stack.settings.home, stack.prefect_home / "up.lock") as lock:
        _ensure_possible(stack)
        _prepare(stack)
        yield stack, _start(stack, lock)


def _ensure_possible(stack: Stack) -> None:
    if left := list_processes(str(stack.settings.home)):
        raise LeftoverProcessesError(left)
    find_file(stack.settings.catalogue_url)
    ensure_free(stack.prefect_port, PREFECT_PORT)
    ensure_free(stack.serve_port, SERVE_PORT)
    ensure_free(stack.ui_port, UI_PORT)
    if stack.has_mlflow:
        ensure_free(stack.mlflow_port, MLFLOW_PORT)


def _prepare(stack: Stack) -> None:
    for inbox in stack.inboxes.values():
        if "*" not in str(inbox):
            inbox.mkdir(parents=True, exist_ok=True)
    ensure_keys(stack.settings.keys)
    create_secret(stack.auth_file, f"millrace:{secrets.token_urlsafe(24)}\n".encode())
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in stack.client_environment.items()]
    lines.append(f'export PATH={shlex.quote(str(_bin()))}:"$PATH"\n')
    replace_file(stack.client_file, "".join(lines).encode(), SECRET)


def _start(stack: Stack, lock: Lock) -> Supervisor:
    supervisor = Supervisor(CONFIG, stack.environment, lock, stack.logs / "supervisord.log")
    lock.leave_notice(
        f"Prefect {stack.prefect_url}, MLflow {stack.mlflow_url}, service {stack.serve_url}, "
        f"site {stack.ui_url}",
        os.getpid(),
        supervisor.pid,
    )
    return supervisor


def _bin() -> Path:
    return Path(sys.executable).parent


def _without_proxy(*hosts: str) -> str:
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return ",".join(dict.fromkeys([*filter(None, named.split(",")), *hosts]))
