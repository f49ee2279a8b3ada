"""Is every bad request answered with a reason, and does it leave all others alone?"""

import json
import re
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.tokens import create_token
from tests.serving.bundles import NAMES, example_rows
from tests.serving.service import Answer, Packed, RunningService, ServiceHome, running_service, wait_for
from tests.serving.under_load import limited

FLIGHTS = "/v1/models/flights/predict"
ODD = "/v1/models/odd/predict"


@pytest.fixture(scope="module")
def row(packed: dict[str, Packed]) -> dict[str, Any]:
    return example_rows(packed["flights"])[0]


@pytest.fixture(scope="module")
def odd_row(packed: dict[str, Packed]) -> dict[str, Any]:
    return example_rows(packed["odd"])[0]


@pytest.fixture(scope="module")
def bounded(packed: dict[str, Packed], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with limits that a test can reach."""
    home = ServiceHome(tmp_path_factory.mktemp("bounded"))
    home.publish("flights", home.add("flights", packed["flights"]))
    few = limited(home, max_active=1, max_rows=10, max_body_bytes=4_000, max_head_bytes=4_000)
    with running_service(home, command=few) as running:
        yield running


def assert_refused(answer: Answer, status: int, kind: str) -> str:
    """The one form of all refusals; return its message."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    error = answer.json["error"]
    assert error["kind"] == kind
    assert answer.json["request_id"]
    return str(error["message"])


def raw(service: RunningService, *parts: bytes, hang_up: bool = False) -> bytes:
    """Send bytes on a connection of their own, and return all that comes until its end."""
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=60)) as connection:
        for part in parts:
            connection.sendall(part)
        if hang_up:
            return b""
        found = b""
        while chunk := connection.recv(65_536):
            found += chunk
        return found


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    fixed = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", *lines]
    return ("\r\n".join(fixed) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"label": 1.0,}',
        b"nonsense",
        b"\xff\xfe",
        b'{"label": NaN}',
        b'{"label": Infinity}',
        b'{"label": 1e400}',
        b'{"label": -1e400}',
        b'{"label": ' + b"9" * 5_000 + b"}",
        b'{"weekday": ' + b"9" * 5_000 + b"}",
        b'{"carrier": "\\ud800"}',
        b'{"carrier": "\x00"}',
        b'{"carrier": "\xff"}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[]",
        b"[{}] trailing",
        "\ufeff{}".encode(),
        '{"label": 1}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:16]),
)
def test_bodies_that_cannot_be_read(service: RunningService, body: bytes) -> None:
    assert_refused(service.post(FLIGHTS, body), 400, "malformed")


@pytest.mark.parametrize("body", [b"1", b"null", b'"text"', b"true", b"[1]", b"[null]", b"[[]]", b"[{}, 1]"])
def test_json_that_holds_no_rows(service: RunningService, body: bytes) -> None:
    message = assert_refused(service.post(FLIGHTS, body), 422, "invalid_rows")
    assert message.startswith("row 0")


