"""How does a process that lives long explain without keeping in memory what explains?"""

import msgspec

from millrace.adapters.verbs import VerbFailedError, run_verb
from millrace.domain.explanation import ModelExplanation
from millrace.domain.explanation.logged import AnswerExplanation
from millrace.errors import MillraceError

NOT_AGAIN, NOT_LOGGED = 6, 7
"""How the verb ends where the answer is another one today, and where the log has none."""


class NoSuchAnswerError(MillraceError):
    """The log has no such answer, as the verb says."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(said.removeprefix("error: "))


def explain_model_beside(model: str, digest: str) -> ModelExplanation:
    """Explain a version in a process of its own."""
    return msgspec.json.decode(
        run_verb("explain", model, "--version", digest, "--json"), type=ModelExplanation
    )


def explain_answer_beside(model: str, request_id: str, row: int) -> AnswerExplanation:
    """Explain an answer in a process of its own.

    Raises
    ------
    NoSuchAnswerError
        If the log has none.
    """
    verb = ("explain", model, f"--request={request_id}", f"--row={row}", "--json")
    try:
        said = run_verb(*verb, may_end_with=(NOT_AGAIN,))
    except VerbFailedError as error:
        if error.code == NOT_LOGGED:
            raise NoSuchAnswerError(error.words) from error
        raise
    return msgspec.json.decode(said, type=AnswerExplanation)
