"""Is an offer read as it was signed, and by whom it was?"""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copyfile

import pytest

from millrace.adapters.keys import MissingKeyError, ensure_keys, find_signer, list_trusted, sign
from millrace.adapters.offers import (
    DEEPEST,
    BadOfferError,
    encode_offer,
    list_offered_models,
    list_offers,
    parse_offer,
    read_offer,
    write_offer,
)
from millrace.domain.facts import Milestone
from millrace.domain.verdict import Outcome, Verdict
from tests.conftest import NOON
from tests.domain.test_offer import JUDGED, OFFER, TRAINED, A, B

VERDICT = Verdict("floor", Outcome.PASS, "0.7 of at least 0.6")
FULL = replace(
    OFFER,
    judged=replace(JUDGED, verdicts=(VERDICT,), losses={"golden": {"challenger": 0.25}}),
    trained=replace(TRAINED, parameters={"depth": 3, "rate": 0.1}, trials=({"loss": 0.3},), git_commit=None),
    course=(Milestone(NOON, "ann", "promoted, of course: größer"),),
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder of keys in which `ann` is trusted; her private key is in `ann` beside it."""
    ensure_keys(tmp_path / "ann")
    ensure_keys(tmp_path / "bob")
    (tmp_path / "keys" / "trusted").mkdir(parents=True)
    copyfile(tmp_path / "ann" / "signing.pub", tmp_path / "keys" / "trusted" / "ann.pub")
    return tmp_path / "keys"


def signing(keys: Path, name: str) -> Callable[[bytes], bytes]:
    return partial(sign, keys.with_name(name))


def test_an_offer_is_read_as_it_was_written_with_the_name_of_its_signer(keys: Path) -> None:
    content = encode_offer(FULL, signing(keys, "ann"))
    assert parse_offer(content, partial(find_signer, keys), "there") == (FULL, "ann")
    assert encode_offer(FULL, signing(keys, "ann")) == content


def test_fields_that_a_newer_installation_signs_are_passed_over(keys: Path) -> None:
    payload = json.dumps({**json.loads(FULL.payload), "weather": "fair"}).encode()
    signature = base64.b64encode(signing(keys, "ann")(payload))
    content = b'{"offer":' + payload + b',"signature":"' + signature + b'"}'
    assert parse_offer(content, partial(find_signer, keys), "there") == (FULL, "ann")


def test_who_is_not_trusted_offers_nothing_until_his_key_is_there(keys: Path) -> None:
    content = encode_offer(FULL, signing(keys, "bob"))
    with pytest.raises(
        BadOfferError, match=r"there: no key that is trusted here has signed it.*keys/trusted"
    ):
        parse_offer(content, partial(find_signer, keys), "there")
    copyfile(keys.with_name("bob") / "signing.pub", keys / "trusted" / "bob.pub")
    assert parse_offer(content, partial(find_signer, keys), "there") == (FULL, "bob")
    assert list_trusted(keys) == ["ann", "bob"]


def test_the_own_key_is_not_trusted_and_neither_is_anybody_without_the_folder(keys: Path) -> None:
    ensure_keys(keys)
    payload = FULL.payload
    assert find_signer(keys, payload, sign(keys, payload)) is None
    assert find_signer(keys.with_name("ann"), payload, signing(keys, "ann")(payload)) is None


def test_a_file_that_is_no_key_is_named_only_where_no_other_has_signed(keys: Path) -> None:
    (keys / "trusted" / "aaron.pub").write_text("no key")
    assert find_signer(keys, FULL.payload, signing(keys, "ann")(FULL.payload)) == "ann"
    with pytest.raises(MissingKeyError, match=r"aaron\.pub: not a public key"):
        find_signer(keys, FULL.payload, signing(keys, "bob")(FULL.payload))


def test_a_pointer_of_a_trusted_key_is_no_offer(keys: Path) -> None:
    payload = b'{"model":"fares","generation":1,"arms":[]}'
    signature = base64.b64encode(signing(keys, "ann")(payload)).decode()
    content = json.dumps({"offer": 0, "signature": signature}).encode().replace(b"0", payload, 1)
    with pytest.raises(BadOfferError, match="is not a signed offer"):
        parse_offer(content, partial(find_signer, keys), "there")


@pytest.mark.parametrize("field", ["offer", "weather"])
def test_what_is_nested_without_end_is_refused_before_anything_of_it_is_believed(
    keys: Path, field: str
) -> None:
    content = b'{"' + field.encode() + b'":' + b"[" * 100_000
    with pytest.raises(BadOfferError, match="is not a signed offer"):
        parse_offer(content, partial(find_signer, keys), "there")


def test_what_only_some_readers_of_the_ledger_could_read_is_refused_whoever_signed_it(keys: Path) -> None:
    def nested(deep: int) -> bytes:
        trials = ({"x": [json.loads("[" * deep + "]" * deep)], "told": '[[[{"]'},)
        return encode_offer(replace(FULL, trained=replace(TRAINED, trials=trials)), signing(keys, "ann"))

    assert parse_offer(nested(DEEPEST - 5), partial(find_signer, keys), "there")[1] == "ann"
    for deep in (DEEPEST, 700):
        with pytest.raises(BadOfferError, match="is nested more than 50 deep"):
            parse_offer(nested(deep), partial(find_signer, keys), "there")


def test_offers_lie_beside_the_pointer_and_are_listed_by_what_their_names_say(tmp_path: Path) -> None:
    assert (list_offers(tmp_path, "fares"), list_offered_models(tmp_path)) == ([], [])
    for digest in (B, A):
        write_offer(tmp_path, "fares", digest, b"{}")
    (tmp_path / "fares" / "offers" / "notes.txt").write_text("not one")
    (tmp_path / "trips").mkdir()
    assert (list_offers(tmp_path, "fares"), list_offered_models(tmp_path)) == ([A, B], ["fares"])
    assert read_offer(tmp_path, "fares", A) == b"{}"
    with pytest.raises(BadOfferError, match="cannot be read"):
        read_offer(tmp_path, "trips", A)


def test_one_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, keys: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "fares" / "offers").mkdir(parents=True)
    (tmp_path / "large").rename(tmp_path / "fares" / "offers" / f"{A}.json")
    content = read_offer(tmp_path, "fares", A)
    with pytest.raises(BadOfferError, match="more than 4,194,304 bytes"):
        parse_offer(content, partial(find_signer, keys), "there")
