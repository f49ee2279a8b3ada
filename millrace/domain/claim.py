"""Who may do a thing that must be done once?"""

from dataclasses import dataclass
from datetime import datetime

from millrace.errors import MillraceError


@dataclass(frozen=True)
class Owner:
    """A run and the process it lives in, so that its death on this machine is seen at once."""

    run_id: str
    host: str
    pid: int
    process_started: float
    """Seconds from the start of the machine to that of the process: a reused pid is not the same owner."""


@dataclass(frozen=True)
class Claim:
    """The right to do `key`. `token` grows with each owner, so that a stale one is refused."""

    key: str
    token: int
    owner: Owner
    lease_until: datetime


class ClaimHeldError(MillraceError):
    """Another run is doing this now."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        super().__init__(
            f"{claim.key} is being done by run {claim.owner.run_id} on {claim.owner.host} "
            f"(process {claim.owner.pid}), its lease runs until {claim.lease_until:%H:%M:%S} UTC"
        )


class ClaimDoneError(MillraceError):
    """This was done already; `result` is what came of it."""

    def __init__(self, key: str, result: str) -> None:
        self.key, self.result = key, result
        super().__init__(f"{key} was already done: {result}")


class ClaimLostError(MillraceError):
    """The lease ran out and another run took over: what this run was about to write is refused."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        super().__init__(
            f"{claim.key}: token {claim.token} is stale, another run took over. Nothing was written"
        )
