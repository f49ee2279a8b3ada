"""Does an uploaded batch reach the inbox whole, once, by an operator's hand alone?"""

import hashlib
import http.client
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from millrace.adapters.tokens import Role, create_token, revoke_token
from tests.conftest import NOON, Home
from tests.loop import take_in
from tests.serving.service import wait_for
from tests.site.door import BOUNDARY, INBOX, MAX_BYTES, Door, field, file, form, parquet
from tests.site.reading import see
from tests.site.told import HOSTILE, entered, running_site


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, catalogue_template: Path) -> Iterator[Door]:
    home = Home.make(tmp_path_factory.mktemp("door"), catalogue_template)
    home.add_model("fares")
    home.rewrite("fares", 'source = "python"', INBOX)
    tokens = home.path / "var" / "keys" / "tokens.json"
    operator = create_token(tokens, "ada", NOON, Role.OPERATOR)
    service = create_token(tokens, "booking", NOON)
    with entered(home), running_site(home, MILLRACE_UPLOAD_BYTES=str(MAX_BYTES)) as site:
        yield Door(home, site, operator, service)


def test_an_uploaded_batch_waits_then_is_accepted_and_its_page_says_so(door: Door) -> None:
    content = parquet(door.home, "2013-04")
    answer = door.send(content, "../../April 2013.parquet", token=door.operator)
    digest = hashlib.sha256(content).hexdigest()
    page = f"/models/fares/batches/{digest}"
    assert (answer.status, answer.headers["location"]) == (303, page)
    name = f"April-2013-{digest[:12]}.parquet"
    assert (door.inbox / name).read_bytes() == content
    assert f"waiting It lies in the inbox as {name} since " in see(door.site.get(page)).text
    assert see(door.site.get(page)).values("hx-get") == [page]
    [result] = take_in("fares", NOON, [door.inbox / name])
    assert result.outcome == "accepted"
    seen = see(door.site.get(page))
    assert f"accepted 1,020 rows of {name} became part " in seen.text
    assert seen.values("hx-get") == []
    assert (
        f"{digest[:12]} {name} 2013-04-01 12:00 accepted 1,020"
        in see(door.site.get("/models/fares/batches")).text
    )


def test_a_batch_that_broke_the_contract_shows_each_clause_with_the_first_offenders(door: Door) -> None:
    content = parquet(door.home, "2013-03", luggage=[9, *[1] * 1_053], tariff=HOSTILE)
    answer = door.send(content, token=door.operator, path="/models/fares/batches.json")
    told = answer.json
    assert (answer.status, told["before"], told["file"][:8]) == (201, None, "2013-04-")
    take_in("fares", NOON, [door.inbox / told["file"]])
    seen = see(door.site.get(told["page"]))
    assert "quarantined" in seen.text
    for clause in ("luggage 1 ", "0: 9", "tariff 1,054 ", HOSTILE, "millrace quarantine release fares"):
        assert clause in seen.text
    found = door.site.json(answer.headers["location"])["batch"]
    assert (found["state"], len(found["entries"][0]["fact"]["violations"])) == ("quarantined", 2)
    before = door.lying
    again = door.send(content, "other.parquet", token=door.operator, path="/models/fares/batches.json")
    assert door.lying == before
    assert (again.status, again.json["before"], again.json["file"]) == (200, "quarantined", None)


def test_the_same_file_twice_lies_in_the_inbox_once_and_other_bytes_of_that_name_beside_it(
    door: Door,
) -> None:
    before = set(door.lying)
    for content in (b"first", b"first", b"second"):
        assert door.send(content, "twice.parquet", token=door.operator).status == 303
    names = sorted(set(door.lying) - before)
    assert len(names) == 2
    assert {(door.inbox / name).read_bytes() for name in names} == {b"first", b"second"}


def test_the_form_opens_for_an_operators_token_alone_and_says_why_not(door: Door) -> None:
    before = door.lying
    revoked = create_token(door.home.path / "var/keys/tokens.json", "gone", NOON, Role.OPERATOR)
    revoke_token(door.home.path / "var/keys/tokens.json", "gone")
    wrong = {
        "": (401, "no token came"),
        "mr_guessed": (401, "a token came that is not known"),
        door.operator[:-1]: (401, "a token came that is not known"),
        revoked: (401, "a token came that is not known"),
        door.service: (403, "booking is the token of a service"),
    }
    for token, (status, why) in wrong.items():
        answer = door.send(b"x" * 300_000, token=token)
        assert answer.status == status
        text = see(answer.body.decode()).text
        assert f"{why}, an operator's" in text
        assert "millrace token create NAME --operator" in text
        assert "/models/fares/batches" in see(answer.body.decode()).values("href")
    assert door.lying == before


def test_a_token_in_the_header_opens_it_too_and_goes_before_one_in_the_form(door: Door) -> None:
    path = "/models/fares/batches.json"
    by_header = door.send(b"by header", path=path, authorization=f"Bearer {door.operator}")
    assert by_header.status == 201
    refused = door.send(b"no", token=door.operator, path=path, authorization=f"Bearer {door.service}")
    assert (refused.status, refused.json["error"][:7]) == (403, "booking")
    assert door.send(b"no", path=path).headers["www-authenticate"] == "Bearer"


def test_what_follows_a_file_in_its_form_is_no_part_of_it(door: Door) -> None:
    body = form(file("alone.parquet", b"alone"), field("token", "x"), file("second.parquet", b"second"))
    answer = door.post("/models/fares/batches.json", body, authorization=f"Bearer {door.operator}")
    assert (door.inbox / answer.json["file"]).read_bytes() == b"alone"


