"""What staging offers is taken in production once, if all of it is as it was signed; and nothing else is."""

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.controller import mirrors
from flows.controller.pace import Pace
from flows.controller.telling import Teller
from millrace.adapters.bundle import CorruptBundleError, verify_bundle
from millrace.adapters.channel import bundles_folder
from millrace.domain.facts import ChallengerJudged, ChampionPromoted, RolloutStarted, VersionOffered
from millrace.domain.offer import NotOfferableError
from millrace.domain.rollout.policy import Strategy
from millrace.domain.verdict import Outcome
from millrace.errors import AmbiguousNameError, MissingReasonError
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.site.rendering import render
from millrace.site.version import gather_version
from millrace.steps.audit import verify_everything
from millrace.steps.lineage import find_lineage
from millrace.steps.offering import NothingToOfferError, UnusableChannelError, offer_version
from millrace.steps.offers import receive_offers
from millrace.steps.offline_rollback import roll_back_offline
from millrace.steps.reconcile import find_trouble, reconcile_model
from millrace.steps.rollout import look_at_rollout
from millrace.steps.serve import publish_model_pointer, roll_back
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home
from tests.faults.pauses import paused_at, wait_for
from tests.site.reading import see
from tests.steps.two_homes import (
    MODEL,
    REASON,
    TwoHomes,
    crown_the_refused,
    flip_a_byte,
    received,
    take_in_offers,
)

DIE_AT = """
from tests.faults.points import Point, When
Point("here", {function!r}, When.{when}, {fact!r}).arm()
from tests.conftest import NOON
{act}
"""
OFFER = (
    "from millrace.steps.offering import offer_version; offer_version({!r}, {!r}, None, {!r}, 'dies', NOON)"
)
RECEIVE = "from millrace.steps.offers import receive_offers; receive_offers({!r}, NOON)"
APPEND = "millrace.adapters.ledger.ledger:Ledger.append"


CANARY = """
[rollout]
strategy = "canary"
weights = [5, 50]
approval = "auto"
step_requests = 500
interval = "1m"
failure_limit = 3
deadline = "2h"
probation_labels = 2000
probation_deadline = "7d"
confidence = 0.95
max_excess_errors = 0.01
max_latency_ratio = 1.5
max_shift = 0.5
max_disagreement = 0.2
max_excess_loss = 0.02
"""


def champion_of(home: Home) -> str:
    champion = home.serving(MODEL).champion
    assert champion is not None
    return champion


def refused_version(homes: TwoHomes) -> str:
    homes.at(homes.staging)
    [judged] = [
        fact
        for fact in homes.staging.facts(MODEL, ChallengerJudged)
        if isinstance(fact, ChallengerJudged) and fact.outcome is not Outcome.PASS
    ]
    return judged.digest


def kill(act: str, function: str, when: str, fact: str | None = None) -> None:
    """Do `act` in a process of its own that dies at `function`."""
    code = DIE_AT.format(function=function, when=when, fact=fact, act=act)
    died = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()


def ask_for_a_canary(home: Home) -> None:
    path = home.models / MODEL / "model.toml"
    path.write_text(path.read_text("utf-8") + CANARY, "utf-8")


# the way there


def test_what_staging_offers_is_taken_with_its_verdicts_and_where_it_came_from(homes: TwoHomes) -> None:
    homes.trust()
    offer = homes.offer().offer
    assert find_trouble(MODEL) == f"version {offer.digest[:12]}, offered by staging, waits to be taken in"
    assert [fact.digest for fact in reconcile_model(MODEL, "by hand", NOON).received] == [offer.digest]
    [fact] = received()
    homes.at(homes.staging)
    [offered] = ledger().entries(MODEL, (VersionOffered,))
    assert fact.judged in homes.staging.facts(MODEL, ChallengerJudged)
    assert champion_of(homes.staging) == fact.digest == offer.digest
    assert (fact.origin, fact.reason, fact.offered_by) == ("staging", REASON, "ann")
    assert (fact.offered_at, fact.ledger_head) == (offered.at, offered.hash)
    assert fact.trained.inputs.dataset == find_lineage(offer.digest).trained.inputs.dataset
    assert [one.told.partition(":")[0] for one in fact.course] == [
        f"{offer.digest[:12]} promoted to generation 1"
    ]
    homes.at(homes.production)
    assert verify_bundle(bundles_folder(homes.channel), offer.digest).model == MODEL
    assert find_trouble(MODEL) is None
    verify_everything()


