"""Making a home ready: its folders, and the key that signs what services are told."""

from dataclasses import dataclass
from pathlib import Path

from millrace.adapters.channel import bundles_folder
from millrace.adapters.keys import PRIVATE_KEY, PUBLIC_KEY, ensure_keys
from millrace.domain.address import mask_address
from millrace.settings import load_settings

INBOX = "inbox"
"""Where model.toml lets files arrive, usually; the controller makes a folder in it for each model."""


@dataclass(frozen=True)
class Initialised:
    """Where everything is now; `made` are the folders and keys that were not there before."""

    home: str
    private_key: str
    public_key: str
    channel: str
    made: tuple[str, ...]


def init_home() -> Initialised:
    """Make the folders of `MILLRACE_HOME` and the key pair; what is there stays as it is.

    Raises
    ------
    MissingKeyError
        If the private key is lost: a new pair would disown everything that was signed so far.
    """
    settings = load_settings()
    private, public = settings.keys / PRIVATE_KEY, settings.keys / PUBLIC_KEY
    bundles = bundles_folder(settings.channel)
    folders = [settings.home, settings.data, settings.datasets, settings.home / INBOX, bundles]
    missing = [path for path in (*folders, private, public) if not path.exists()]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    ensure_keys(settings.keys)
    return Initialised(
        home=str(settings.home),
        private_key=str(private),
        public_key=str(public),
        channel=_spell(settings.channel_url, settings.channel),
        made=tuple(str(path) for path in missing),
    )


def _spell(url: str | None, folder: Path) -> str:
    return mask_address(url) if url else str(folder)
