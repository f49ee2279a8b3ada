"""What do the pages say of what a version answers by, and of one answer; and whom do they tell?"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import pytest

from millrace.adapters.explanation_store import keep_explanation, read_explanation
from millrace.adapters.models import change_section
from millrace.adapters.tokens import Role, create_token
from millrace.domain.config import Metric
from millrace.domain.explanation import (
    Curve,
    Dependence,
    Importance,
    ModelExplanation,
    WeakSlice,
    WeakSpots,
)
from millrace.domain.kinds import Task
from millrace.settings import load_settings
from tests.conftest import NOON, Home
from tests.explained import MODEL, RIDE, log_rides, make_crowned, tell_fare
from tests.serving.service import Answer
from tests.site.reading import see
from tests.site.told import HOSTILE, RunningSite, entered, running_site

FORM = {"content-type": "application/x-www-form-urlencoded"}
PAGE = f"/models/{MODEL}"
ODD = "$x^2$ Übergröße \\1 & co"


@dataclass(frozen=True)
class Explaining:
    """A site on an installation with a champion that was asked things, and an operator's token."""

    home: Home
    site: RunningSite
    champion: str
    operator: str
    service: str

    def ask(self, path: str = f"{PAGE}/answer", **fields: str) -> Answer:
        given = {"token": self.operator} | fields
        return self.site.ask("POST", path, urlencode(given), **FORM)

    def measure(self, kind: str = "", **fields: str) -> Answer:
        return self.ask(f"{PAGE}/explanation{kind}", **fields)


@pytest.fixture(scope="module")
def explaining(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Explaining]:
    home = make_crowned(tmp_path_factory.mktemp("explaining"), catalogue_template)
    with entered(home):
        champion = str(home.serving(MODEL).champion)
        log_rides(champion, [RIDE, RIDE | {"luggage": None}])
        tell_fare("r1", 1, 90.0)
        log_rides(champion, [RIDE], request_id="skew", answers=[12.0])
        log_rides(champion, [RIDE | {"tariff": HOSTILE}], request_id="odd")
        tokens = load_settings().tokens
        operator = create_token(tokens, "ada", NOON, Role.OPERATOR)
        service = create_token(tokens, "app", NOON)
    with running_site(home) as site:
        yield Explaining(home, site, champion, operator, service)


@contextmanager
def kept(home: Home, found: ModelExplanation) -> Iterator[None]:
    """Let this be what is kept of its version until the block ends."""
    folder = home.path / "var" / "explanations"
    file = folder / f"{found.digest}.json"
    before = file.read_bytes() if file.exists() else None
    keep_explanation(folder, found)
    yield
    file.unlink()
    if before is not None:
        file.write_bytes(before)


# a version as a whole


def test_a_version_is_measured_when_somebody_asks_and_then_never_again(explaining: Explaining) -> None:
    site = explaining.site
    before = see(site.get(PAGE))
    assert "Nobody has asked yet what the champion answers by" in before.text
    assert before.count("svg") == 1  # the timeline
    # a form of another site has no token, and an address does nothing
    assert "Nobody has asked yet" in see(site.get(f"{PAGE}/explanation?make=now")).text
    assert explaining.measure(token="").status == HTTPStatus.UNAUTHORIZED
    assert explaining.measure(token=explaining.service).status == HTTPStatus.FORBIDDEN
    assert see(site.get(PAGE)).count("svg") == 1
    led = explaining.measure()
    assert (led.status, led.headers["location"]) == (
        HTTPStatus.SEE_OTHER,
        f"{PAGE}/explanation?version={explaining.champion}",
    )
    assert "It answers by distance_km, then " in see(site.get(led.headers["location"])).text
    file = explaining.home.path / "var" / "explanations" / f"{explaining.champion}.json"
    written = file.stat().st_mtime_ns
    told = json.loads(explaining.measure(".json", version=explaining.champion[:9]).body)
    assert file.stat().st_mtime_ns == written
    assert told["is_champion"] is True
    assert told["explained"]["found"]["importance"][0]["name"] == "distance_km"
    page = see(site.get(PAGE))
    assert "whether noise matters is not sure" in page.text
    assert "Mean fare, by each of the most important columns" in page.text
    assert "o weak spot: none of " in page.text
    # both widths of the bars, and a curve for each column
    assert page.count("svg") == 1 + 2 + 4