def test_a_field_that_comes_twice_is_refused_and_a_text_with_colons_is_not(
    service: RunningService, row: dict[str, Any]
) -> None:
    text = json.dumps(row | {"carrier": ":::"})
    assert service.post(FLIGHTS, text.encode()).status == 200
    twice = text.replace('"weekday":', '"weekday": 5, "weekday":')
    for body in (twice, f"[{text}, {twice}]"):
        message = assert_refused(service.post(FLIGHTS, body.encode()), 400, "malformed")
        assert "'weekday' twice" in message


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("label", "1", "a number from -3.40282e+38 to 3.40282e+38, or null"),
        ("label", True, "a number"),
        ("label", [1.0], "a number"),
        ("label", {"a": [1.0]}, "a number"),
        ("label", 1e39, "a number from -3.40282e+38 to 3.40282e+38"),
        ("label", 1e308, "a number from -3.40282e+38 to 3.40282e+38"),
        ("label", -(10**100), "a number"),
        ("weekday", 2**63, "a whole number from -9.22337e+18 to 9.22337e+18"),
        ("weekday", -(2**64), "a whole number"),
        ("weekday", 1.5, "a whole number"),
        ("weekday", 1e300, "a whole number"),
        ("weekday", None, "a whole number from -9.22337e+18 to 9.22337e+18"),
        ("weekday", "5", "a whole number"),
        ("holiday", 1, "true or false"),
        ("holiday", "true", "true or false"),
        ("carrier", 5, "a text, or null"),
        ("at", "2013-01-01", "a time such as"),
        ("at", "2013-02-30T00:00:00Z", "a time such as"),
        ("at", "0001-01-01T00:00:00+05:00", "a time such as"),
        ("at", "9999-12-31T23:59:59-05:00", "a time such as"),
        ("at", 1356998400, "a time such as"),
        ("flight id", None, "a text"),
        ("speed", 1, "one of label, my column, carrier, weekday, holiday, flight id, at"),
        ("", 1, "one of label"),
    ],
)
def test_a_bad_value_is_named_with_what_came_and_what_is_allowed(
    service: RunningService, row: dict[str, Any], field: str, value: Any, allowed: str
) -> None:
    counted = field if field in {*row, "at", "flight id"} else "other"
    sample = f'millrace_schema_violations_total{{field="{counted}",model="flights"}}'
    before = service.metric(sample)
    refused = service.post(FLIGHTS, [row, row | {field: value}])
    message = assert_refused(refused, 422, "invalid_rows")
    (problem,) = refused.json["error"]["problems"]
    assert (problem["row"], problem["field"]) == (1, field)
    assert allowed in problem["allowed"]
    assert message.startswith(f"row 1, field {field!r}: found {problem['found']}, allowed is")
    assert service.metric(sample) == before + 1


def test_what_the_contract_bounds_is_refused_beyond(service: RunningService, odd_row: dict[str, Any]) -> None:
    assert service.post(ODD, odd_row).status == 200
    wrong = odd_row | {"carrier": "ZZ", NAMES["label"]: 1000.5, NAMES["weekday"]: 7}
    refused = service.post(ODD, wrong)
    assert_refused(refused, 422, "invalid_rows")
    found = {one["field"]: (one["found"], one["allowed"]) for one in refused.json["error"]["problems"]}
    assert found[NAMES["label"]] == ("1000.5", "a number from -1000 to 1000, or null")
    assert found[NAMES["weekday"]] == ("7", "a whole number from 0 to 6")
    assert found["carrier"][0] == '"ZZ"'
    assert found["carrier"][1].startswith("one of AA, Bé, DL x")


def test_extreme_values_that_are_allowed_are_answered(service: RunningService, row: dict[str, Any]) -> None:
    rows = [
        row | {"label": 3.4e38},
        row | {"label": -3.4e38},
        row | {"label": 5e-324},
        row | {"weekday": 2**63 - 1, "my column": -(2**63) + 1},
        row | {"weekday": 3.0},
        row | {"carrier": "\x00" * 1_000 + "\U0001f600"},
        row | {"carrier": "é" * 100_000},
        row | {"carrier": None, "label": None, "my column": None},
    ]
    answered = service.post(FLIGHTS, rows)
    assert answered.status == 200, answered
    assert all(0 <= one["answer"] <= 1 for one in answered.json["answers"])


def test_missing_fields_are_all_named_and_a_large_bad_batch_gets_few_words(service: RunningService) -> None:
    refused = service.post(FLIGHTS, {})
    assert_refused(refused, 422, "invalid_rows")
    fields = [one["field"] for one in refused.json["error"]["problems"]]
    assert fields == ["label", "my column", "carrier", "weekday", "holiday"]
    refused = service.post(FLIGHTS, [{"x": "y" * 1_000} for _ in range(5_000)])
    assert len(refused.json["error"]["problems"]) == 20
    assert len(refused.body) < 10_000


