"""Who may come in?"""

from typing import TYPE_CHECKING

from millrace.serving.http import Head, RefusedError

if TYPE_CHECKING:
    from millrace.adapters.tokens import TokenBook

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""What a load balancer asks has no token. To those without one /readyz tells no details."""

MAX_SEEN_HOSTS = 256
"""Spellings of our hosts that are known again at once; clients could invent any number of ports."""


class Gatekeeper:
    """Lets in who names one of our hosts and, where there are tokens, has one."""

    def __init__(self, tokens: "TokenBook", hosts: tuple[str, ...], *, needs_token: bool) -> None:
        self._tokens, self.needs_token = tokens, needs_token
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._is_open_to_all = b"*" in self._hosts
        self._seen: set[bytes] = set()
        self.refresh()

    def admit(self, head: Head, path: str) -> None:
        """Let the request in.

        Raises
        ------
        RefusedError
            400 for another host, 401 without a token that is known.
        """
        if not (self._is_open_to_all or (head.hosts == 1 and self._is_ours(head.host))):
            found = head.host.decode("latin-1")[:100] or "none"
            raise RefusedError(
                400, "host", f"host: found {found!r}, which is not one this service answers for"
            )
        if self.needs_token and path not in OPEN_PATHS and not self.knows(head):
            raise RefusedError(
                401,
                "unauthorised",
                "authorization: needed is 'Bearer TOKEN' with a token of `millrace token create`",
                headers=((b"www-authenticate", b"Bearer"),),
            )

    def knows(self, head: Head) -> bool:
        """Whether the request has a token that is known, or needs none."""
        if not self.needs_token:
            return True
        scheme, _, token = head.authorization.partition(b" ")
        return scheme.lower() == b"bearer" and self._tokens.allows(token.strip())

    def refresh(self) -> None:
        """Close the door where there are tokens now; done each second."""
        # once there was a token it stays closed: to revoke the last one must not open it
        self.needs_token = self.needs_token or self._tokens.count > 0 or self._tokens.trouble is not None

    def _is_ours(self, host: bytes) -> bool:
        if host in self._seen:
            return True
        name, colon, port = host.lower().rpartition(b":")
        is_ours = host.lower() in self._hosts or (bool(colon) and port.isdigit() and name in self._hosts)
        if is_ours and len(self._seen) < MAX_SEEN_HOSTS:
            self._seen.add(host)
        return is_ours
