"""Where does this installation keep its things?"""

import os
from dataclasses import dataclass
from pathlib import Path

from millrace.errors import MillraceError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

UPLOAD_BYTES = 1 << 30
"""How large an uploaded batch may be where nobody says otherwise."""

LOOPBACK = "127.0.0.1"
"""Where what only this machine may reach listens."""

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

OMP_WAIT_POLICY = "PASSIVE"
"""Threads that wait give their core away: on two shared cores boosting took 8.5 s so, and 29 s spinning."""


class UnusableSettingError(MillraceError):
    """A variable of the environment holds what it cannot."""

    def __init__(self, name: str, found: str, needed: str) -> None:
        self.name, self.found, self.needed = name, found, needed
        super().__init__(f"{name} is {found!r}, {needed} was needed. Put it right, or unset it")


@dataclass(frozen=True)
class Settings:
    """The folders and addresses of one installation, each with its environment variable."""

    home: Path  # MILLRACE_HOME
    models: Path  # MILLRACE_MODELS
    ledger_url: str  # MILLRACE_LEDGER_URL
    catalogue_url: str  # MLFLOW_TRACKING_URI
    mlflow_ui: str | None  # MILLRACE_MLFLOW_UI, where people read about runs
    alert_urls: tuple[str, ...]  # MILLRACE_ALERT_URLS, separated by spaces
    site: str | None = None  # MILLRACE_SITE, where people open the status site
    upload_bytes: int = UPLOAD_BYTES  # MILLRACE_UPLOAD_BYTES, of one batch over the status site
    channel_url: str | None = None  # MILLRACE_CHANNEL, where the channel is copied for services elsewhere

    @property
    def var(self) -> Path:
        return self.home / "var"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def datasets(self) -> Path:
        return self.home / "datasets"

    @property
    def channel(self) -> Path:
        return self.var / "channel"

    @property
    def quarantine(self) -> Path:
        return self.var / "quarantine"

    @property
    def staging(self) -> Path:
        return self.var / "staging"

    @property
    def predictions(self) -> Path:
        return self.var / "predictions"

    @property
    def monitoring(self) -> Path:
        return self.var / "monitoring"

    @property
    def keys(self) -> Path:
        return self.var / "keys"

    @property
    def public_key(self) -> Path:
        return self.keys / "signing.pub"

    @property
    def store(self) -> Path:
        return self.var / "serving"

    @property
    def tokens(self) -> Path:
        return self.keys / "tokens.json"

    @property
    def artifacts(self) -> Path:
        return self.var / "mlartifacts"


def load_settings() -> Settings:
    """Read the environment; everything defaults to the clone, or to this folder where there is none."""
    home = Path(os.environ.get("MILLRACE_HOME", _usual_home())).resolve()
    var = home / "var"
    catalogue_url = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{var / 'catalogue.sqlite'}")
    served = catalogue_url if catalogue_url.startswith("http") else None
    return Settings(
        home=home,
        models=Path(os.environ.get("MILLRACE_MODELS", PROJECT_ROOT / "models")).resolve(),
        ledger_url=os.environ.get("MILLRACE_LEDGER_URL", f"sqlite:///{var / 'ledger.sqlite'}"),
        catalogue_url=catalogue_url,
        mlflow_ui=os.environ.get("MILLRACE_MLFLOW_UI", served),
        alert_urls=tuple(os.environ.get("MILLRACE_ALERT_URLS", "").split()),
        site=os.environ.get("MILLRACE_SITE") or None,
        upload_bytes=_read_bytes("MILLRACE_UPLOAD_BYTES", UPLOAD_BYTES),
        channel_url=os.environ.get("MILLRACE_CHANNEL") or None,
    )


def _read_bytes(name: str, usual: int) -> int:
    found = os.environ.get(name) or str(usual)
    if not found.isascii() or not found.isdigit():
        raise UnusableSettingError(name, found, "a whole number of bytes")
    return int(found)


def _usual_home() -> Path:
    # an installed package has no clone around it, and its own folder is no place for data
    return PROJECT_ROOT if (PROJECT_ROOT / "pyproject.toml").exists() else Path.cwd()


def prepare_dependencies() -> None:
    """Turn off the telemetry of every dependency, and their busy waiting, before any of them is imported."""
    os.environ.update(TELEMETRY_OFF)
    os.environ.setdefault("OMP_WAIT_POLICY", OMP_WAIT_POLICY)
