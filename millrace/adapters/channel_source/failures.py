"""Why did a channel not show what it was asked for?"""

from millrace.errors import MillraceError, UnavailableError


class UnreachableChannelError(UnavailableError):
    """The channel does not show what it is asked for; `answered` says whether it answered at all."""

    def __init__(self, url: str, found: str, *, answered: bool) -> None:
        self.url, self.found, self.answered = url, found, answered
        super().__init__(
            f"channel {url}: {found}. What serves stays; it is asked again. "
            "Check the address and what this service may read there"
        )


class OversizedFileError(MillraceError):
    """A file of the channel that is larger than any of its kind."""

    def __init__(self, name: str, limit_bytes: int) -> None:
        self.name, self.limit_bytes = name, limit_bytes
        super().__init__(
            f"{name}: more than {limit_bytes:,} bytes, at most that many were needed. "
            "Nothing of it was kept; run `millrace reconcile` where it was published"
        )


class UnusableAddressError(MillraceError):
    """No channel can be read at an address, however long one waits."""

    def __init__(self, url: str, found: str) -> None:
        self.url, self.found = url, found
        super().__init__(
            f"channel {url}: {found}. A folder, an https:// or an s3:// address was needed; "
            "the last two come with `pip install millrace[http]` and `millrace[s3]`"
        )


def cause_of(error: Exception) -> BaseException:
    """Return what fsspec's error for HTTP hides: it calls every failure a file that is not found."""
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        return error.__cause__
    return error


def is_absence(error: Exception) -> bool:
    """Return whether an error says that the channel answered, and that nothing is there."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return False
    cause = cause_of(error)
    return cause is error or status_of(cause) in {404, 410}


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an answer, as aiohttp or botocore keeps it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or None
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None