def test_staging_records_where_and_why_and_doing_it_again_is_the_same_offer(homes: TwoHomes) -> None:
    homes.trust()
    first = homes.offer()
    content = homes.offer_path(first.offer.digest).read_bytes()
    again = homes.offer()
    assert (first.is_new, again.is_new) == (True, False)
    assert homes.offer_path(first.offer.digest).read_bytes() == content
    assert take_in_offers() == [first.offer.digest]
    homes.offer()
    assert take_in_offers() == []
    homes.at(homes.staging)
    assert homes.staging.facts(MODEL, VersionOffered) == [
        VersionOffered(first.offer.digest, str(homes.channel), REASON)
    ]
    verify_everything()


def test_once_taken_an_older_offer_of_it_that_is_put_back_is_not_taken_again(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    take_in_offers()
    path = homes.offer_path(digest)
    content = path.read_bytes()
    path.unlink()
    assert take_in_offers() == []
    path.write_bytes(content)
    assert (take_in_offers(), find_trouble(MODEL), len(received())) == ([], None, 1)


def test_why_shows_in_production_what_became_of_it_in_staging(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    take_in_offers()
    lineage = find_lineage(digest[:8])
    assert lineage.received is not None
    assert (lineage.model, lineage.dataset, lineage.received) == (MODEL, None, received()[0])
    assert [entry.kind for entry in lineage.entries] == ["ChallengerReceived"]
    page = gather_version(NOON, MODEL, digest)
    assert (page.is_champion, page.lineage) == (False, lineage)
    shown = see(render("version", f"/models/{MODEL}/versions/{digest}", base="", data=page)).text
    assert f"Offered by ann of staging: {REASON}" in shown
    assert f"Gate there pass: {lineage.received.judged.reason}" in shown


def test_production_offers_what_it_was_offered_on_to_a_third_with_the_whole_course(
    homes: TwoHomes, tmp_path: Path, catalogue_template: Path
) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    take_in_offers()
    third = Home.make(tmp_path / "third", catalogue_template)
    third.add_model(MODEL)
    (third.path / "var" / "channel").mkdir()
    offered = offer_version(str(third.path / "var" / "channel"), MODEL, digest, "on", "a run", NOON)
    there, here = offered.offer.course
    assert there.told.startswith(f"{digest[:12]} promoted to generation 1")
    assert (here.actor, REASON in here.told) == ("paul", True)


def test_the_controller_takes_it_in_by_itself(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    homes.patch.setattr(mirrors, "TROUBLE_SECONDS", 0.0)
    mirrors.Mirrors(Teller(), Pace()).keep_files(MODEL)
    assert [fact.digest for fact in received()] == [digest]


def test_it_begins_a_rollout_by_the_policy_of_production(homes: TwoHomes) -> None:
    homes.trust()
    first = homes.offer().offer.digest
    take_in_offers()
    assert isinstance(look_at_rollout(MODEL, NOON).fact, ChampionPromoted)
    homes.at(homes.staging)
    second = crown_the_refused()
    homes.offer()
    ask_for_a_canary(homes.production)
    assert take_in_offers() == [second]
    begun = look_at_rollout(MODEL, NOON).fact
    assert isinstance(begun, RolloutStarted)
    assert (begun.challenger, begun.champion, begun.policy.strategy) == (second, first, Strategy.CANARY)
    publish_model_pointer(MODEL, NOON)
    assert find_trouble(MODEL) is None
    verify_everything()


# what is not offered


def test_a_version_that_the_gate_refused_is_not_offered(homes: TwoHomes) -> None:
    refused = refused_version(homes)
    with pytest.raises(NotOfferableError, match=r"was judged fail \("):
        homes.offer(version=refused[:10])
    homes.at(homes.production)
    assert list(homes.channel.iterdir()) == []
    homes.at(homes.staging)
    assert homes.staging.facts(MODEL, VersionOffered) == []


def test_a_withdrawn_version_is_not_offered_and_one_that_was_judged_is(homes: TwoHomes) -> None:
    homes.at(homes.staging)
    first = champion_of(homes.staging)
    second = crown_the_refused()
    roll_back(MODEL, "it overcharges", NOON)
    with pytest.raises(NotOfferableError, match=r"was withdrawn \(it overcharges\)"):
        homes.offer(version=second)
    assert homes.offer(version=first[:8]).offer.digest == first


def test_a_version_withdrawn_offline_is_not_offered_although_the_ledger_did_not_know(homes: TwoHomes) -> None:
    homes.at(homes.staging)
    first, second = champion_of(homes.staging), crown_the_refused()
    reconcile_model(MODEL, "by hand", NOON)
    roll_back_offline(MODEL, "it overcharges", NOON)
    assert homes.offer().offer.digest == first
    with pytest.raises(NotOfferableError, match=r"was withdrawn \(offline at"):
        homes.offer(version=second)


def test_a_version_that_is_withdrawn_while_its_bytes_are_sent_is_not_offered(
    homes: TwoHomes, tmp_path: Path
) -> None:
    homes.at(homes.staging)
    second = crown_the_refused()
    arguments = (str(homes.channel), MODEL, second, REASON, "a run", NOON)
    with ThreadPoolExecutor() as pool:
        late = pool.submit(
            paused_at, "millrace.steps.offering:_send_bundle", tmp_path, offer_version, *arguments
        )
        wait_for(tmp_path / "paused")
        roll_back(MODEL, "it overcharges", NOON)
        (tmp_path / "go").touch()
        with pytest.raises(NotOfferableError, match=r"was withdrawn \(it overcharges\)"):
            late.result()
    assert homes.staging.facts(MODEL, VersionOffered) == []
    assert not homes.offer_path(second).exists()


def test_a_version_that_was_judged_again_is_offered_again(homes: TwoHomes) -> None:
    first = homes.offer()
    homes.at(homes.staging)
    judged = dataclasses.replace(first.offer.judged, reason="looked at again")
    ledger().append(MODEL, judged, NOON, "ann")
    again = homes.offer()
    assert (again.is_new, again.offer.judged.reason) == (True, "looked at again")


def test_names_that_are_none_and_reasons_that_are_none_are_refused(homes: TwoHomes) -> None:
    homes.at(homes.staging)
    crown_the_refused()
    for version, error, words in (
        ("zz", NothingToOfferError, "no judged version starts with 'zz'"),
        ("", AmbiguousNameError, "could be 2 of them"),
    ):
        with pytest.raises(error, match=words):
            homes.offer(version=version)
    homes.at(homes.production)
    with pytest.raises(NothingToOfferError, match="it has no champion"):
        offer_version(str(homes.staging.path), MODEL, None, REASON, "a run", NOON)
    with pytest.raises(MissingReasonError, match="needs a reason"):
        offer_version(str(homes.channel), MODEL, None, "  ", "a run", NOON)


def test_a_channel_that_cannot_be_written_is_refused(homes: TwoHomes, tmp_path: Path) -> None:
    settings = homes.at(homes.staging)
    homes.patch.setenv("MILLRACE_CHANNEL", "s3://mine/channel")
    for channel, words in (
        (str(tmp_path / "nowhere"), "no such folder"),
        (f"file://{settings.channel}", "this is the channel of this installation itself"),
        ("s3://mine/channel/", "this is the channel of this installation itself"),
        ("https://ann:secret@host/channel", r"https://\*\*\*@host/channel: a web server takes no files"),
    ):
        with pytest.raises(UnusableChannelError, match=words):
            offer_version(channel, MODEL, None, REASON, "a run", NOON)


def test_rotten_bytes_are_not_offered(homes: TwoHomes) -> None:
    homes.at(homes.staging)
    flip_a_byte(bundles_folder(load_settings().channel) / champion_of(homes.staging) / "profile.json")
    with pytest.raises(CorruptBundleError, match=r"profile\.json"):
        homes.offer()
    assert list(homes.channel.iterdir()) == []


# killed, and two at once


@pytest.mark.parametrize(
    ("function", "when", "fact"),
    [
        ("millrace.adapters.bundle_store:rename_unless_there", "ENTERED", None),
        (APPEND, "ENTERED", "VersionOffered"),
        (APPEND, "LEFT", "VersionOffered"),
        ("millrace.steps.offering:write_offer", "ENTERED", None),
    ],
)
def test_an_offer_that_died_before_its_file_was_there_is_none_and_is_made_by_the_next(
    homes: TwoHomes, function: str, when: str, fact: str | None
) -> None:
    homes.trust()
    homes.at(homes.staging)
    kill(OFFER.format(str(homes.channel), MODEL, REASON), function, when, fact)
    homes.at(homes.production)
    assert (find_trouble(MODEL), take_in_offers()) == (None, [])
    assert take_in_offers() == [] != [homes.offer().offer.digest]
    assert len(take_in_offers()) == 1
    homes.at(homes.staging)
    assert len(homes.staging.facts(MODEL, VersionOffered)) == 1


@pytest.mark.parametrize("when", ["ENTERED", "LEFT"])
def test_one_that_died_while_it_took_an_offer_is_followed_by_one_that_takes_it_once(
    homes: TwoHomes, when: str
) -> None:
    homes.trust()
    homes.offer()
    kill(RECEIVE.format(MODEL), APPEND, when, "ChallengerReceived")
    take_in_offers()
    assert len(received()) == 1
    assert find_trouble(MODEL) is None


def test_two_at_once_take_it_once(homes: TwoHomes, tmp_path: Path) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    with ThreadPoolExecutor() as pool:
        late = pool.submit(paused_at, APPEND, tmp_path, receive_offers, MODEL, NOON)
        wait_for(tmp_path / "paused")
        assert take_in_offers() == []
        (tmp_path / "go").touch()
        late.result()
    assert [fact.digest for fact in received()] == [digest]
