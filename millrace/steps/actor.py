"""Who is doing this?"""

import getpass
import os


def current_actor() -> str:
    """Return the name the ledger shows: `MILLRACE_ACTOR`, else the user of this process."""
    return os.environ.get("MILLRACE_ACTOR") or getpass.getuser()
