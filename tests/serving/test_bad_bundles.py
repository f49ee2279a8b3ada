"""What must not answer is published while a service answers: it goes on with what it has, and says why."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from millrace.adapters.channel import bundles_folder
from millrace.domain.bundle import EXAMPLES_FILE, digests_of
from tests.serving.service import RunningService, ServiceHome, changed, running_service, wait_for
from tests.serving.under_load import MODEL, ask, edition, home_with, publish, told, total, wait_for_generation


def corrupt(home: ServiceHome) -> str:
    """Publish a bundle of which a byte was changed after its digest was taken."""
    digest = home.add(MODEL, edition(2))
    scorer = bundles_folder(home.channel) / digest / "scorer.onnx"
    content = bytearray(scorer.read_bytes())
    content[len(content) // 2] ^= 1
    scorer.chmod(0o644)
    scorer.write_bytes(content)
    return digest


def misnamed(home: ServiceHome) -> str:
    """Publish a whole bundle under another's digest."""
    digest, wrong = home.add(MODEL, edition(3)), "0" * 64
    (bundles_folder(home.channel) / digest).rename(bundles_folder(home.channel) / wrong)
    return wrong


def failing_examples(home: ServiceHome) -> str:
    """Publish a bundle that does not answer its own examples as it says."""

    def shift(examples: dict[str, Any]) -> dict[str, Any]:
        return {**examples, "answers": [answer + 1.0 for answer in examples["answers"]]}

    return home.add(MODEL, changed(edition(2), EXAMPLES_FILE, shift))


def missing(_home: ServiceHome) -> str:
    """Publish the digest of a bundle that is nowhere."""
    return "1" * 64


def no_graph(home: ServiceHome) -> str:
    """Publish a bundle whose digests are right and whose scorer is no graph."""
    manifest, files = edition(2)
    files = {**files, manifest.engine.file_name: b"no graph"}
    return home.add(MODEL, (dataclasses.replace(manifest, files=digests_of(files)), files))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home, [first] = home_with(tmp_path_factory.mktemp("bad"), 1)
    with running_service(home) as service:
        yield service, first


@pytest.mark.parametrize(
    ("harm", "kind", "said"),
    [
        (corrupt, "bad_bundle", "scorer.onnx"),
        (misnamed, "bad_bundle", "manifest"),
        (failing_examples, "unproven", "It may not serve"),
        (missing, "bad_bundle", "found nothing in"),
        (no_graph, "bad_bundle", "scorer.onnx"),
    ],
)
def test_what_must_not_answer_changes_nothing_and_is_told(
    followed: tuple[RunningService, str], harm: Callable[[ServiceHome], str], kind: str, said: str
) -> None:
    service, _ = followed
    answering = told(service)["answering"]
    generation = told(service)["generation"]
    publish(service.home, harm(service.home))
    wait_for(lambda: said in str(told(service)["trouble"]), "the trouble")
    answer = ask(service, 1)
    assert (answer.status, answer.json["generation"], [answer.json["digest"]]) == (200, generation, answering)
    ready = service.get("/readyz")
    assert (ready.status, told(service)["answering"], told(service)["ready"]) == (200, answering, True)
    wait_for(lambda: total(service, "millrace_channel_trouble", model=MODEL, kind=kind) == 1, "the alarm")
    good = publish(service.home, service.home.add(MODEL, edition(1)))
    wait_for_generation(service, good)
    assert told(service)["trouble"] is None