def test_what_does_not_exist_is_not_found(explaining: Explaining) -> None:
    site = explaining.site
    for path in ("/models/nobody/explanation", f"{PAGE}/explanation?version=ffff", "/models/nobody/answer"):
        assert site.ask("GET", path).status == HTTPStatus.NOT_FOUND
    assert "Nothing answers yet" in see(site.get("/models/progression/explanation")).text
    assert site.json("/models/progression/explanation.json")["explained"]["found"] is None


def test_values_of_columns_that_serving_hides_stand_on_no_page(explaining: Explaining) -> None:
    home, site = explaining.home, explaining.site
    # what was kept before they were hidden is no longer shown
    shown = site.get(f"{PAGE}/explanation") if explaining.measure().status == HTTPStatus.SEE_OTHER else ""
    assert "tariff</strong>" in shown
    toml = home.models / MODEL / "model.toml"
    before = toml.read_text("utf-8")
    hidden = {"durability": "fast", "hash": ["tariff"], "leave_out": ["distance_km"]}
    change_section(home.models, MODEL, "serving", hidden)
    assert "Nobody has asked yet" in see(site.get(PAGE)).text
    explaining.measure()
    page, told = site.get(PAGE), site.json(f"{PAGE}/explanation.json")["explained"]["found"]
    toml.write_text(before, "utf-8")
    for name in ("tariff", "distance_km"):
        assert f"{name} has no curve and no slices" in see(page).text
    assert "night" not in page
    assert {one["name"] for one in told["dependence"]} == {"luggage", "noise"}
    assert "distance_km" in {one["name"] for one in told["importance"]}
    assert "night" not in json.dumps(told)


def test_what_was_found_on_fewer_rows_than_usual_can_be_measured_again(explaining: Explaining) -> None:
    explaining.measure()
    found = find_explanation_of(explaining)
    with kept(explaining.home, replace(found, rows=30)):
        assert "Fewer rows than usual were asked about" in see(explaining.site.get(PAGE)).text
        explaining.measure()
        assert find_explanation_of(explaining).rows == found.rows
    assert "Fewer rows" not in explaining.site.get(PAGE)


# one answer


def find_explanation_of(explaining: Explaining) -> ModelExplanation:
    found = read_explanation(explaining.home.path / "var" / "explanations", explaining.champion)
    assert found is not None
    return found


def test_an_operator_sees_an_answer_with_its_inputs_and_what_each_is_worth(explaining: Explaining) -> None:
    answer = explaining.ask(request="r1", row="0")
    assert answer.status == HTTPStatus.OK
    assert answer.headers["cache-control"] == "no-store"
    page = see(answer.body.decode())
    assert "distance_km moves it most: with the usual " in page.text
    assert "Asked again it answers the same" in page.text
    assert "not there yet; by data.label_delay it is expected by 2013-04-01 13:01 UTC." in page.text
    told = json.loads(explaining.ask(f"{PAGE}/answer.json", request="r1", row="1").body)
    luggage = next(one for one in told["found"]["inputs"] if one["name"] == "luggage")
    assert (luggage["value"], luggage["standing"]["place"]) == (None, "null")
    assert told["found"]["truth"] == {"at": "2013-04-01T13:00:00+00:00", "label": 90.0}
    assert (
        "The truth was 90, told 2013-04-01 13:00 UTC"
        in see(explaining.ask(request="r1", row="1").body.decode()).text
    )


