"""What do all sections of a `model.toml` have in common, and what are their values made of?"""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from millrace.domain.duration import parse_duration
from millrace.domain.schedule import check_cron


def _duration(value: object) -> object:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Cron = Annotated[str, AfterValidator(check_cron)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
MODEL_NAME = r"[a-z][a-z0-9_-]*"
Name = Annotated[str, Field(pattern=f"^{MODEL_NAME}$")]


class Section(BaseModel):
    """What all sections have in common: they are frozen, strict, and refuse a key they do not know."""

    # an infinite margin or a NaN floor would be a gate that is off
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
