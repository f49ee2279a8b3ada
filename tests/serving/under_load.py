"""Bundles whose answers say which of them it was, and rows that say their number twice."""

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.serving.open_loop import request_bytes
from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, Durability, ServingSettings
from millrace.serving.settings import Limits, ServiceSettings
from tests.adapters.planted import pack, planted_config, planted_rows, train
from tests.serving.service import Answer, Packed, RunningService, ServiceHome, wait_for

MODEL = "flights"
PATH = f"/v1/models/{MODEL}/predict"
STEP = 100.0
"""How far the answers of two editions are apart; those of one edition are within twenty."""

_LIMITED = (
    "import sys; from millrace.serving.run import run; from millrace.serving.settings import ServiceSettings;"
    "run(ServiceSettings.from_json(sys.argv[1]), '127.0.0.1', int(sys.argv[-1]), 1)"
)


@cache
def edition(number: int) -> Packed:
    """Return a bundle whose answers are all near `STEP * number`."""
    rows = planted_rows(Task.REGRESSION, 300)
    rows["y"] += STEP * number
    manifest, files = pack(train(planted_config(Task.REGRESSION), rows))
    return dataclasses.replace(manifest, model=MODEL), files


def edition_of(answer: float) -> int:
    """Tell which edition gave an answer."""
    return round(answer / STEP)


def row(number: int) -> dict[str, Any]:
    """Return a row that says its number twice, so that a half of one would show."""
    return {
        # beyond 200 or so it would carry an answer over to the next edition
        "label": number % 100_000 / 1000,
        "my column": number % 9,
        "carrier": f"ride {number}",
        "weekday": number % 7,
        "holiday": not number % 2,
    }


def rows_body(*numbers: int) -> bytes:
    """Write one row as an object, more of them as an array."""
    rows = [row(number) for number in numbers]
    return json.dumps(rows[0] if len(rows) == 1 else rows).encode()


def request(*numbers: int) -> bytes:
    """Return a request for these rows as it goes over the wire."""
    return request_bytes(PATH, rows_body(*numbers))


def ask(service: RunningService, *numbers: int) -> Answer:
    """Ask for the answers to these rows."""
    return service.post(PATH, rows_body(*numbers))


def publish(
    home: ServiceHome, *arms: str | Arm, durability: Durability = Durability.DURABLE, **settings: Any
) -> int:
    """Publish a pointer; a digest alone is the one arm that answers."""
    return home.publish(MODEL, *arms, settings=ServingSettings(durability=durability, **settings))


def home_with(
    folder: Path, *numbers: int, durability: Durability = Durability.DURABLE
) -> tuple[ServiceHome, list[str]]:
    """Make a home with these editions, of which the first answers."""
    home = ServiceHome(folder / "home")
    digests = [home.add(MODEL, edition(number)) for number in numbers]
    publish(home, digests[0], durability=durability)
    return home, digests


def limited(home: ServiceHome, **limits: Any) -> tuple[str, ...]:
    """Return the command of a service with limits, for which `millrace serve` has no flags."""
    settings = ServiceSettings(
        channel=str(home.channel),
        store=home.path / "var" / "serving",
        predictions=home.predictions,
        public_key=home.keys / "signing.pub",
        tokens=home.tokens,
        hosts=("127.0.0.1",),
        limits=Limits(**limits),
    )
    return ("-c", _LIMITED, settings.to_json())


def told(service: RunningService) -> Any:
    """Return what /readyz says of the model."""
    return service.get("/readyz").json["models"].get(MODEL, {})


def wait_for_generation(service: RunningService, generation: int) -> None:
    wait_for(lambda: told(service).get("generation") == generation, f"generation {generation}")


def total(service: RunningService, name: str, **labels: str) -> float:
    """Return the sum of the samples of a metric that have these labels."""
    families = text_string_to_metric_families(service.get("/metrics").body.decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())
