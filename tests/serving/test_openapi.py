"""Is what the service says of itself true, whatever it is asked?"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from millrace.adapters.tokens import create_token
from tests.serving.bundles import example_rows
from tests.serving.service import Packed, RunningService, ServiceHome, running_service

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture(scope="module")
def guarded(
    packed: dict[str, Packed], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningService, str]]:
    """The same models behind a token."""
    home = ServiceHome(tmp_path_factory.mktemp("guarded"))
    token = create_token(home.tokens, "tests", datetime.now(UTC))
    for model, bundle in packed.items():
        home.publish(model, home.add(model, bundle))
    with running_service(home) as running:
        yield running, token


def schema_of(document: dict[str, Any], model: str, name: str) -> dict[str, Any]:
    (key,) = (one for one in document["components"]["schemas"] if re.fullmatch(rf"{model}\.\d+\.{name}", one))
    return {**document["components"]["schemas"][key], "components": document["components"]}


def test_the_document_is_openapi_and_has_every_model(service: RunningService) -> None:
    document = service.get("/openapi.json").json
    openapi_spec_validator.validate(document)
    assert document["openapi"] == "3.1.0"
    for model in ("flights", "odd", "fares"):
        paths = {
            f"/v1/models/{model}",
            f"/v1/models/{model}/predict",
            f"/v1/models/{model}/labels",
            f"/v2/models/{model}/infer",
            f"/v2/models/{model}/versions/1/infer",
        }
        assert paths <= document["paths"].keys()
    predict = document["paths"]["/v1/models/flights/predict"]["post"]
    statuses = {200, 400, 404, 405, 408, 413, 415, 422, 500, 503}
    assert {int(status) for status in predict["responses"]} == statuses
    assert "security" not in predict


def test_rows_answers_and_refusals_are_what_the_document_says(
    service: RunningService, packed: dict[str, Packed]
) -> None:
    document = service.get("/openapi.json").json
    for model, bundle in packed.items():
        row = jsonschema.Draft202012Validator(schema_of(document, model, "Row"))
        for example in example_rows(bundle):
            row.validate(example)
            assert service.post(f"/v1/models/{model}/predict", example).status == 200
        for wrong in ({**example, "carrier": 1}, {**example, "x": 1}, {**example, "holiday": None}, {}):
            assert not row.is_valid(wrong)
            assert service.post(f"/v1/models/{model}/predict", wrong).status == 422
    columns = schema_of(document, "odd", "Row")
    assert columns["required"] == ["größe (µm)", "my column", "carrier", "week/day's", "holiday"]
    assert columns["properties"]["größe (µm)"]["maximum"] == 1000.0
    assert columns["properties"]["carrier"]["enum"] == ["AA", "Bé", "DL x", "", None]
    assert columns["properties"]["at"]["format"] == "date-time"
    label = schema_of(document, "flights", "Label")["oneOf"][0]["properties"]["label"]
    assert label["enum"] == ["0", 0, False, "1", 1, True]


def test_a_new_champion_is_in_the_document_at_once(packed: dict[str, Packed], tmp_path: Path) -> None:
    home = ServiceHome(tmp_path)
    home.publish("fares", home.add("fares", packed["fares"]))
    with running_service(home, "--interval", "0.02") as service:
        first = service.get("/openapi.json").json
        assert first == service.get("/openapi.json").json
        generation = home.publish("fares", home.add("fares", packed["flights"]))
        while service.get("/v1/models/fares").json["generation"] != generation:
            assert service.process.poll() is None
        second = service.get("/openapi.json").json
    assert "flight id" not in schema_of(first, "fares", "Row")["properties"]
    assert "flight id" in schema_of(second, "fares", "Row")["properties"]
    assert f"/v2/models/fares/versions/{generation}/infer" in second["paths"]


class Page(HTMLParser):
    """The examples, texts and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.examples: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "pre":
            self.examples.append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["pre"]:
            self.examples[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")


def test_the_page_needs_nothing_from_elsewhere_and_its_examples_work(service: RunningService) -> None:
    answered = service.get("/docs")
    assert answered.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    page = Page(answered.body.decode())
    assert "script" not in page.tags
    assert all(address.startswith(("#", "/")) for address in page.addresses)
    models = len(service.get("/v1/models").json["models"])
    assert len(page.examples) == 2 * models
    for example in page.examples:
        command = example.replace("curl ", "curl --silent --show-error --noproxy '*' --fail-with-body ", 1)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (example, done)
        assert json.loads(done.stdout)["request_id"]


def test_what_answers_is_told(service: RunningService) -> None:
    told = service.get("/v1/models").json["models"]
    assert [one["model"] for one in told if one["model"] in {"fares", "flights", "odd"}] == [
        "fares",
        "flights",
        "odd",
    ]
    odd = service.get("/v1/models/odd").json
    assert (odd["task"], odd["classes"], odd["generation"]) == ("multiclass", ["early", "late", "on time"], 1)
    assert [(arm["role"], arm["weight"], len(arm["digest"])) for arm in odd["arms"]] == [("answer", 100, 64)]
    assert odd["key"] == ["flight id", "at"]
    assert (odd["durability"], odd["sticky_key"]) == ("fast", "flight id")
    assert odd["columns"][0] == {
        "name": "größe (µm)",
        "type": "float",
        "required": True,
        "nullable": True,
        "min": -1000.0,
        "max": 1000.0,
        "categories": None,
        "allowed": "a number from -1000 to 1000, or null",
    }


def fuzz(service: RunningService, folder: Path, *flags: str) -> int:
    """Run all checks of schemathesis, and return the number of requests it made."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    document = f"{service.url}/openapi.json"
    done = subprocess.run(
        [*command, document, "--checks", "all", "--seed", "7", "--no-color", *flags],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found is not None, done.stdout[-2_000:]
    assert found[1] == found[2]
    assert service.get("/healthz").status == 200
    assert service.process.poll() is None
    return int(found[1])


def test_nothing_among_hundreds_of_requests_breaks_it(
    guarded: tuple[RunningService, str], tmp_path: Path
) -> None:
    service, token = guarded
    flags = ("--max-examples", "25", "--phases", "examples,fuzzing", "--generation-deterministic")
    header = ("--header", f"Authorization: Bearer {token}")
    chosen = ("--include-path-regex", "/odd|/healthz|/readyz|/metrics|/v1/models$|/v2$")
    assert fuzz(service, tmp_path, *flags, *header, *chosen) >= 200


@pytest.mark.slow
def test_nothing_among_ten_thousand_requests_breaks_it(
    guarded: tuple[RunningService, str], tmp_path: Path
) -> None:
    service, token = guarded
    header = ("--header", f"Authorization: Bearer {token}")
    assert fuzz(service, tmp_path, "--max-examples", "300", *header) >= 10_000
