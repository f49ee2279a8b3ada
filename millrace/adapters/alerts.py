"""How are people told? Once by every address of the settings, through Apprise."""

from collections.abc import Sequence

from millrace.errors import UnavailableError


class AlertNotSentError(UnavailableError):
    """Some addresses did not take the alert.

    An address is named by its scheme and its place in the list, because any other part of it, the
    host of a Slack address included, can be a secret.
    """

    def __init__(self, failed: tuple[str, ...], addresses: int) -> None:
        self.failed, self.addresses = failed, addresses
        super().__init__(
            f"{len(failed)} of {addresses} alert addresses did not take the alert: {', '.join(failed)}. "
            "Each must be reachable and an Apprise URL; `millrace doctor` tries them all"
        )


def send_alert(urls: Sequence[str], title: str, body: str) -> None:
    """Tell every address, also when one of them fails; without an address nothing happens.

    Raises
    ------
    AlertNotSentError
        If an address is not understood, not reachable, or refuses.
    """
    failed = tuple(
        f"{_scheme(url)}:// (number {number})"
        for number, url in enumerate(urls, start=1)
        if not _send(url, title, body)
    )
    if failed:
        raise AlertNotSentError(failed, len(urls))


def _send(url: str, title: str, body: str) -> bool:
    from apprise import Apprise

    address = Apprise()
    # one by one, because Apprise does not say which of several failed
    return address.add(url) and address.notify(title=title, body=body) is True


def _scheme(url: str) -> str:
    scheme, separator, _rest = url.partition("://")
    return scheme if separator else "unknown"
