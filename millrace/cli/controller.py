"""`millrace controller`: what watches, decides that there is work, and asks Prefect for a run."""


def controller() -> None:
    """Watch inboxes, schedules, events and runs until it is stopped; ask Prefect for runs.

    One warm process; `make up` starts it beside Prefect's server. Two of them do no harm: what each
    has found is asked for once. It needs PREFECT_API_URL.

    Example: `millrace controller`.
    """
    import logging
    import os
    import sys

    # a server that hangs must not hold up what needs none; Prefect reads these when it is imported
    os.environ.setdefault("PREFECT_API_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "0")
    from flows.controller import Controller

    # where a program reads along, as under `millrace up`, it puts the time before each line itself
    form = "%(asctime)s %(message)s" if sys.stderr.isatty() else "%(message)s"
    logging.basicConfig(format=form, datefmt="%H:%M:%S", level=logging.WARNING)
    logging.getLogger("millrace").setLevel(logging.INFO)
    Controller().run()
