"""What an airline would ask the service of `make up` about a month's flights, and how they ended."""

import sys
from datetime import timedelta

from millrace.adapters.service_client import ServiceClient
from millrace.steps.live import asking

LABEL_SECONDS = 8.0  # these flights land soon
SERVICE = "http://127.0.0.1:8300"


def main(month: str, minutes: float) -> None:
    """Ask about the flights of a month, one after the other and over again."""
    with asking(ServiceClient(SERVICE), "flights", month, LABEL_SECONDS) as asked:
        asked.wait(timedelta(minutes=minutes).total_seconds())


if __name__ == "__main__":  # python -m models.flights.traffic 2013-05 30
    main(sys.argv[1], float(sys.argv[2]))
