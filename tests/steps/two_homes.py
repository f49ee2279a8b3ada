"""Two installations, staging and production, and the way from one to the other."""

import dataclasses
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from millrace.adapters.bundle import read_manifest, write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.keys import TRUSTED, ensure_keys, sign
from millrace.adapters.offers import encode_offer
from millrace.domain.bundle import MANIFEST_FILE
from millrace.domain.facts import ChallengerJudged, ChallengerReceived
from millrace.domain.offer import Offer, offer_name
from millrace.domain.serving import plan_promotion
from millrace.domain.verdict import Outcome
from millrace.settings import Settings, load_settings
from millrace.steps.offering import Offered, offer_version
from millrace.steps.offers import receive_offers
from millrace.steps.stores import ledger
from tests.conftest import NOON, Home

MODEL = "fares"
REASON = "two weeks without a complaint"


@dataclass
class TwoHomes:
    """`staging` has versions, `production` has none; tests say in which of them they work."""

    staging: Home
    production: Home
    patch: pytest.MonkeyPatch

    def at(self, home: Home) -> Settings:
        """Work in `home` from now on."""
        home.enter(self.patch)
        self.patch.setenv("MILLRACE_ACTOR", "ann" if home is self.staging else "paul")
        return load_settings()

    @property
    def channel(self) -> Path:
        return self.production.path / "var" / "channel"

    @property
    def staging_keys(self) -> Path:
        return self.staging.path / "var" / "keys"

    @property
    def trusted_key(self) -> Path:
        return self.production.path / "var" / "keys" / TRUSTED / "staging.pub"

    def trust(self) -> None:
        """Do in production what its operator does once."""
        self.trusted_key.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.staging_keys / "signing.pub", self.trusted_key)

    def offer(self, channel: str | None = None, version: str | None = None) -> Offered:
        """Offer a version of staging, by default the champion; and then work in production."""
        self.at(self.staging)
        offered = offer_version(channel or str(self.channel), MODEL, version, REASON, "a run", NOON)
        self.at(self.production)
        return offered

    def offer_path(self, digest: str, model: str = MODEL) -> Path:
        return self.channel / offer_name(model, digest)

    def write(self, offer: Offer, keys: Path, model: str = MODEL) -> Path:
        """Put an offer signed with the key in `keys` into production's folder, whatever it says."""
        ensure_keys(keys)
        path = self.offer_path(offer.digest, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_offer(offer, partial(sign, keys)))
        return path

    def write_more(self, offer: Offer, count: int) -> list[str]:
        """Put so many versions with their good offers into production's folder, all like that of `offer`."""
        folder = bundles_folder(self.channel) / offer.digest
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST_FILE}
        like, digests = read_manifest(folder), []
        for number in range(count):
            manifest = dataclasses.replace(like, seed=1_000 + number)
            digests.append(write_bundle(bundles_folder(self.channel), manifest, files))
            self.write(about(offer, digests[-1]), self.staging_keys)
        return digests


def about(offer: Offer, digest: str) -> Offer:
    """Return the same said of another version."""
    judged = dataclasses.replace(offer.judged, digest=digest)
    trained = dataclasses.replace(offer.trained, digest=digest)
    return dataclasses.replace(offer, digest=digest, judged=judged, trained=trained)


def take_in_offers() -> list[str]:
    """Take in what is offered, and name the versions."""
    return [fact.digest for fact in receive_offers(MODEL, NOON)]


def received() -> list[ChallengerReceived]:
    facts = [entry.fact for entry in ledger().entries(MODEL, (ChallengerReceived,))]
    return [fact for fact in facts if isinstance(fact, ChallengerReceived)]


def crown_the_refused() -> str:
    """Let the gate pass the version that it refused, and make it the champion; return its digest."""
    judged = [entry.fact for entry in ledger().entries(MODEL, (ChallengerJudged,))][-1]
    assert isinstance(judged, ChallengerJudged)
    passed = dataclasses.replace(judged, outcome=Outcome.PASS, reason="looked at again")
    ledger().append(MODEL, passed, NOON, "ann")
    fact = plan_promotion(ledger().serving(MODEL), judged.digest, "passed")
    ledger().change_serving(MODEL, fact, NOON, "ann", fact.generation - 1)
    return judged.digest


def flip_a_byte(path: Path) -> None:
    """Let the disk forget one."""
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
