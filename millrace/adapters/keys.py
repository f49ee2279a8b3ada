"""Who may say what serves, and who may offer versions? Ed25519 keys, one pair of them this installation's."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from millrace.durable import create_secret
from millrace.errors import MillraceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE_KEY = "signing.pem"
PUBLIC_KEY = "signing.pub"
TRUSTED = "trusted"
"""The folder of the public keys whose owners may offer versions; a file's stem is its owner's name here."""


class MissingKeyError(MillraceError):
    """A key that is needed is not there, or is not one."""

    def __init__(self, path: Path, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"{path}: {found}, an Ed25519 key in PEM was needed. Restore {path.parent} from a backup; "
            "`millrace doctor` says what else is missing"
        )


def ensure_keys(folder: Path) -> None:
    """Create the key pair if there is none; of several processes at once, one key survives.

    Raises
    ------
    MissingKeyError
        If only the public key is there: a new pair would silently disown everything signed so far.
    """
    private, public = folder / PRIVATE_KEY, folder / PUBLIC_KEY
    if private.exists() and public.exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    # the private key is created first and never removed, so this order cannot mislead
    if public.exists() and not private.exists():
        raise MissingKeyError(private, "no such file, although its public key is there")
    create_secret(private, _new_private_pem())
    create_secret(public, _public_pem(_load_private(private)))


def sign(folder: Path, payload: bytes) -> bytes:
    """Return the signature of `payload` by this installation's key."""
    return _load_private(folder / PRIVATE_KEY).sign(payload)


def verify(folder: Path, payload: bytes, signature: bytes) -> bool:
    """Return whether `signature` is this installation's for `payload`; needs the public key only."""
    return load_verifier(folder / PUBLIC_KEY)(payload, signature)


def load_verifier(public_key: Path) -> Callable[[bytes, bytes], bool]:
    """Return what says whether a payload was signed, second argument, by the owner of `public_key`."""
    from cryptography.exceptions import InvalidSignature

    key = _load_public(public_key)

    def is_signed(payload: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, payload)
        except InvalidSignature:
            return False
        return True

    return is_signed


def list_trusted(folder: Path) -> list[str]:
    """Name those whose offers are trusted."""
    return [path.stem for path in _trusted_keys(folder)]


def find_signer(folder: Path, payload: bytes, signature: bytes) -> str | None:
    """Return the name of the trusted key that has signed `payload`, None when none has.

    Raises
    ------
    MissingKeyError
        If none has, and one of the files is no key.
    """
    broken = None
    for path in _trusted_keys(folder):
        try:
            is_signed = load_verifier(path)
        except MissingKeyError as error:
            broken = broken or error
            continue
        if is_signed(payload, signature):
            return path.stem
    if broken is not None:
        raise broken
    return None


def _trusted_keys(folder: Path) -> list[Path]:
    return sorted((folder / TRUSTED).glob("*.pub"))


def _new_private_pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: "Ed25519PrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _load_private(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise MissingKeyError(path, "not a private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise MissingKeyError(path, f"a {type(key).__name__}")
    return key


def _load_public(path: Path) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _read(path)
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise MissingKeyError(path, "not a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise MissingKeyError(path, f"a {type(key).__name__}")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingKeyError(path, "no such file") from error
