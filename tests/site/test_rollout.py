"""Does the rollout's page say where it stands and why, and does an operator's word reach the ledger?"""

import http.client
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from millrace.adapters.tokens import Role, create_token
from millrace.domain.rollout.state import Phase
from tests.conftest import NOON
from tests.serving.service import Answer
from tests.site.door import BOUNDARY, field, file, form
from tests.site.reading import Seen, see
from tests.site.rolling_out import BLUE_GREEN, BROKEN, BY_HAND, PROVEN, Rolling
from tests.site.told import HOSTILE, RunningSite, entered, running_site, tell_all

PAGE = "/models/fares/rollout"
FORM = "application/x-www-form-urlencoded"
REASON = f"looks right to me {HOSTILE}"


class Desk:
    """A site, the rollout of `fares` on it, and an operator's token."""

    def __init__(self, site: RunningSite, rolling: Rolling, operator: str, service: str) -> None:
        self.site, self.rolling, self.operator, self.service = site, rolling, operator, service

    @property
    def seen(self) -> Seen:
        return see(self.site.get(PAGE))

    @property
    def buttons(self) -> list[str]:
        return [
            str(attributes["value"]) for _, attributes in self.seen.tags if attributes.get("name") == "act"
        ]

    def say(self, act: str, *, path: str = PAGE, token: str | None = None, **fields: str) -> Answer:
        given = {"act": act, "reason": REASON, "token": self.operator if token is None else token} | fields
        return self.site.ask("POST", path, urlencode(given), **{"content-type": FORM})

    def pointer(self) -> str:
        return (self.rolling.told.home.path / "var/channel/fares/pointer.json").read_text("utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    told = tell_all(tmp_path_factory.mktemp("desk"))
    tokens = told.home.path / "var/keys/tokens.json"
    operator = create_token(tokens, "grace", NOON, Role.OPERATOR)
    service = create_token(tokens, "booking", NOON)
    with running_site(told.home) as site:
        yield Desk(site, Rolling.on(told), operator, service)


def test_a_model_that_never_had_a_rollout_says_how_one_comes(desk: Desk) -> None:
    text = see(desk.site.get("/models/progression/rollout")).text
    assert "Nothing is on its way. Nothing answers yet." in text
    assert "There was no rollout yet" in text
    assert desk.site.json("/models/progression/rollout.json")["status"]["rollout"]["phase"] == "idle"


def test_a_challenger_that_shadows_is_told_with_step_deadline_bound_and_evidence(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    assert "Nobody has looked at it yet: the controller" in desk.seen.text
    desk.rolling.look(BROKEN)
    text = desk.seen.text
    digest = str(desk.rolling.state.challenger)[:12]
    assert f"shadow {digest} shadows: it scores every request and answers none; " in text
    assert "Step 1 of 3: shadow , 5 %, 50 %, then all (canary, by approval)" in text
    assert "Failed looks 1 of 3, the last at " in text
    assert "Bound 3 min: one that fails every look is gone after 3 of them, one each 1 min, counted" in text
    assert "Services 2 of 2 have loaded and proven it" in text
    assert "errors fail errors 200 of 2000 against 0 of 2000: 0.1, allowed 0.01" in text
    assert "Errors 0 200" in text
    assert f"tariff day {HOSTILE} 2,000 / 2,000 0 / 200 1 / 1" in text
    assert "answers none" in text


def test_a_canary_is_told_with_its_weight_and_on_the_first_page(desk: Desk) -> None:
    desk.rolling.begin()
    desk.rolling.look_until(Phase.CANARY)
    assert "answers 5 % of the requests, " in desk.seen.text
    first = see(desk.site.get("/")).text
    digest = str(desk.rolling.state.challenger)[:12]
    assert f"Rolling out: {digest} , answers 5 %, step 2 of 3" in first
    assert desk.site.json(f"{PAGE}.json")["status"]["rollout"]["phase"] == "canary"


def test_who_approves_a_step_is_in_the_ledger_by_name_with_the_reason(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    assert desk.buttons == ["pause", "abort"]
    desk.rolling.look()
    assert "Waits for approval: step 1 passed" in desk.seen.text
    assert "Waits for approval: " in see(desk.site.get("/")).text
    assert desk.buttons == ["approve", "reject", "pause", "abort"]
    answer = desk.say("approve", seen=str(desk.rolling.state.generation))
    assert (answer.status, answer.headers["location"]) == (303, PAGE)
    actor, kind, body = desk.rolling.last_entry()
    assert (actor, kind, body["reason"]) == ("grace", "StepApproved", REASON)
    assert "Approved: the next look lets it go on" in desk.seen.text
    again = desk.say("approve")
    assert again.status == 409
    assert "Nothing was done: nothing waits for approval" in see(again.body.decode()).text


def test_a_rejected_challenger_is_taken_back_in_ledger_and_pointer_at_once(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    desk.rolling.look()
    told = desk.say("reject", path=f"{PAGE}.json").json
    assert (told["recorded"], told["phase"], told["weight"]) == ("RolloutAborted", "idle", 0)
    assert f'"generation":{told["generation"]}' in desk.pointer()
    assert f"rejected: {REASON}" in desk.seen.text
    assert desk.seen.text.index("aborted") > 0


def test_a_paused_rollout_says_by_what_and_goes_on_when_resumed(desk: Desk) -> None:
    desk.rolling.begin()
    assert desk.say("pause").status == 303
    assert f"Paused: {REASON}" in desk.seen.text
    assert desk.buttons == ["resume", "abort"]
    assert desk.say("resume").status == 303
    assert desk.rolling.state.paused is None


def test_an_aborted_canary_answers_nothing_from_then_on(desk: Desk) -> None:
    desk.rolling.begin()
    desk.rolling.look_until(Phase.CANARY)
    assert desk.say("abort").status == 303
    assert desk.rolling.state.weight == 0
    assert f'"generation":{desk.rolling.state.generation}' in desk.pointer()
    assert "canary" not in desk.pointer()


def test_a_form_about_another_state_than_todays_is_not_taken(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    seen = str(desk.rolling.state.generation - 1)
    desk.rolling.look()
    before = desk.rolling.facts()
    answer = desk.say("approve", seen=seen)
    assert answer.status == 409
    assert f"the form was about generation {seen}" in see(answer.body.decode()).text
    assert desk.rolling.facts() == before


def test_a_page_that_was_left_open_says_that_it_has_moved_on_and_keeps_what_was_seen(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    generation = desk.rolling.state.generation

    def disabled(query: str) -> set[bool]:
        seen = see(desk.site.get(PAGE + query))
        assert ("It has moved on since you looked" in seen.text) == ("look-again" in seen.values("id"))
        return {"disabled" in attributes for _, attributes in seen.tags if attributes.get("name") == "act"}

    assert disabled("") == disabled(f"?seen={generation}") == {False}
    assert disabled(f"?seen={generation - 1}") == disabled("?seen=<script>") == {True}
    page = desk.site.get(PAGE)
    asked_again = page[page.index('<p id="acts"') :].partition("</p>")[0]
    assert (f'name="seen" value="{generation}"' in page, 'name="seen"' in asked_again) == (True, False)
    assert desk.say("pause", seen="the newest").status == 400


def test_a_reason_of_a_thousand_characters_is_taken_in_any_script(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    reason = "查" * 1_000
    assert desk.say("pause", reason=reason, seen=str(desk.rolling.state.generation)).status == 303
    assert desk.rolling.state.paused == reason
    assert desk.say("resume", reason="查" * 6_000).status == 413


def begin_to_send(site: RunningSite, path: str, kind: str, body: bytes) -> http.client.HTTPConnection:
    """Send half of a form, and wait until the site is at it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.putrequest("POST", path)
    connection.putheader("content-type", kind)
    connection.putheader("content-length", str(len(body)))
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    for _ in range(3):  # what came before has been begun
        site.get("/")
    return connection


def test_an_act_happens_when_all_of_it_has_come_not_when_somebody_begins_to_send_it(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    body = urlencode({"act": "pause", "reason": "slowly", "token": desk.operator}).encode()
    connection = begin_to_send(desk.site, PAGE, FORM, body)
    before = datetime.now(UTC)
    connection.send(body[len(body) // 2 :])
    assert connection.getresponse().status == 303
    connection.close()
    with entered(desk.rolling.told.home):
        assert desk.rolling.told.home.ledger.entries("fares")[-1].at >= before


def test_who_goes_away_while_sending_leaves_no_trace_of_a_mistake(tmp_path: Path) -> None:
    told = tell_all(tmp_path)
    unknown = form(field("token", "mr_guessed"), file("rows.parquet", b"x" * 300_000))
    with running_site(told.home) as site:
        for path, kind, body in (
            (PAGE, FORM, b"act=pause&" + b"x" * 1_000),
            ("/models/fares/batches", f"multipart/form-data; boundary={BOUNDARY}", unknown),
        ):
            begin_to_send(site, path, kind, body).close()
        assert site.stop() == 0
    assert "Traceback" not in (told.home.path / "said").read_text("utf-8")


def test_without_an_operators_token_a_reason_or_a_known_act_nothing_is_done(desk: Desk) -> None:
    desk.rolling.begin(BY_HAND)
    desk.rolling.look()
    before = desk.rolling.facts()
    refused = {
        401: desk.say("approve", token=desk.operator[:-1]),
        403: desk.say("approve", token=desk.service),
        400: desk.say("approve", reason="  "),
    }
    assert {answer.status: status for status, answer in refused.items()} == {401: 401, 403: 403, 400: 400}
    assert desk.say("look").status == 400
    assert "needed is one of approve, reject, abort" in see(desk.say("dance").body.decode()).text
    assert desk.say("approve", path="/models/fare/rollout").status == 404
    assert desk.site.ask("POST", PAGE, "{}", **{"content-type": "application/json"}).status == 415
    assert desk.say("approve", reason="x" * 9000).status == 413
    assert desk.rolling.facts() == before


def test_each_turn_stands_with_its_verdicts_under_the_entry_that_alerts_name(desk: Desk) -> None:
    desk.rolling.begin()
    for _ in range(3):
        desk.rolling.look(BROKEN)
    assert desk.rolling.state.phase is Phase.IDLE
    seen = desk.seen
    aborted = desk.site.json(f"{PAGE}.json")["stories"][0]["turns"][-1]
    assert aborted["kind"] == "RolloutAborted"
    assert f"entry-{aborted['seq']}" in seen.values("id")
    assert f"verdicts-{aborted['seq']}" in seen.values("id")
    assert "failed (3) of failure_limit (3)" in seen.text
    assert "Nothing is on its way." in seen.text


def test_a_champion_on_probation_is_told_as_one_and_then_as_proven(desk: Desk) -> None:
    desk.rolling.begin(BLUE_GREEN)
    desk.rolling.look_until(Phase.PROBATION)
    assert "is champion on probation; " in desk.seen.text
    assert "millrace rollback fares --reason TEXT" in desk.seen.text
    assert desk.buttons == ["pause"]
    desk.rolling.look(PROVEN)
    assert desk.rolling.state.phase is Phase.IDLE
    assert f"{str(desk.rolling.state.champion)[:12]} proven" in desk.seen.text


def test_a_probation_that_ended_without_anything_seen_is_not_told_as_proven(desk: Desk) -> None:
    desk.rolling.begin(BLUE_GREEN)
    desk.rolling.look_until(Phase.PROBATION)
    desk.rolling.end_unproven()
    assert desk.rolling.state.phase is Phase.IDLE
    assert f"{str(desk.rolling.state.champion)[:12]} unproven" in desk.seen.text


def test_the_chart_is_a_picture_with_a_name_that_follows_the_theme_and_needs_no_style(desk: Desk) -> None:
    desk.rolling.begin()
    page = desk.site.get(PAGE)
    seen = see(page)
    drawn = [attributes for tag, attributes in seen.tags if tag == "svg"]
    assert len(drawn) % 2 == 0
    assert all(one["role"] == "img" and one["aria-label"] for one in drawn)
    assert not seen.values("style")
    assert seen.count("style") == 0
    assert 'stroke="var(--kept)"' in page
    assert "#0a0b" not in page
    ids = seen.values("id")
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_what_the_chart_shows_is_the_share_that_the_challenger_of_that_rollout_answered(desk: Desk) -> None:
    from millrace.site.rollout import gather_rollout

    rolling = desk.rolling
    rolling.begin()
    rolling.look_until(Phase.PROBATION)
    with pytest.MonkeyPatch.context() as patch:
        rolling.told.home.enter(patch)
        newest = gather_rollout(rolling.now, "fares").stories[0]
    shown = [(one.weight, one.phase) for one in newest.stretches()]
    assert shown == [(0, "shadow"), (5, "canary"), (50, "canary"), (100, "probation")]
