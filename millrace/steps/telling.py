"""What may be said of an error in a check?"""

from millrace.domain.config import ModelConfig
from millrace.domain.poisoning.cells import EndlessSpreadError
from millrace.steps.poisoning.champion import NoAnswerError, OtherFeaturesError

_NAMES_ONLY = (EndlessSpreadError, NoAnswerError, OtherFeaturesError)
"""These name columns or count rows, and quote no value of any."""


def tell_error(config: ModelConfig, error: Exception) -> str:
    """Say what went wrong; of what may quote a hidden column its kind alone."""
    if isinstance(error, _NAMES_ONLY):
        return str(error)
    return type(error).__name__ if config.hidden else f"{type(error).__name__}: {error}"
