"""Does the dashboard show what a running service and a running status site expose?"""

import dataclasses
import itertools
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from millrace.domain.kinds import Task
from millrace.domain.pointer import Arm, ArmRole
from millrace.settings import PROJECT_ROOT
from tests.serving.bundles import example_rows, packed_model
from tests.serving.service import ServiceHome, running_service
from tests.site.told import running_site, tell_all
from tests.site.watching import watch_all

DASHBOARD = PROJECT_ROOT / "deployments" / "grafana" / "millrace.json"
WIDTH = 24

SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
METRIC = re.compile(r"\b(?:millrace|process)_[a-z_]+")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of every metric of a service and of a site that had something of everything to tell."""
    told = tell_all(tmp_path_factory.mktemp("grafana-site"))
    watch_all(told, 4)
    with running_site(told.home) as site:
        return _labels_of(_expose_service(tmp_path_factory), site.get("/metrics"))


def _labels_of(*expositions: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for exposition in expositions:
        for family in text_string_to_metric_families(exposition):
            found[family.name + ("_total" if family.type == "counter" else "")] |= set()
            for sample in family.samples:
                found[sample.name] |= sample.labels.keys()
    return found


def _expose_service(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = ServiceHome(tmp_path_factory.mktemp("grafana"))
    packed = packed_model(Task.REGRESSION)
    champion, shadow = (
        home.add("fares", (dataclasses.replace(packed[0], seed=seed), packed[1])) for seed in (1, 2)
    )
    home.publish("fares", champion, Arm(shadow, ArmRole.SHADOW, 100))
    with running_service(home, "--interval", "0.02") as service:
        rows = example_rows(packed)
        assert service.post("/v1/models/fares/predict", rows).status == 200
        assert service.post("/v1/models/fares/predict", [{}]).status == 422
        assert service.post("/v1/models/fares/labels", {"request_id": "a", "label": 1}).status == 200
        return service.get("/metrics").body.decode()


def expressions(dashboard: dict[str, Any]) -> list[str]:
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return targets + [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]


def test_panels_have_names_of_their_own_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = set(
            itertools.product(
                range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
            )
        )
        assert not cells & places, panel["title"]
        places |= cells
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["description"]
            assert panel["targets"]


def test_every_metric_is_one_that_a_service_exposes(
    dashboard: dict[str, Any], exposed: dict[str, set[str]]
) -> None:
    named = {name for expression in expressions(dashboard) for name in METRIC.findall(expression)}
    assert named <= exposed.keys()
    # and nothing that a service counts is left out
    shown = {re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name in named}
    told = {re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name in exposed}
    assert {name for name in told if name.startswith("millrace_")} <= shown


def test_every_label_is_one_that_the_metric_has(
    dashboard: dict[str, Any], exposed: dict[str, set[str]], declared: dict[str, set[str]]
) -> None:
    for expression in expressions(dashboard):
        (metric, *_) = METRIC.findall(expression)
        known = exposed[metric] | declared.get(metric, set())
        for name, matchers in SELECTOR.findall(expression):
            used = {matcher.partition("=")[0] for matcher in matchers.split(",") if matcher}
            assert used <= exposed[name] | declared.get(name, set()), expression
        for labels in GROUPED.findall(expression):
            assert {label.strip() for label in labels.split(",")} <= known, expression


@pytest.fixture(scope="module")
def declared() -> dict[str, set[str]]:
    """The labels of metrics that have no sample before something goes wrong."""
    from millrace.serving.metrics import Metrics

    found = {}
    for metric in vars(Metrics()).values():
        if labels := set(getattr(metric, "_labelnames", ())):
            name = metric._name + ("_total" if metric._type == "counter" else "")
            found[name] = labels
    return found


def test_the_ways_to_load_it_name_the_file(dashboard: dict[str, Any]) -> None:
    told = Path(DASHBOARD.with_name("README.md")).read_text("utf-8")
    assert DASHBOARD.name in told
    assert dashboard["uid"] == "millrace-serving"
    assert dashboard["id"] is None
