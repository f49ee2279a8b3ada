"""Deployments: what Prefect's server knows is made to be what prefect.yaml and the models say."""

from collections.abc import Sequence
from dataclasses import dataclass

from filelock import FileLock

from millrace.domain.deployment import Deployment, Difference
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.deployments import list_wanted
from tasks.prefect_server import prefect_server
from tasks.register import register
from tasks.registered import ensure_work_pool, read_registered

LOCK_FILE = "deploy.lock"


class StillDifferentError(MillraceError):
    """Prefect has something otherwise than it was just told."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        super().__init__(
            f"registered, but Prefect has {len(differences)} things otherwise: "
            + "; ".join(map(str, differences))
            + ". Run `millrace deploy` again; if they stay, somebody changes them, or Prefect reads the file "
            "otherwise than Millrace"
        )


@dataclass(frozen=True)
class Deployed:
    """What is registered now, and what was put right for it."""

    url: str
    deployments: tuple[Deployment, ...]
    put_right: tuple[Difference, ...]


def find_differences() -> list[str]:
    """Say what Prefect's server has otherwise than prefect.yaml and the models; nothing is changed.

    Empty when `deploy` would do nothing. It costs a few requests and imports no flow.
    """
    wanted = list_wanted()
    with prefect_server() as client:
        return [str(one) for one in read_registered(client).list_differences(wanted)]


def deploy() -> Deployed:
    """Register what differs, remove what is not wanted, and read all of it back.

    Done again it changes nothing: neither an id nor a scheduled run.

    Raises
    ------
    StillDifferentError
        If what is read back is not what was registered.
    """
    wanted = list_wanted()
    lock = load_settings().var / "prefect" / LOCK_FILE
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock), prefect_server() as client:
        before = read_registered(client)
        differences = before.list_differences(wanted)
        if differences:
            for pool in {str(one.settings["work_pool_name"]) for one in wanted}:
                ensure_work_pool(client, pool)
            before.remove_surplus(client, wanted)
            differing = {one.subject for one in differences}
            # Also where only a schedule was removed: Prefect has dropped the next runs of all others with
            # it, and makes them again within seconds only for a deployment that was just registered.
            if changed := [one for one in wanted if one.name in differing]:
                register(changed)
            if left := read_registered(client).list_differences(wanted):
                raise StillDifferentError(left)
        return Deployed(str(client.api_url).rstrip("/"), tuple(wanted), tuple(differences))
