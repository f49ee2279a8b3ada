"""A model does not learn from what looks like data about persons, unless model.toml allows it by name."""

from pathlib import Path

import pandas as pd
import pytest

from millrace.adapters.models import find_model, load_source
from millrace.domain.proposal import complete, config_of
from millrace.domain.proposal.allowed import PersonalFeatureError, check_personal, scan_frame
from millrace.domain.proposal.persons import find_personal
from millrace.errors import ModelFileError
from millrace.settings import PROJECT_ROOT
from millrace.steps.contract.proposing import propose_contract_of
from tests.conftest import NOON, Home
from tests.domain.proposed import draft_of, rows
from tests.domain.test_proposal_personal import card, iban
from tests.loop import retrain, take_in

MAIL = 'noise = { type = "float" }\ncontact = { type = "string" }'


def with_mails(home: Home) -> Path:
    """Give the model a column under a name that says nothing, whose values are mail addresses."""
    home.rewrite("fares", 'noise = { type = "float" }', MAIL)
    rows = pd.concat([load_source(home.models, "fares").read_batch(f"2013-0{month}") for month in (1, 2, 3)])
    rows["contact"] = [f"rider.{number % 70}@example.org" for number in range(len(rows))]
    path = home.inbox("fares", "mails.parquet")
    rows.to_parquet(path, index=False)
    return path


def allow(home: Home, *columns: str) -> None:
    home.rewrite("fares", "\n[contract]\n", f"allow_personal = {list(columns)}\n\n[contract]\n")


def test_a_feature_with_mail_addresses_is_refused_with_the_line_to_write(fares: Home) -> None:
    take_in("fares", NOON, [with_mails(fares)])
    fares.rewrite("fares", "categorical = []", 'categorical = ["contact"]')
    with pytest.raises(
        PersonalFeatureError, match=r"contact .mail addresses, by 100% of its values"
    ) as found:
        retrain("fares", NOON)
    assert '`allow_personal = ["contact"]`' in str(found.value)
    assert found.value.found.keys() == {"contact"}


def test_what_is_allowed_by_name_is_learned_from(fares: Home) -> None:
    take_in("fares", NOON, [with_mails(fares)])
    fares.rewrite("fares", "categorical = []", 'categorical = ["contact"]')
    allow(fares, "contact")
    assert retrain("fares", NOON).trained is not None


def test_a_proposal_reports_them_whether_they_are_features_or_not(fares: Home) -> None:
    take_in("fares", NOON, [with_mails(fares)])
    found = propose_contract_of("fares")
    assert found.personal == {"contact": "mail addresses, by 100% of its values"}
    assert found.refused == ()
    fares.rewrite("fares", "categorical = []", 'categorical = ["contact"]')
    assert propose_contract_of("fares").refused == ("contact",)


def test_only_features_can_be_allowed(fares: Home) -> None:
    allow(fares, "tariff")
    with pytest.raises(ModelFileError, match="allow_personal names 'tariff', which is no feature"):
        find_model(fares.models, "fares")


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([f"ann.{number}@example.org" for number in range(200)], "mail addresses"),
        ([f"+43 664 {number:07d}" for number in range(200)], "phone numbers"),
        ([card(number) for number in range(200)], "payment cards"),
        ([iban(number) for number in range(200)], "bank accounts"),
        ([f"{100 + number}-45-6789" for number in range(200)], "national or tax numbers"),
        (["Ann O'Neil", "Jörg Müller", *(f"{first} {last}" for first in ("Ann", "Bob", "Cy", "Dee", "Eve",
          "Fay", "Gus", "Hal") for last in ("Abel", "Beck", "Cole", "Dorn", "Ende", "Fink", "Graf"))],
         "names of persons"),
    ],
)  # fmt: skip
def test_values_are_known_under_a_name_that_says_nothing(fares: Home, values: list[str], held: str) -> None:
    fares.rewrite("fares", "noise =", 'column7 = { type = "string" }\nnoise =')
    fares.rewrite("fares", "categorical = []", 'categorical = ["column7"]')
    config = find_model(fares.models, "fares")
    rows = pd.DataFrame({"distance_km": 1.0, "column7": values})
    with pytest.raises(PersonalFeatureError, match=f"column7 .{held}"):
        check_personal(config, rows)


def test_card_numbers_are_found_as_whole_numbers_too(fares: Home) -> None:
    fares.rewrite("fares", 'numeric = ["distance_km"]', 'numeric = ["luggage"]')
    config = find_model(fares.models, "fares")
    with pytest.raises(PersonalFeatureError, match=r"luggage .payment cards"):
        check_personal(config, pd.DataFrame({"luggage": [int(card(number)) for number in range(200)]}))
    check_personal(config, pd.DataFrame({"luggage": list(range(200))}))


@pytest.mark.parametrize(
    ("name", "values", "held"),
    [
        ("column7", [int(card(number)) for number in range(200)], "payment cards"),
        ("phone", [4_366_412_345 + 7 * number for number in range(200)], "phone numbers, by its name"),
        ("ssn", [100_456_789 + number for number in range(200)], "national or tax numbers, by its name"),
    ],
)
def test_whole_numbers_are_looked_at_as_such_under_the_type_float(
    fares: Home, name: str, values: list[int], held: str
) -> None:
    fares.rewrite("fares", "noise =", f'{name} = {{ type = "float", max_null_share = 0.1 }}\nnoise =')
    fares.rewrite("fares", 'numeric = ["distance_km"]', f'numeric = ["{name}"]')
    config = find_model(fares.models, "fares")
    with pytest.raises(PersonalFeatureError, match=f"{name} .{held}"):
        check_personal(config, pd.DataFrame({name: [*map(float, values), None]}))
    check_personal(config, pd.DataFrame({name: [value + 0.5 for value in values]}))
    check_personal(config, pd.DataFrame({name: [float("inf"), *map(float, values)]}))


def test_no_shipped_model_learns_from_such_columns() -> None:
    models = PROJECT_ROOT / "models"
    for name in ("flights", "progression", "scenery"):
        config = find_model(models, name)
        scan = scan_frame(pd.DataFrame({column: ["AA", "BB"] for column in config.features.names}),
            {column: config.contract.columns[column].type for column in config.features.names})  # fmt: skip
        assert [one.name for one in scan.columns if one.type == "string" and find_personal(one, scan)] == []


def test_what_new_was_told_to_keep_is_allowed_in_the_file_it_writes() -> None:
    table = rows().assign(contact=[f"ann.{number % 9}@example.org" for number in range(400)])
    config = config_of(complete(draft_of(table, "price", keep=("contact",)), None))
    assert config.features.allow_personal == ("contact",)
    check_personal(config, table)
    assert config_of(complete(draft_of(table, "price"), None)).features.allow_personal == ()
