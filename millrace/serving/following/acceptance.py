"""May a service follow this pointer?"""

from collections.abc import Callable

from millrace.adapters.channel import parse_pointer
from millrace.domain.pointer import DIGEST, WHOLE, ArmRole, Pointer
from millrace.errors import MillraceError

Verify = Callable[[bytes, bytes], bool]


class RefusedPointerError(MillraceError):
    """A pointer that this installation signed, and that still must not be followed."""

    def __init__(self, where: str, found: str, needed: str, advice: str) -> None:
        self.where, self.found, self.needed = where, found, needed
        super().__init__(f"{where}: found {found}, needed {needed}. {advice}")


def accept_pointer(content: bytes, model: str, verify: Verify, where: str, newest: Pointer | None) -> Pointer:
    """Return the pointer that `content` is, when it may take the place of `newest`.

    Raises
    ------
    BadPointerError
        If it is not a signed pointer of the model.
    RefusedPointerError
        If its arms cannot be served, or it is a replay of an older one, or another one of the same age.
    """
    pointer = parse_pointer(content, model, verify, where)
    _check_arms(pointer, where)
    if newest is not None:
        _check_order(pointer, newest, where)
    return pointer


def _check_arms(pointer: Pointer, where: str) -> None:
    advice = "Run `millrace reconcile` where it was published"
    digests = [arm.digest for arm in pointer.arms]
    for arm in pointer.arms:
        if not DIGEST.fullmatch(arm.digest):
            raise RefusedPointerError(where, f"the digest {arm.digest!r}", "64 hexadecimal digits", advice)
        if not 0 <= arm.weight <= WHOLE:
            raise RefusedPointerError(where, f"a weight of {arm.weight}", "0 to 100 percent", advice)
        if digests.count(arm.digest) > 1:
            raise RefusedPointerError(where, f"bundle {arm.digest[:12]} twice", "each bundle once", advice)
    if not any(arm.role is ArmRole.ANSWER and arm.weight > 0 for arm in pointer.arms):
        raise RefusedPointerError(where, "no arm that answers", "one with a weight above 0", advice)


def _check_order(pointer: Pointer, newest: Pointer, where: str) -> None:
    if pointer.order > newest.order or pointer.payload == newest.payload:
        return
    age = "older than" if pointer.order < newest.order else "another pointer than"
    raise RefusedPointerError(
        where,
        f"generation {pointer.generation} (revision {pointer.revision}), {age} the accepted one",
        f"one newer than {newest.generation} (revision {newest.revision})",
        "A replay is never followed; after a ledger was restored from a backup, empty this service's store",
    )
