"""Why does a batch that waits in quarantine wait on?"""

from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import is_suspicion, list_unseen
from millrace.steps.quarantine import find_waiting


def keep_suspicions(config: ModelConfig, digest: str, found: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """Add to what is found why these bytes wait as suspicious, until a person releases them.

    A new day, or a chart that other batches have moved, clears nobody.
    """
    waiting = None if config.poisoning is None else find_waiting(config.name, digest)
    if waiting is None:
        return found
    suspicions = [one for one in waiting.violations if is_suspicion(one)]
    return (*found, *list_unseen(suspicions, found))
