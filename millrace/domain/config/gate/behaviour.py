"""How long may the tests of a model's folder take?"""

from datetime import timedelta

from pydantic import Field

from millrace.domain.config.section import Duration, Section


class BehaviourPolicy(Section):
    """The tests in `models/<name>/tests` are asked of every challenger."""

    timeout: Duration = Field(ge=timedelta(seconds=1))
    """After so long they are stopped, and nothing is known."""
