"""How many requests are answered at once?"""

from millrace.serving.http import RETRY_AFTER, RefusedError


class Turns:
    """Entered by a request whose body is here; one that is still being received takes no turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.active = 0

    def __enter__(self) -> None:
        """Take a turn.

        Raises
        ------
        RefusedError
            503 when as many are taken as may be.
        """
        if self.active >= self._most:
            raise RefusedError(
                503, "busy", f"{self.active} requests are being answered, the most there may be. Try again",
                headers=RETRY_AFTER,
            )  # fmt: skip
        self.active += 1

    def __exit__(self, *_exception: object) -> None:
        self.active -= 1
