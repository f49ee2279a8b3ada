"""What is kept of what was found of a version?"""

from millrace.adapters.explanation_store import keep_explanation, read_explanation
from millrace.domain.explanation import ModelExplanation
from millrace.settings import load_settings


def keep(found: ModelExplanation) -> None:
    """Keep what was found of a version, in the place of what was found before."""
    keep_explanation(load_settings().var / "explanations", found)


def find_explanation(digest: str | None) -> ModelExplanation | None:
    """Return what was found of a version last; None where nothing is kept, or there is no version."""
    return read_explanation(load_settings().var / "explanations", digest) if digest else None
