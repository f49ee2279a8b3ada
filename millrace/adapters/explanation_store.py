"""Where is kept what was found of a version as a whole, so that nobody measures it twice?"""

import logging
from pathlib import Path

import msgspec

from millrace.domain.canonical import canonical_json
from millrace.domain.explanation import ModelExplanation
from millrace.durable import replace_file

log = logging.getLogger(__name__)


def keep_explanation(folder: Path, found: ModelExplanation) -> None:
    """Keep what was found of a version, in the place of what was found before."""
    replace_file(_path_of(folder, found.digest), canonical_json(found).encode())


def read_explanation(folder: Path, digest: str) -> ModelExplanation | None:
    """Return what was found of a version last; None where nothing is kept, or nothing that can be read."""
    path = _path_of(folder, digest)
    try:
        return msgspec.json.decode(path.read_bytes(), type=ModelExplanation)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is passed over: %s", path, error)
        return None


def _path_of(folder: Path, digest: str) -> Path:
    return folder / f"{digest}.json"