def test_a_batch_with_one_bad_row_answers_none_and_logs_none(
    service: RunningService, row: dict[str, Any]
) -> None:
    batch = [*[row] * 10, row | {"holiday": "no"}, *[row] * 10]
    refused = service.post(FLIGHTS, batch, {"x-request-id": "one-bad-row"})
    message = assert_refused(refused, 422, "invalid_rows")
    assert message.startswith("row 10, field 'holiday': found \"no\"")
    assert message.endswith("No row was answered")
    good = service.post(FLIGHTS, [row] * 20, {"x-request-id": "all-good"})
    assert len(good.json["answers"]) == 20
    start = datetime.now(UTC) - timedelta(hours=1)
    log = read_window(service.home.predictions, "flights", start, start + timedelta(hours=2)).predictions
    assert (log["request_id"] == "all-good").sum() == 20
    assert (log["request_id"] == "one-bad-row").sum() == 0


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"content-type": "text/plain"}, 415, "content_type"),
        ({"content-type": ""}, 415, "content_type"),
        ({"content-type": "application/json; charset=latin-1"}, 415, "content_type"),
        ({"content-type": "application/jsonp"}, 415, "content_type"),
        ({"content-type": "multipart/form-data; boundary=x"}, 415, "content_type"),
        ({"content-encoding": "gzip"}, 415, "content_encoding"),
        ({"x-request-id": "a b"}, 400, "bad_request_id"),
        ({"x-request-id": "a" * 129}, 400, "bad_request_id"),
        ({"x-request-id": "../../etc"}, 400, "bad_request_id"),
        ({"x-request-id": "caf\xe9"}, 400, "bad_request_id"),
        ({"host": "evil.example"}, 400, "host"),
        ({"host": "127.0.0.1.evil.example"}, 400, "host"),
        ({"host": "127.0.0.1:80:80"}, 400, "host"),
        ({"host": ""}, 400, "host"),
    ],
)
def test_headers_that_are_refused(
    service: RunningService, row: dict[str, Any], headers: dict[str, str], status: int, kind: str
) -> None:
    assert_refused(service.post(FLIGHTS, row, headers), status, kind)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": 'Application/JSON;charset="UTF8"'},
        {"content-encoding": "identity"},
        {"x-request-id": "A-z_0.9:x"},
        {"x-request-id": ""},
        {"host": "localhost:1234"},
    ],
)
def test_headers_that_are_fine(service: RunningService, row: dict[str, Any], headers: dict[str, str]) -> None:
    answered = service.post(FLIGHTS, row, headers)
    assert answered.status == 200
    assert answered.headers["x-request-id"] == answered.json["request_id"]
    if headers.get("x-request-id"):
        assert answered.json["request_id"] == headers["x-request-id"]


def test_paths_and_methods_that_lead_nowhere(service: RunningService, row: dict[str, Any]) -> None:
    nowhere = ("/", "/v1", "/v1/models/", "/healthz/", "/v1/models/a/b", "/%00", "/%ff%fe", "//", "/docs/x")
    for path in nowhere:
        assert_refused(service.get(path), 404, "unknown_path")
    for model in ("nobody", "", "a/b", "..", "%2e%2e", "%ff", "flights%00", "FLIGHTS", "x" * 5_000):
        assert_refused(service.post(f"/v1/models/{model}/predict", row), 404, "unknown_model")
    assert_refused(service.get("/v1/models/predict"), 404, "unknown_model")
    assert_refused(service.post("/v1/models/predict", row), 405, "method")
    assert_refused(service.post("/v1/models/nobody/labels", {}), 404, "unknown_model")
    for method, path, allow in (
        ("GET", FLIGHTS, "POST"),
        ("DELETE", FLIGHTS, "POST"),
        ("TRACE", FLIGHTS, "POST"),
        ("HEAD", FLIGHTS, "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PATCH", "/v1/models/flights/labels", "POST"),
        ("OPTIONS", "/metrics", "GET, HEAD"),
    ):
        refused = service.ask(method, path)
        assert (refused.status, refused.headers["allow"]) == (405, allow), (method, path)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"BREW /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=lambda sent: repr(sent[:24]),
)
def test_what_is_no_http_is_refused_in_the_one_form(service: RunningService, sent: bytes) -> None:
    found = raw(service, sent)
    assert found.startswith(b"HTTP/1.1 400 "), found
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["kind"] in {"no_http", "host"}


