"""What is not as a trusted installation signed it is never taken, and said until it is gone."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from millrace.adapters.channel import bundles_folder
from millrace.domain.facts import ChallengerReceived, MirrorRepaired
from millrace.domain.serving import plan_promotion
from millrace.domain.verdict import Outcome
from millrace.steps.doctor import Health, examine
from millrace.steps.offers import OffersRefusedError, receive_offers
from millrace.steps.reconcile import find_trouble, reconcile_model
from millrace.steps.rollout import look_at_rollout
from millrace.steps.serve import publish_model_pointer, roll_back
from millrace.steps.stores import ledger
from tests.conftest import NOON
from tests.steps.two_homes import (
    MODEL,
    TwoHomes,
    crown_the_refused,
    flip_a_byte,
    received,
    take_in_offers,
)

NESTED = b'{"offer":' + b"[" * 100_000
UNKNOWN_KIND = b"-----BEGIN PUBLIC KEY-----\nMA4wBgYEKgMEBQMEAGFiYw==\n-----END PUBLIC KEY-----\n"
"""A key of an algorithm that nobody has heard of."""


def crown(digest: str) -> None:
    """Let the gate of where we are pass a version that came from elsewhere by hand, and make it champion."""
    fact = plan_promotion(ledger().serving(MODEL), digest, "passed")
    ledger().change_serving(MODEL, fact, NOON, "paul", fact.generation - 1)


def refusal() -> str:
    """Return why production takes nothing of what it is offered."""
    with pytest.raises(OffersRefusedError, match=f"{MODEL}: not every offer was taken") as caught:
        receive_offers(MODEL, NOON)
    assert received() == []
    return str(caught.value)


def test_an_offer_of_somebody_not_trusted_waits_until_he_is(homes: TwoHomes) -> None:
    digest = homes.offer().offer.digest
    assert "no key that is trusted here has signed it" in refusal()
    with pytest.raises(OffersRefusedError, match="var/keys/trusted"):
        reconcile_model(MODEL, "by hand", NOON)
    assert "no key that is trusted here has signed it" in str(find_trouble(MODEL))
    homes.trust()
    assert take_in_offers() == [digest]


def test_trust_ends_with_the_file(homes: TwoHomes) -> None:
    homes.trust()
    homes.offer()
    homes.trusted_key.unlink()
    assert "no key that is trusted here has signed it" in refusal()


def test_a_trusted_file_that_is_no_key_spoils_no_other_and_is_named_where_no_other_has_signed(
    homes: TwoHomes,
) -> None:
    homes.trust()
    broken = homes.trusted_key.with_name("broken.pub")
    broken.write_text("not a key")
    digest = homes.offer().offer.digest
    assert take_in_offers() == [digest]
    homes.trusted_key.unlink()
    homes.at(homes.staging)
    second = crown_the_refused()
    homes.offer()
    with pytest.raises(OffersRefusedError, match=r"broken\.pub: not a public key"):
        receive_offers(MODEL, NOON)
    assert second not in {fact.digest for fact in received()}


def test_a_forged_signature_is_refused(homes: TwoHomes, tmp_path: Path) -> None:
    homes.trust()
    homes.write(homes.offer().offer, tmp_path / "stranger")
    assert "no key that is trusted here has signed it" in refusal()


def test_an_offer_that_was_edited_after_it_was_signed_is_refused(homes: TwoHomes) -> None:
    homes.trust()
    path = homes.offer_path(homes.offer().offer.digest)
    signed = json.loads(path.read_bytes())
    signed["offer"]["judged"]["reason"] = "far better"
    path.write_text(json.dumps(signed))
    assert "no key that is trusted here has signed it" in refusal()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"offer": {}, "signature": "?"}', b"[]", NESTED]
)
def test_what_is_no_offer_is_refused(homes: TwoHomes, content: bytes) -> None:
    homes.trust()
    homes.offer_path(homes.offer().offer.digest).write_bytes(content)
    told = refusal()
    assert "is not a signed offer" in told or "its signature is not base64" in told


def test_an_offer_of_another_model_that_is_copied_here_is_refused(homes: TwoHomes) -> None:
    homes.trust()
    offer = homes.offer().offer
    target = homes.offer_path(offer.digest, "progression")
    target.parent.mkdir(parents=True)
    shutil.copyfile(homes.offer_path(offer.digest), target)
    with pytest.raises(OffersRefusedError, match=f"it offers a version of {MODEL}"):
        receive_offers("progression", NOON)


def test_an_offer_under_the_name_of_another_version_is_refused(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    homes.offer_path(digest).rename(homes.offer_path("0" * 64))
    assert f"it speaks of {digest[:12]}" in refusal()


def test_a_version_that_the_gate_did_not_pass_is_refused_whoever_signed_it(homes: TwoHomes) -> None:
    homes.trust()
    offer = homes.offer().offer
    failed = dataclasses.replace(offer.judged, outcome=Outcome.INCONCLUSIVE, reason="13 blocks")
    homes.write(dataclasses.replace(offer, judged=failed), homes.staging_keys)
    assert "its gate said inconclusive: 13 blocks" in refusal()


def test_a_bundle_of_another_model_is_refused(homes: TwoHomes) -> None:
    homes.trust()
    offer = homes.offer().offer
    homes.offer_path(offer.digest).unlink()
    (homes.production.models / "trips").mkdir()
    shutil.copyfile(
        homes.production.models / MODEL / "model.toml", homes.production.models / "trips" / "model.toml"
    )
    homes.write(dataclasses.replace(offer, model="trips"), homes.staging_keys, "trips")
    with pytest.raises(OffersRefusedError, match=f"its bundle is one of {MODEL}"):
        receive_offers("trips", NOON)


def test_a_bundle_with_a_wrong_byte_is_refused_until_it_is_offered_again(homes: TwoHomes) -> None:
    homes.trust()
    digest = homes.offer().offer.digest
    flip_a_byte(bundles_folder(homes.channel) / digest / "scorer.onnx")
    assert "its bundle has a wrong scorer.onnx" in refusal()
    homes.offer()
    assert take_in_offers() == [digest]


def test_a_bad_offer_keeps_no_good_one_and_no_repair_waiting(homes: TwoHomes, tmp_path: Path) -> None:
    homes.trust()
    first = homes.offer().offer
    take_in_offers()
    look_at_rollout(MODEL, NOON)
    homes.at(homes.staging)
    second = crown_the_refused()
    homes.offer()
    homes.write(dataclasses.replace(first, digest="0" * 64), tmp_path / "stranger")
    publish_model_pointer(MODEL, NOON)
    pointer = homes.channel / MODEL / "pointer.json"
    pointer.unlink()
    assert find_trouble(MODEL) == "no pointer"
    with pytest.raises(OffersRefusedError, match=r"000\.json: no key"):
        reconcile_model(MODEL, "by hand", NOON)
    assert [fact.digest for fact in received()] == [first.digest, second]
    assert pointer.exists()


def test_a_version_that_production_has_withdrawn_comes_back_by_no_offer(homes: TwoHomes) -> None:
    homes.trust()
    first = homes.offer().offer
    [second] = homes.write_more(first, 1)
    homes.offer_path(first.digest).unlink()
    for digest in (first.digest, second):
        crown(digest)
    assert f"{second}.json: was champion here already, as generation 2" in refusal()
    roll_back(MODEL, "it overcharges", NOON)
    assert (
        f"{second}.json: was withdrawn here: it overcharges. It was not taken: remove the file" in refusal()
    )
    publish_model_pointer(MODEL, NOON)
    assert "was withdrawn here" in str(find_trouble(MODEL))
    assert look_at_rollout(MODEL, NOON).fact is None
    assert homes.production.serving(MODEL).champion == first.digest


def test_what_nobody_foresaw_in_an_offer_stops_no_repair_and_is_told(homes: TwoHomes) -> None:
    homes.trust()
    homes.trusted_key.write_bytes(UNKNOWN_KIND)
    digest = homes.offer().offer.digest
    assert f"{digest}.json: a mistake in Millrace" in refusal()
    crown(digest)
    publish_model_pointer(MODEL, NOON)
    pointer = homes.channel / MODEL / "pointer.json"
    pointer.unlink()
    assert find_trouble(MODEL) == "no pointer"
    with pytest.raises(OffersRefusedError, match="a mistake in Millrace"):
        reconcile_model(MODEL, "by hand", NOON)
    assert pointer.exists()
    assert "a mistake in Millrace" in str(find_trouble(MODEL))


def test_what_is_ours_is_repaired_before_anything_of_others_is_taken(homes: TwoHomes) -> None:
    homes.trust()
    first = homes.offer().offer
    assert take_in_offers() == [first.digest]
    look_at_rollout(MODEL, NOON)
    [second] = homes.write_more(first, 1)
    reconcile_model(MODEL, "by hand", NOON)
    kinds = (ChallengerReceived, MirrorRepaired)
    found = [entry.fact for entry in ledger().entries(MODEL, kinds)]
    assert [type(fact) for fact in found[:2]] == [ChallengerReceived, MirrorRepaired]
    assert received()[-1] == found[-1]
    assert received()[-1].digest == second


def test_a_run_takes_a_few_of_many_and_the_next_ones_the_rest(homes: TwoHomes) -> None:
    homes.trust()
    offer = homes.offer().offer
    offered = sorted([offer.digest, *homes.write_more(offer, 4)])
    homes.offer_path("0" * 64).write_bytes(b"{}")
    for taken in (offered[:3], offered):
        with pytest.raises(OffersRefusedError, match=r"000\.json: is not a signed offer"):
            receive_offers(MODEL, NOON)
        assert [fact.digest for fact in received()] == taken


def test_doctor_names_what_is_refused_and_whom_it_trusts(homes: TwoHomes) -> None:
    def found() -> tuple[Health, str]:
        return next((one.health, one.finding) for one in examine() if one.subject == "offers")

    assert found() == (Health.OK, "no other installation is trusted")
    offer = homes.offer().offer
    health, finding = found()
    assert (health, "no key that is trusted here has signed it" in finding) == (Health.WRONG, True)
    homes.trust()
    take_in_offers()
    assert found() == (Health.OK, "trusted: staging")
    homes.write(offer, homes.staging_keys, "trips")
    health, finding = found()
    assert (health, finding.startswith("trips: no such model here: add its folder")) == (Health.WRONG, True)
