"""Which columns may a gate group rows by?"""

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from millrace.domain.config import ModelConfig
from tests.conftest import PLANTED

SECTIONS: dict[str, dict[str, Any]] = {
    "slices": {"columns": ["tariff"], "max_harm": 1.0, "min_blocks": 14, "min_share": 0.05},
    "fairness": {"columns": ["tariff"], "max_error_difference": 0.2, "min_rows": 100, "min_share": 0.05},
}


def config(section: str, **changes: Any) -> ModelConfig:
    document = tomllib.loads((PLANTED / "fares" / "model.toml").read_text("utf-8"))
    document["gate"][section] = {**SECTIONS[section], **changes}
    return ModelConfig.model_validate(document)


@pytest.mark.parametrize("section", SECTIONS)
def test_any_column_of_the_rows_will_do_a_feature_or_not(section: str) -> None:
    found = config(section, columns=["tariff", "luggage", "tariff * luggage"], bins=3)
    assert getattr(found.gate, section).columns == ("tariff", "luggage", "tariff * luggage")


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (["colour"], "'colour', which is not in"),
        (["tariff*colour"], "'colour', which is not in"),
        (["fare"], "'fare', the target"),
        (["at"], "'at', a timestamp"),
        (["luggage"], "'luggage', a number, and bins does not say"),
        (["tariff*tariff"], "'tariff\\*tariff': one column, or two different ones"),
        (["tariff*noise*ride"], "one column, or two different ones"),
        (["tariff", "tariff"], "names a column twice"),
        ([], "at least 1 item"),
    ],
)
def test_a_column_that_cannot_group_rows_is_refused_at_load(
    section: str, columns: list[str], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        config(section, columns=columns)


def test_a_measure_of_another_task_is_refused_at_load() -> None:
    with pytest.raises(ValidationError, match="max_parity_difference means nothing for a regression model"):
        config("fairness", max_parity_difference=0.1)
