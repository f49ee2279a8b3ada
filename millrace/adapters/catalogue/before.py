"""Is the store there before MLflow's server is? `python -m millrace.adapters.catalogue.before COMMAND...`."""

import os
import sys

from millrace.adapters.catalogue.store import create_store, find_file


def main(*command: str) -> None:
    """Create the store if it is a file that is not there, then run the command in this process.

    Of all that would create it at once, MLflow alone does not wait for the others.
    """
    path = find_file(os.environ["MLFLOW_BACKEND_STORE_URI"])
    if path is not None:
        create_store(path)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
