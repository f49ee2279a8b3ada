"""What is kept of what was found of a version?"""

from millrace.adapters.explanation_store import keep_explanation, read_explanation
from millrace.domain.config import ModelConfig
from millrace.domain.explanation import ModelExplanation
from millrace.errors import MillraceError
from millrace.settings import load_settings
from millrace.steps.stores import model_config

MAX_ROWS = 20_000
"""Of more judged rows a sample is asked about: some hundred answers to each take seconds then."""


def keep(found: ModelExplanation) -> None:
    """Keep what was found of a version, but not that of a smaller sample than usual over that of a larger."""
    before = find_explanation(found.digest)
    if before is None or before.rows <= found.rows or not is_partial(found):
        keep_explanation(load_settings().var / "explanations", found)


def is_partial(found: ModelExplanation) -> bool:
    """Whether fewer rows were asked about than usual."""
    return found.rows < min(MAX_ROWS, found.rows_there)


def find_explanation(digest: str | None) -> ModelExplanation | None:
    """Return what was found of a version last; None where nothing is kept, or there is no version.

    None, too, where it shows values of a column that is hidden since: everybody can read the pages.
    """
    found = read_explanation(load_settings().var / "explanations", digest) if digest else None
    return None if found is None or _shows_hidden(found) else found


def find_hidden(config: ModelConfig) -> frozenset[str]:
    """Return the columns whose values must not be shown."""
    return frozenset({*config.serving_settings.hashed, *config.serving_settings.left_out})


def _shows_hidden(found: ModelExplanation) -> bool:
    try:
        hidden = find_hidden(model_config(found.model))
    except MillraceError:
        return True
    conditions = (one for weak in found.weak.slices for one in weak.conditions)
    starts = tuple(f"{name} " for name in hidden)
    return any(one.name in hidden for one in found.dependence) or any(
        one.startswith(starts) for one in conditions
    )