def test_an_answer_that_is_another_one_today_is_marked(explaining: Explaining) -> None:
    page = see(explaining.ask(request="skew").body.decode())
    assert "NOT THE SAME" in page.text
    assert "note wrong" in page.values("class")


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"request": "nope"}, HTTPStatus.NOT_FOUND, "no request 'nope'"),
        ({"request": "r1", "row": "9"}, HTTPStatus.NOT_FOUND, "no row 9 of request 'r1'"),
        ({"request": HOSTILE}, HTTPStatus.NOT_FOUND, HOSTILE[:8]),
        ({"request": "--version"}, HTTPStatus.NOT_FOUND, "no request '--version'"),
        ({"request": "x\0y"}, HTTPStatus.BAD_REQUEST, "null character"),
        ({"request": " "}, HTTPStatus.BAD_REQUEST, "no request came"),
        ({"request": "r1", "row": "-1"}, HTTPStatus.BAD_REQUEST, "row '-1' came"),
        ({"request": "r1", "row": "1" * 99}, HTTPStatus.BAD_REQUEST, "came, needed is its place"),
        ({"request": "r1", "token": ""}, HTTPStatus.UNAUTHORIZED, "oken"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_reason(
    explaining: Explaining, fields: dict[str, str], status: HTTPStatus, told: str
) -> None:
    answer = explaining.ask(**fields)
    assert answer.status == status
    assert told in see(answer.body.decode()).text
    assert "<script>alert" not in answer.body.decode()


def test_inputs_are_an_operators_alone_to_see(explaining: Explaining) -> None:
    form = see(explaining.site.get(f"{PAGE}/answer?request=r1&row=1"))
    assert "distance_km" not in form.text
    assert {"r1", "1"} <= set(form.values("value"))
    assert explaining.site.json(f"{PAGE}/answer.json?request=r1")["found"] is None
    refused = explaining.ask(request="r1", token=explaining.service)
    assert refused.status == HTTPStatus.FORBIDDEN
    assert "distance_km" not in refused.body.decode()


# text that wants to be markup


def test_names_and_values_that_want_to_be_markup_are_text(explaining: Explaining) -> None:
    answered = explaining.ask(request="odd").body.decode()
    assert HOSTILE in see(answered).text
    assert "<script>alert" not in answered
    curves = (Curve("a", (0.1, 0.9)), Curve(HOSTILE, (0.9, 0.1)))
    odd = ModelExplanation(
        model=MODEL,
        digest=explaining.champion,
        at=NOON,
        dataset="0" * 64,
        task=Task.MULTICLASS,
        classes=("a", HOSTILE),
        target=HOSTILE,
        metric=Metric.LOG_LOSS,
        loss=0.5,
        rows=9,
        rows_there=9,
        blocks=3,
        repeats=5,
        confidence=0.95,
        seed=1,
        importance=(Importance(HOSTILE, 0.25, 0.125, 0.375), Importance(ODD, 0.0, None, None)),
        dependence=(
            Dependence(HOSTILE, True, (1.0, 2.0), (), curves, (1.0, 2.0), (1.0,)),
            Dependence("c", False, (), (HOSTILE, "日本"), curves, (), (0.5, 0.5)),
        ),
        weak=WeakSpots(
            Metric.LOG_LOSS, 0.5, 9, (WeakSlice((f"c is {HOSTILE}", "d"), 60, 1.5, 1.0, None, None),)
        ),
        left_out=(f"{HOSTILE} is text",),
    )
    with kept(explaining.home, odd):
        page = explaining.site.get(PAGE)
    assert "<script>alert" not in page
    seen = see(page)
    assert f"It answers by {HOSTILE}; whether {ODD} matters is not sure" in seen.text
    assert f"Mean share of each {HOSTILE}" in seen.text
    assert f"c is {HOSTILE} and d" in seen.text
    # its dataset is not today's
    assert "the dataset has grown since" in seen.text
