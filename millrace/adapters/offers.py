"""How does an offer lie in a channel, and who signed it?"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from millrace.domain.canonical import canonical_json
from millrace.domain.offer import OFFER_BYTES, Offer, digests_offered, offer_name
from millrace.durable import replace_file
from millrace.errors import MillraceError

OFFER_AGAIN = "remove the file, or have it offered again by `millrace promote-to`"
TRUST = "remove the file, or trust its sender: put the signing.pub of there into var/keys/trusted"

DEEPEST = 50
"""Parameters nest a few deep. How deep can be read depends on who reads, and the ledger keeps it for ever."""

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_OPENING, _CLOSING = {b"[", b"{"}, {b"]", b"}"}

Content = TypeVar("Content")


class BadOfferError(MillraceError):
    """An offer that must not be taken."""

    def __init__(self, where: Path | str, reason: str, then: str = OFFER_AGAIN) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where}: {reason}. It was not taken: {then}")


@dataclass(frozen=True)
class SignedOffer:
    """The content of an offer's file; the signature, in base64, is of the bytes of `offer` there."""

    offer: msgspec.Raw
    signature: str


def encode_offer(offer: Offer, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the bytes of an offer's file."""
    signature = base64.b64encode(sign(offer.payload)).decode()
    return canonical_json({"offer": offer, "signature": signature}).encode()


def parse_offer(
    content: bytes, find_signer: Callable[[bytes, bytes], str | None], where: Path | str
) -> tuple[Offer, str]:
    """Return the offer in `content`, found at `where`, and the name of the key that signed it.

    Raises
    ------
    BadOfferError
        If it is no offer, or none that a key known to `find_signer` has signed.
    """
    if len(content) > OFFER_BYTES:
        raise BadOfferError(where, f"has more than {OFFER_BYTES:,} bytes")
    signed = _parse(where, content, SignedOffer)
    # the bytes received, not those we would write: a newer installation signs fields that are unknown here
    signer = find_signer(bytes(signed.offer), _signature(where, signed))
    if signer is None:
        raise BadOfferError(where, "no key that is trusted here has signed it", TRUST)
    offer = _parse(where, signed.offer, Offer)
    _ensure_shallow(where, bytes(signed.offer))
    return offer, signer


def write_offer(root: Path, model: str, digest: str, content: bytes) -> None:
    """Put an offer into the channel at `root`; a crash leaves the one before it or this one."""
    replace_file(root / offer_name(model, digest), content)


def list_offers(root: Path, model: str) -> list[str]:
    """Name the versions of `model` that the channel at `root` has offers of, of whatever worth."""
    paths = (root / model / "offers").glob("*.json")
    return digests_offered(path.name for path in paths if path.is_file())


def list_offered_models(root: Path) -> list[str]:
    """Name every model that the channel at `root` has an offer of."""
    return sorted({path.parent.parent.name for path in root.glob("*/offers/*.json")})


def read_offer(root: Path, model: str, digest: str) -> bytes:
    """Return the bytes of an offer's file.

    Raises
    ------
    BadOfferError
        If it cannot be read.
    """
    path = root / offer_name(model, digest)
    try:
        with path.open("rb") as file:
            return file.read(OFFER_BYTES + 1)
    except OSError as error:
        raise BadOfferError(path, f"cannot be read ({error.strerror})") from error


def _parse(where: Path | str, content: bytes | msgspec.Raw, kind: type[Content]) -> Content:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadOfferError(where, f"is not a signed offer ({error})") from error


def _ensure_shallow(where: Path | str, content: bytes) -> None:
    depth = 0
    for piece in _STRING_OR_BRACKET.finditer(content):
        depth += (piece[0] in _OPENING) - (piece[0] in _CLOSING)
        if depth > DEEPEST:
            raise BadOfferError(where, f"is nested more than {DEEPEST} deep")


def _signature(where: Path | str, signed: SignedOffer) -> bytes:
    try:
        return base64.b64decode(signed.signature, validate=True)
    except ValueError as error:
        raise BadOfferError(where, "its signature is not base64") from error
