"""What is wrong with this installation, and what is to be done about it?"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from millrace.adapters import clock
from millrace.adapters.keys import PRIVATE_KEY, list_trusted
from millrace.adapters.models import find_model, list_models
from millrace.adapters.pins import is_pin_current
from millrace.adapters.process import is_dead
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.alerts import list_due_alerts
from millrace.steps.audit import verify_everything
from millrace.steps.dataset import current_dataset, ensure_whole
from millrace.steps.offers import find_offer_trouble, find_offer_trouble_there, list_offered
from millrace.steps.remote_channel import find_differing, find_remote, list_offered_there
from millrace.steps.serve import find_pointer_trouble
from millrace.steps.sql_source import ping_database
from millrace.steps.stores import catalogue, ledger

LOW_SPACE_BYTES = 2 << 30
OWNER_ONLY = 0o077
NO_SUCH_MODEL = "no such model here: add its folder under models/, or remove the offers"


class Health(StrEnum):
    """What an examination can say."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What one examination found; anything but OK says what to do."""

    subject: str
    health: Health
    finding: str


def examine() -> list[Finding]:
    """Examine every part of this installation; one that cannot be examined is wrong, with the reason."""
    return [_examined(subject, examination) for subject, examination in EXAMINATIONS.items()]


def _examined(subject: str, examination: Callable[[], tuple[Health, str]]) -> Finding:
    try:
        return Finding(subject, *examination())
    except (MillraceError, OSError) as error:
        return Finding(subject, Health.WRONG, str(error))


def _models() -> tuple[Health, str]:
    settings = load_settings()
    names = list_models(settings.models)
    if not names:
        return Health.ADVICE, f"{settings.models} holds no model: add a folder with a model.toml"
    for name in names:
        find_model(settings.models, name)
    return Health.OK, f"{len(names)} models, every model.toml is valid: {', '.join(names)}"


def _ledger() -> tuple[Health, str]:
    audited = verify_everything()
    return (
        Health.OK,
        f"{audited.entries:,} entries, the chain, every standing bundle and the gate's reports verified",
    )


def _claims() -> tuple[Health, str]:
    dead = [claim.key for claim in ledger().list_claims() if is_dead(claim.owner)]
    if not dead:
        return Health.OK, "no run died with its work undone"
    return Health.ADVICE, f"died with its work undone: {', '.join(dead)}. Run the same command again"


def _catalogue() -> tuple[Health, str]:
    url = load_settings().catalogue_url
    if catalogue().is_reachable():
        return Health.OK, url
    return Health.WRONG, f"{url} does not answer: start it, or correct MLFLOW_TRACKING_URI"


def _data() -> tuple[Health, str]:
    settings = load_settings()
    ensure_whole()
    if not any(current_dataset(name).parts for name in list_models(settings.models)):
        return Health.ADVICE, "no batch was accepted yet: run `millrace ingest MODEL`"
    if not is_pin_current(settings.home):
        return Health.WRONG, "data.dvc does not pin all of data/: run `millrace reconcile`"
    return Health.OK, "data.dvc pins every part"


def _sources() -> tuple[Health, str]:
    settings = load_settings()
    sections = {name: find_model(settings.models, name).data.sql for name in list_models(settings.models)}
    asked = {name: section for name, section in sections.items() if section is not None}
    for section in asked.values():
        ping_database(section)
    if not asked:
        return Health.OK, "no model asks a database"
    return Health.OK, f"the databases of {', '.join(asked)} answer their queries"


def _pointers() -> tuple[Health, str]:
    models = [serving.model for serving in ledger().list_serving()]
    troubles = {model: find_pointer_trouble(model) for model in models}
    wrong = [f"{model}: {trouble}" for model, trouble in troubles.items() if trouble is not None]
    if wrong:
        return Health.WRONG, f"{'; '.join(wrong)}. Run `millrace reconcile`"
    return Health.OK, f"{len(models)} say what the ledger says"


def _channel() -> tuple[Health, str]:
    remote = find_remote()
    if remote is None:
        return Health.OK, f"services read {load_settings().channel}"
    troubles = _find_offers(list_offered_there(), find_offer_trouble_there) | find_differing(remote)
    if troubles:
        wrong = "; ".join(f"{model}: {trouble}" for model, trouble in troubles.items())
        return Health.WRONG, f"{remote.url} has {wrong}. Run `millrace reconcile`"
    return Health.OK, f"{remote.url} has the pointers of this machine"


def _keys() -> tuple[Health, str]:
    private = load_settings().keys / PRIVATE_KEY
    if not private.exists():
        return Health.OK, "no signing key yet, the first promotion makes one"
    if private.stat().st_mode & OWNER_ONLY:
        return Health.WRONG, f"{private} can be read by others: chmod 600 it"
    return Health.OK, "the signing key is the owner's alone"


def _offers() -> tuple[Health, str]:
    trusted = list_trusted(load_settings().keys)
    if troubles := _find_offers(list_offered(), find_offer_trouble):
        return Health.WRONG, "; ".join(f"{model}: {trouble}" for model, trouble in troubles.items())
    return Health.OK, f"trusted: {', '.join(trusted)}" if trusted else "no other installation is trusted"


def _find_offers(models: Sequence[str], find_trouble: Callable[[str], str | None]) -> dict[str, str]:
    known = list_models(load_settings().models)
    troubles = {model: find_trouble(model) if model in known else NO_SUCH_MODEL for model in models}
    return {model: trouble for model, trouble in troubles.items() if trouble is not None}


def _alerts() -> tuple[Health, str]:
    settings = load_settings()
    if not settings.alert_urls:
        return Health.ADVICE, "nobody is told of anything: set MILLRACE_ALERT_URLS to Apprise URLs"
    due = sum(len(list_due_alerts(name)) for name in list_models(settings.models))
    if due:
        return (
            Health.WRONG,
            f"{due} alerts could not be sent: check MILLRACE_ALERT_URLS, run `millrace reconcile`",
        )
    return Health.OK, f"{len(settings.alert_urls)} addresses, nothing unsent"


def _space() -> tuple[Health, str]:
    home = load_settings().home
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    if free < LOW_SPACE_BYTES:
        return (
            Health.WRONG,
            f"{free / 1e9:.1f} GB free at {home}: free some, a batch needs several times its size",
        )
    return Health.OK, f"{free / 1e9:.0f} GB free"


def _clock() -> tuple[Health, str]:
    file = os.environ.get(clock.CLOCK)
    if file is None:
        return Health.OK, "time is what this machine says"
    return Health.WRONG, f"{clock.CLOCK} sets time by {file}, as only a demonstration may: unset it"


EXAMINATIONS: dict[str, Callable[[], tuple[Health, str]]] = {
    "models": _models,
    "ledger": _ledger,
    "claims": _claims,
    "catalogue": _catalogue,
    "data": _data,
    "sources": _sources,
    "pointers": _pointers,
    "channel": _channel,
    "keys": _keys,
    "offers": _offers,
    "alerts": _alerts,
    "space": _space,
    "clock": _clock,
}