def test_a_host_that_is_missing_or_named_twice(service: RunningService) -> None:
    ours, evil = b"host: 127.0.0.1\r\n", b"host: evil.example\r\n"
    for lines in (b"", ours + evil, evil + ours):
        found = raw(service, b"GET /healthz HTTP/1.1\r\nconnection: close\r\n" + lines + b"\r\n")
        assert found.startswith(b"HTTP/1.1 400 "), found


def test_an_offer_of_http_2_is_passed_over(service: RunningService, row: dict[str, Any]) -> None:
    body = json.dumps(row | {"carrier": "h2c"}).encode()
    offer = ("HTTP2-Settings: AAEAAEAAAAIAAAAB", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
    lines = ("POST " + FLIGHTS + " HTTP/1.1", "Host: 127.0.0.1", *offer, "Content-Type: application/json")
    sent = "\r\n".join((*lines, f"Content-Length: {len(body)}")).encode() + b"\r\n\r\n" + body
    second = head("/healthz", method="GET")
    found = raw(service, sent, second)
    assert found.count(b"HTTP/1.1 200 OK") == 2, found


def test_half_sent_requests_leave_the_others_alone(service: RunningService, row: dict[str, Any]) -> None:
    body = json.dumps(row).encode()
    whole = head(FLIGHTS, "content-type: application/json", f"content-length: {len(body)}") + body
    for end in range(1, len(whole), 7):
        raw(service, whole[:end], hang_up=True)
        assert service.post(FLIGHTS, row).status == 200
    assert b" 200 OK" in raw(service, *(whole[at : at + 1] for at in range(len(whole))))
    wait_for(lambda: service.metric("millrace_active_requests") == 0, "all others to be over")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_before_it_has_come(
    bounded: RunningService, is_chunked: bool
) -> None:
    kind = "content-type: application/json"
    if is_chunked:
        sent = [head(FLIGHTS, kind, "transfer-encoding: chunked"), *[b"400\r\n" + b" " * 1_024 + b"\r\n"] * 5]
    else:
        sent = [head(FLIGHTS, kind, "content-length: 1000000000"), b" " * 100]
    found = raw(bounded, *sent)
    assert found.startswith(b"HTTP/1.1 413 "), found
    assert b"connection: close" in found
    assert "allowed are 4,000" in json.loads(found.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_too_many_rows_and_labels_and_too_long_a_head(bounded: RunningService, row: dict[str, Any]) -> None:
    small = {**row, "label": 1.0}
    assert bounded.post(FLIGHTS, [small] * 10).status == 200
    assert "found 11 rows" in assert_refused(bounded.post(FLIGHTS, [small] * 11), 413, "too_many_rows")
    label = {"request_id": "a", "label": 1}
    path = "/v1/models/flights/labels"
    assert "found 11 labels" in assert_refused(bounded.post(path, [label] * 11), 413, "too_many_rows")
    found = raw(bounded, head(FLIGHTS, f"x-long: {'y' * 10_000}"))
    assert found.startswith(b"HTTP/1.1 431 "), found


@pytest.mark.parametrize("is_label", [False, True])
def test_beyond_the_most_requests_at_once_the_next_are_told_to_come_again(
    bounded: RunningService, row: dict[str, Any], *, is_label: bool
) -> None:
    path, body = (
        ("/v1/models/flights/labels", {"request_id": "a", "label": 1}) if is_label else (FLIGHTS, row)
    )
    with ThreadPoolExecutor(8) as clients:

        def ask_at_once() -> list[Answer]:
            answers = list(clients.map(lambda _: bounded.post(path, body), range(32)))
            assert {answer.status for answer in answers} <= {200, 503}
            return [answer for answer in answers if answer.status == 503]

        # one may be answered at a time, and an answer waits for the disk
        busy = wait_for(ask_at_once, "two at once")[0]
    assert_refused(busy, 503, "busy")
    assert busy.headers["retry-after"] == "1"
    assert bounded.post(FLIGHTS, row).status == 200


def test_a_model_that_is_known_and_not_loaded_is_told_from_an_unknown_one(
    packed: dict[str, Packed], row: dict[str, Any], tmp_path: Path
) -> None:
    home = ServiceHome(tmp_path)
    home.publish("flights", home.add("flights", packed["flights"]))
    with running_service(home, "--interval", "0.02") as service:
        home.publish("fares", "0" * 64)

        def said_of_fares() -> dict[str, Any] | None:
            told: dict[str, Any] = service.get("/readyz").json["models"].get("fares", {})
            return told if told.get("trouble") else None

        told = wait_for(said_of_fares, "the pointer to be seen, and its bundle not to be found")
        assert (told["ready"], told["answering"]) == (False, [])
        assert "manifest.json" in told["trouble"]
        refused = service.post("/v1/models/fares/predict", row)
        assert_refused(refused, 503, "not_loaded")
        assert refused.headers["retry-after"] == "1"
        assert service.get("/v2/models/fares/ready").status == 503
        assert_refused(service.post("/v1/models/nobody/predict", row), 404, "unknown_model")
        assert service.post(FLIGHTS, row).status == 200


def test_where_there_are_tokens_nobody_comes_in_without_one(
    packed: dict[str, Packed], row: dict[str, Any], tmp_path: Path
) -> None:
    home = ServiceHome(tmp_path)
    token = create_token(home.tokens, "caller", datetime.now(UTC))
    home.publish("flights", home.add("flights", packed["flights"]))
    with running_service(home) as service:
        names = (
            "",
            token,
            f"Basic {token}",
            f"Bearer {token}x",
            "Bearer",
            "Bearer \xff",
            f"Bearer {'x' * 9_999}",
        )
        for wrong in (None, *names):
            headers = {} if wrong is None else {"authorization": wrong}
            refused = service.post(FLIGHTS, row, headers)
            assert_refused(refused, 401, "unauthorised")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert token not in refused.body.decode()
        for path in ("/metrics", "/docs", "/openapi.json", "/v1/models", "/v2", "/nowhere"):
            assert service.get(path).status == 401, path
        for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
            assert service.get(path).status == 200, path
        assert service.post(FLIGHTS, row, {"authorization": f"bearer {token}"}).status == 200
        assert service.get("/readyz").json == {"ready": True, "models": {"flights": {"ready": True}}}
        known = service.ask("GET", "/readyz", headers={"authorization": f"bearer {token}"}).json
        assert known["models"]["flights"]["generation"] == 1


def test_the_page_for_people_comes_to_who_names_no_host_or_none_that_is_one(
    packed: dict[str, Packed], tmp_path: Path
) -> None:
    home = ServiceHome(tmp_path)
    home.publish("flights", home.add("flights", packed["flights"]))
    with running_service(home, "--allow-host", "*") as service:
        found = raw(service, b"GET /docs HTTP/1.0\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 200 "), found
        assert f"curl http://127.0.0.1:{service.port}/v1/".encode() in found
        odd = raw(service, b"GET /docs HTTP/1.1\r\nhost: [\r\nconnection: close\r\n\r\n")
        assert odd.startswith(b"HTTP/1.1 200 "), odd


def test_who_hangs_up_before_its_answer_is_counted_and_is_no_error(
    service: RunningService, row: dict[str, Any]
) -> None:
    sample = 'millrace_requests_total{model="flights",route="predict",status="499"}'
    before, body = service.metric(sample), json.dumps([row] * 100).encode()
    length = f"content-length: {len(body)}"
    asked = head(FLIGHTS, "content-type: application/json", length).replace(b"connection: close\r\n", b"")

    def hang_up() -> bool:
        with closing(socket.create_connection(("127.0.0.1", service.port), timeout=60)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # the first is answered, to the disk, when the connection goes away under the second
            connection.sendall((asked + body) * 2)
        return service.metric(sample) > before

    wait_for(hang_up, "an answer that nobody is there for")
    assert "Traceback" not in service.said.read_text("utf-8")


def test_none_of_it_was_an_error_of_the_service(service: RunningService) -> None:
    exposed = service.get("/metrics").body.decode()
    # 503 says that it, or a model, was not there yet
    assert re.findall(r'millrace_requests_total\{.*status="500"\} .*', exposed) == []
    assert "Traceback" not in service.said.read_text("utf-8")
