"""How fast may a model go stale?"""

from datetime import timedelta

from pydantic import Field

from millrace.domain.config.section import Duration, Section


class StalenessPolicy(Section):
    """What may be lost between two retrainings: loss against the age of the model, by walking back in time.

    The same estimator learns from rows up to several days further and further back, and each answers the same
    recent rows. For models with `[data]` `time`.
    """

    horizon: Duration = Field(gt=timedelta(0))
    """How long a version serves between two retrainings: the greatest age that is asked about."""
    max_decay: float = Field(ge=0.0)
    """How much more it may lose at that age than when it is fresh, in units of the gate's metric."""
    steps: int = Field(ge=1)
    """At so many ages up to the horizon, evenly apart, the loss is measured; only the last one decides."""
    rows: int = Field(ge=100)
    """Each learns from about so many rows at most, of whole blocks."""
    max_data_age: Duration
    """By how much the newest block it learned from may be older than the newest that judges it."""
