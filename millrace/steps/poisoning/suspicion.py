"""Why does a batch that waits in quarantine wait on?"""

from millrace.domain.config import ModelConfig
from millrace.domain.contract import Violation
from millrace.domain.poisoning.judged import is_suspicion
from millrace.steps.quarantine import find_waiting


def keep_suspicions(config: ModelConfig, digest: str, found: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """Add to what is found why these bytes wait as suspicious, until a person releases them.

    A new day, or a chart that other batches have moved, clears nobody.
    """
    waiting = None if config.poisoning is None else find_waiting(config.name, digest)
    if waiting is None:
        return found
    told = {(one.clause, one.column) for one in found}
    kept = [one for one in waiting.violations if is_suspicion(one) and (one.clause, one.column) not in told]
    return (*found, *kept)
