"""Our own service as it is measured: a home with a champion in its channel, and `millrace serve`."""

import re
import shutil
import sys
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.serving.contender import Contender
from benchmarks.serving.model import NAME, Served, write_served
from benchmarks.serving.process import Running, free_port, running
from millrace.adapters.channel import bundles_folder, publish_pointer
from millrace.adapters.keys import ensure_keys, sign
from millrace.domain.bundle import Engine
from millrace.domain.pointer import Arm, ArmRole, Durability, Pointer, ServingSettings

PATH = f"/v1/models/{NAME}/predict"
READY = "/readyz"
WHOLE = 100


class Variant(StrEnum):
    """What our service is asked to do for a request."""

    FAST = "Millrace, fast log"
    DURABLE = "Millrace, durable log"
    SHADOW = "Millrace, fast log, shadow"
    SKOPS = "Millrace, fast log, skops"


def list_ours(folder: Path, served: Served) -> tuple[Contender, ...]:
    """Make each variant's home."""
    homes = {variant: folder / f"home-{variant.name.lower()}" for variant in Variant}
    for variant, home in homes.items():
        prepare_home(home, served, variant)
    return tuple(
        Contender(variant, partial(start_millrace, home, variant), PATH, lambda row: row, answer_of)
        for variant, home in homes.items()
    )


def prepare_home(home: Path, served: Served, variant: Variant) -> None:
    """Write the bundles, and the pointer of the variant."""
    engine = Engine.SKLEARN if variant is Variant.SKOPS else Engine.ONNX
    arms = [Arm(write_edition(home, served, 0, engine), ArmRole.ANSWER, WHOLE)]
    if variant is Variant.SHADOW:
        arms.append(Arm(write_edition(home, served, 1, engine), ArmRole.SHADOW, WHOLE))
    publish(home, 1, tuple(arms), Durability.DURABLE if variant is Variant.DURABLE else Durability.FAST)


def write_edition(home: Path, served: Served, edition: int, engine: Engine = Engine.ONNX) -> str:
    return write_served(bundles_folder(_channel(home)), served, engine, edition)


def publish(home: Path, generation: int, arms: tuple[Arm, ...], durability: Durability) -> None:
    """Publish a pointer as `millrace` does, signed with the home's key."""
    ensure_keys(_keys(home))
    settings = ServingSettings(durability=durability)
    pointer = Pointer(NAME, generation, arms, "f" * 64, revision=generation, settings=settings)
    publish_pointer(_channel(home), pointer, partial(sign, _keys(home)))


def start_millrace(home: Path, variant: str) -> AbstractContextManager[Running]:
    """Run `millrace serve` as it ships on a free port, its log empty and its bundles yet to be fetched."""
    for folder in ("predictions", "serving"):
        shutil.rmtree(home / "var" / folder, ignore_errors=True)
    port = free_port()
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port)]
    log = home / f"{variant.replace(' ', '-')}.log"
    return running(command, port, READY, log, {"MILLRACE_HOME": str(home)})


def answer_of(reply: Any) -> float:
    """Take the answer from what `predict` replied to one row."""
    return float(reply["answer"])


def digest_of(reply: Any) -> str:
    """Take the bundle that answered from what `predict` replied to one row."""
    return str(reply["digest"])


@dataclass(frozen=True)
class Undone:
    """What a service did not do for the requests it answered: what it drops costs nothing."""

    unshadowed_share: float
    lost_log_frames: float


def read_undone(port: int) -> Undone:
    """Ask the metrics of our service."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        metrics = reply.read().decode()

    def total(name: str) -> float:
        found = re.findall(rf"^{name} (\S+)$", metrics, re.MULTILINE)
        if not found:
            raise LookupError(f"/metrics has no {name} any more")
        return sum(map(float, found))

    answered = total(r'millrace_rows_total\{.*arm="answer".*\}')
    shadowed = total(r'millrace_rows_total\{.*arm="shadow".*\}') if 'arm="shadow"' in metrics else 0.0
    return Undone(1.0 - shadowed / answered, total("millrace_log_lost_frames"))


def _channel(home: Path) -> Path:
    return home / "var" / "channel"


def _keys(home: Path) -> Path:
    return home / "var" / "keys"