def test_a_token_that_follows_its_file_comes_too_late(door: Door) -> None:
    before = door.lying
    late = form(file("late.parquet", b"rows"), field("token", door.operator))
    assert door.post("/models/fares/batches", late).status == 401
    assert door.lying == before


BAD_NAMES = ["notes.txt", "rows.csv", "parquet", ".parquet.exe", "rows.PARQUET", "a/b/..", "rows.parquet/"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_the_inbox_does_not_take_is_refused(door: Door, name: str) -> None:
    before = door.lying
    answer = door.send(b"rows", name, token=door.operator)
    assert answer.status == 400
    assert "a name such as *.parquet is needed" in see(answer.body.decode()).text
    assert door.lying == before


@pytest.mark.parametrize("name", ["../../../etc/x.parquet", "..\\..\\x.parquet", "/x.parquet", "-rf.parquet"])
def test_no_name_leads_out_of_the_inbox(door: Door, name: str) -> None:
    content = name.encode()
    assert door.send(content, name, token=door.operator).status == 303
    [found] = [path for path in door.home.path.rglob("*.parquet") if path.read_bytes() == content]
    assert found.parent == door.inbox
    assert found.name[0] not in ".-"


def test_too_large_a_file_is_refused_and_leaves_nothing(door: Door) -> None:
    before = door.lying
    answer = door.send(b"x" * (MAX_BYTES + 1), token=door.operator)
    assert answer.status == 413
    assert "more than 2,000,000 bytes came, which is the limit" in see(answer.body.decode()).text
    assert door.lying == before
    assert door.send(b"x" * MAX_BYTES, token=door.operator).status == 303


@pytest.mark.parametrize("size", [5_000, 300_000])
def test_what_the_disk_has_no_room_for_is_refused_in_words_and_leaves_nothing(door: Door, size: int) -> None:
    before = door.lying
    limits = resource.prlimit(door.site.process.pid, resource.RLIMIT_FSIZE)
    # a file that may not grow fails in the same place as a full disk does: in the middle of a write
    resource.prlimit(door.site.process.pid, resource.RLIMIT_FSIZE, (4_000, limits[1]))
    try:
        answer = door.send(b"x" * size, token=door.operator)
    finally:
        resource.prlimit(door.site.process.pid, resource.RLIMIT_FSIZE, limits)
    assert answer.status == 507
    assert "no room for " in see(answer.body.decode()).text
    assert door.lying == before


def test_a_file_that_breaks_off_leaves_nothing(door: Door) -> None:
    before = door.lying
    body = form(field("token", door.operator), file("half.parquet", b"x" * 1_000_000))
    connection = http.client.HTTPConnection("127.0.0.1", door.site.port, timeout=60)
    connection.putrequest("POST", "/models/fares/batches")
    connection.putheader("content-type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("content-length", str(len(body)))
    connection.endheaders()
    connection.send(body[:500_000])
    wait_for(lambda: len(door.lying) == len(before) + 1, "the first half")
    connection.close()
    wait_for(lambda: door.lying == before, "that nothing of it is left")
    assert "Traceback" not in (door.home.path / "said").read_text("utf-8")


NOT_FORMS = [
    (b"", {}, 400, "cannot be read"),
    (form(), {}, 401, "no token"),
    (form(field("token", "x" * 9_000)), {}, 413, "'token' is too long"),
    (form(*[field(f"f{number}", "") for number in range(20)]), {}, 400, "cannot be read"),
    (b"--" + BOUNDARY.encode() + b"\r\n" + b"x: y\r\n" * 300_000, {}, 400, "cannot be read"),
    (form(b"no-disposition: 1\r\n\r\n\r\n"), {}, 400, "cannot be read"),
    (b"{}", {"content-type": "application/json"}, 415, "application/json came"),
    (b"{}", {"content-type": "multipart/form-data"}, 415, "multipart/form-data is needed"),
]


@pytest.mark.parametrize(("body", "headers", "status", "why"), NOT_FORMS)
def test_what_is_no_form_is_refused_in_words(
    door: Door, body: bytes, headers: dict[str, str], status: int, why: str
) -> None:
    answer = door.post("/models/fares/batches.json", body, **headers)
    assert (answer.status, why in answer.json["error"]) == (status, True), answer.body


def test_nothing_can_be_sent_to_a_model_without_an_inbox_or_that_is_not_there(door: Door) -> None:
    answer = door.send(b"x", token=door.operator, path="/models/progression/batches")
    assert answer.status == 409
    assert "it has no inbox" in see(answer.body.decode()).text
    assert see(door.site.get("/models/progression/batches")).count("form") == 0
    assert door.send(b"x", token=door.operator, path="/models/fare/batches").status == 404
    assert door.send(b"", token=door.operator).status == 400


@pytest.mark.parametrize("digest", ["0" * 64, "zz", "..", "*" * 12, "0" * 65])
def test_a_batch_that_never_came_has_no_page(door: Door, digest: str) -> None:
    answer = door.site.ask("GET", f"/models/fares/batches/{digest}")
    assert answer.status == 404
    assert b"waiting" not in answer.body


def test_no_token_stands_in_what_the_site_says(door: Door) -> None:
    door.send(b"x" * (MAX_BYTES + 1), token=door.operator)
    said = (door.home.path / "said").read_text("utf-8")
    assert "http://127.0.0.1" in said
    assert not any(token in said for token in (door.operator, door.service))
    pages = (door.site.get(path) for path in ("/models/fares", "/models/fares/batches"))
    assert not any("mr_" in page for page in pages)
