"""Personal data is found by name and by value, reported, and left out unless it is named."""

import numpy as np
import pytest

from millrace.domain.proposal import Cause, complete, config_of, model_file
from millrace.domain.proposal.personal import personal_by_name, personal_by_values
from tests.domain.proposed import draft_of, rows

NUMBERS = range(400)


def iban(number: int) -> str:
    plain = f"{37040044:08d}{number:010d}"
    check = 98 - int(f"{plain}131400") % 97
    return f"DE{check:02d}{plain}"


def card(number: int) -> str:
    plain = f"411111{number:09d}"
    doubled = [int(digit) * (1 + (at + 1) % 2) for at, digit in enumerate(reversed(plain))]
    return plain + str(-sum(one // 10 + one % 10 for one in doubled) % 10)


@pytest.mark.parametrize(
    "name",
    ["email", "E-Mail Adresse", "customer_email", "correo electrónico", "Telefon", "home phone", "firstName",
     "Nachname", "prénom", "apellidos", "cognome", "ssn", "Steuernummer", "codice fiscale", "IBAN",
     "ip_address",     "Straße", "dirección", "date_of_birth", "Geburtsdatum", "fecha nacimiento",
     "credit card number"],
)  # fmt: skip
def test_names_in_many_languages_are_known(name: str) -> None:
    assert personal_by_name(name) is not None


@pytest.mark.parametrize(
    "name",
    ["price", "area", "mailing_count", "stock", "phoneme", "pipeline", "tip", "zip_ratio", "address_count"],
)
def test_names_of_other_things_are_not(name: str) -> None:
    assert personal_by_name(name) is None


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("mail addresses", [f"ann.{number}@example.org" for number in NUMBERS]),
        ("phone numbers", [f"+43 664 {number:07d}" for number in NUMBERS]),
        ("payment cards", [card(number) for number in NUMBERS]),
        ("bank accounts", [iban(number) for number in NUMBERS]),
        ("network addresses", [f"10.0.{number % 250}.{number // 250}" for number in NUMBERS]),
        ("national or tax numbers", [f"{100 + number}-45-6789" for number in NUMBERS]),
        ("postal addresses", [f"{number} Elm Street" for number in NUMBERS]),
        ("postal addresses", [f"Lindenstraße {number}" for number in NUMBERS]),
    ],
)
def test_values_are_known_under_any_name(kind: str, values: list[str]) -> None:
    found = personal_by_values(values)
    assert found is not None
    assert found[0] == kind
    draft = draft_of(rows().assign(c7=values), "price")
    assert {one.column: one.cause for one in draft.left_out} == {"c7": Cause.PERSONAL}
    assert draft.key == ()


@pytest.mark.parametrize(
    "values",
    [
        [f"{number}.5" for number in NUMBERS],
        [f"2024-01-{number % 28 + 1:02d}" for number in NUMBERS],
        [f"{4_111_111_111_111_111 + 7 * number}" for number in NUMBERS],
        [f"AB-{number:05d}" for number in NUMBERS],
    ],
)
def test_other_values_are_not(values: list[str]) -> None:
    assert personal_by_values(values) is None


def test_personal_columns_are_not_even_kept() -> None:
    draft = draft_of(rows().assign(email=[f"a{number}@b.org" for number in NUMBERS]), "price")
    config = config_of(complete(draft, None))
    assert "email" not in config.features.names
    assert "email" not in config.contract.columns
    assert config.contract.ignored == ("email",)


def test_keep_makes_it_a_feature_and_a_comment_says_so() -> None:
    streets = np.random.default_rng(0).choice([f"Oak Street {number}" for number in range(15)], 400)
    draft = draft_of(rows().assign(street=streets), "price", keep=("street",))
    assert "street" in draft.of_kind("categorical")
    assert "kept because --keep names it" in model_file(complete(draft, None))


def test_a_personal_key_is_allowed_and_logged_as_a_hash() -> None:
    draft = draft_of(rows().assign(email=[f"a{number}@b.org" for number in NUMBERS]), "price", key=("email",))
    config = config_of(complete(draft, None))
    assert config.data.key == ("email",)
    assert config.serving is not None
    assert config.serving.hash == ("email",)


FIRST = ["Ann", "Bob", "Carla", "David", "Eva", "Fritz", "Gina", "Hans", "Ines", "Jörg"]


@pytest.mark.parametrize("name", ["Name", "nom", "c7"])
def test_full_names_are_persons_under_any_name(name: str) -> None:
    values = [
        f"{FIRST[number % 10]} M{chr(97 + number % 26)}{chr(97 + number // 26)}er" for number in NUMBERS
    ]
    draft = draft_of(rows().assign(**{name: values}), "price")
    assert {one.column: one.cause for one in draft.left_out} == {name: Cause.PERSONAL}


@pytest.mark.parametrize("name", ["Vorname", "Nachname", "first_name"])
def test_few_first_names_are_persons_too(name: str) -> None:
    draft = draft_of(rows().assign(**{name: np.resize(FIRST[:8], 400)}), "price")
    assert {one.column: one.cause for one in draft.left_out} == {name: Cause.PERSONAL}


def test_different_texts_under_a_word_for_name_are_persons_and_codes_are_not() -> None:
    draft = draft_of(rows().assign(Name=[f"Max {number}" for number in NUMBERS]), "price")
    assert {one.column: one.cause for one in draft.left_out} == {"Name": Cause.PERSONAL}
    codes = draft_of(rows().assign(Name=[f"X{number:04d}" for number in NUMBERS]), "price")
    assert Cause.PERSONAL not in {one.cause for one in codes.left_out}


def test_a_name_that_repeats_is_that_of_a_thing() -> None:
    draft = draft_of(rows().assign(name=np.resize(["large", "small", "flat"], 400)), "price")
    assert "name" in draft.of_kind("categorical")
    towns = draft_of(rows().assign(town=np.resize(["New York", "Los Angeles", "San Diego"], 400)), "price")
    assert "town" in towns.of_kind("categorical")
