"""What does the code of another commit train? A script that `reproduce` runs beside that code.

It is not imported but run, with that commit's `millrace` on the path: it may use only what every commit has.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

REQUEST_FILE = "request.json"
TRAINED_FILE = "trained.json"
BUNDLES_FOLDER = "bundles"
HOME_FOLDER = "home"
CODE_FOLDER = "code"


def train_again(folder: Path, tell: Callable[..., None]) -> None:
    """Train what `request.json` asks for, and write which bundle it ended in."""
    import millrace
    from millrace.adapters.dataset_files import find_dataset
    from millrace.settings import load_settings
    from millrace.steps.rows import split_rows
    from millrace.steps.stores import model_config
    from millrace.steps.train import train_bundles

    if not Path(millrace.__file__).resolve().is_relative_to((folder / CODE_FOLDER).resolve()):
        raise SystemExit(f"error: {millrace.__file__} was imported, needed that of {folder / CODE_FOLDER}")
    request = json.loads((folder / REQUEST_FILE).read_text("utf-8"))
    config = model_config(request["model"])
    tell("read rows")
    dataset = find_dataset(load_settings().datasets, config.name)
    rows = split_rows(config, dataset, datetime.fromisoformat(request["now"]))
    tell("train")
    # an argument that older commits do not have is left out unless it is needed
    given = {} if request["given"] is None else {"given": request["given"]}
    made = train_bundles(
        config,
        rows,
        folder / BUNDLES_FOLDER,
        lambda done, total: tell("search", done, total),
        **given,
    )
    trained = {"digest": made.digest, "parameters": made.search.parameters}
    (folder / TRAINED_FILE).write_text(json.dumps(trained), "utf-8")


def keep_output() -> Callable[..., None]:
    """Keep the output for what is told of the progress: what the training prints goes where it complains."""
    heard = os.dup(1)
    os.dup2(2, 1)

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        os.write(heard, (json.dumps([step, done, total]) + "\n").encode())

    return tell


def main() -> None:
    """Run it; what is wrong is told in one line, the last one."""
    try:
        train_again(Path(sys.argv[1]), keep_output())
    except Exception as error:  # noqa: BLE001 - the traceback is for whoever keeps the folder
        import traceback

        traceback.print_exc()
        sys.exit(f"error: {' '.join(str(error).split()) or type(error).__name__}")


if __name__ == "__main__":
    main()
