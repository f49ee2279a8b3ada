"""Does a column look like data about persons, by its name or by what stands in it?"""

import ipaddress
import re
from collections.abc import Callable, Sequence

from millrace.domain.proposal.words import joined, words_of

NAMES: dict[str, tuple[str, ...]] = {
    "mail addresses": (
        "email", "mail", "emailaddress", "mailaddress", "correo", "correoelectronico", "courriel", "epost",
        "emailadresse", "mailadresse", "posta", "postaelettronica",
    ),
    "phone numbers": (
        "phone", "phonenumber", "telephone", "telefon", "telefonnummer", "tel", "mobile", "mobilephone",
        "mobilenumber", "handy", "handynummer", "cellphone", "celular", "telefono", "telefone", "telefoon",
        "movil", "fax", "msisdn", "mobilnummer",
    ),
    "names of persons": (
        "firstname", "lastname", "surname", "givenname", "familyname", "fullname", "middlename", "maidenname",
        "forename", "vorname", "nachname", "familienname", "prenom", "nomdefamille", "nombre", "apellido",
        "apellidos", "cognome", "sobrenome", "nomecompleto", "nombrecompleto", "voornaam", "achternaam",
        "fornavn", "etternavn", "efternamn", "fornamn", "imie", "nazwisko", "personname", "customername",
        "clientname", "patientname", "username", "employeename", "contactname", "cardholder", "passengername",
        "membername", "studentname", "drivername", "guestname", "kundenname",
    ),
    "payment cards": (
        "creditcard", "creditcardnumber", "cardnumber", "ccnumber", "ccnum", "debitcard", "kreditkarte",
        "kreditkartennummer", "kartennummer", "numerocarte", "numerotarjeta", "tarjeta", "cartaodecredito",
    ),
    "bank accounts": (
        "iban", "accountnumber", "bankaccount", "kontonummer", "bankverbindung", "numerodecuenta",
        "rekeningnummer",
    ),
    "national or tax numbers": (
        "ssn", "socialsecurity", "socialsecuritynumber", "nationalid", "nationalidnumber",
        "nationalinsurance",        "passport", "passportnumber", "idcard", "personnummer", "taxid",
        "taxnumber", "taxpayerid", "tin",
        "steuernummer", "steuerid", "sozialversicherungsnummer", "svnr", "ausweisnummer", "reisepass", "dni",
        "nif", "nie", "cpf", "cnpj", "rfc", "curp", "bsn", "codicefiscale", "pesel", "aadhaar", "nhsnumber",
        "numerosecuritesociale", "nir", "insee", "driverslicense", "driverlicense", "fuhrerschein",
    ),
    "network addresses": ("ip", "ipaddress", "ipaddr", "ipv4", "ipv6", "clientip", "remoteip", "sourceip",
        "macaddress", "ipadresse",
    ),
    "postal addresses": (
        "address", "streetaddress", "street", "postaladdress", "homeaddress", "addressline1", "addressline2",
        "addressline", "adresse", "anschrift", "strasse", "hausnummer", "direccion", "calle", "domicilio",
        "indirizzo", "endereco", "rua", "rue", "adres", "straat",
    ),
    "dates of birth": (
        "birthdate", "birthday", "dateofbirth", "dob", "birth", "geburtsdatum", "geburtstag", "geboren",
        "datedenaissance", "datenaissance", "fechadenacimiento", "fechanacimiento", "datadinascita",
        "datanascita", "datadenascimento", "datanascimento", "geboortedatum", "fodselsdato", "fodelsedatum",
    ),
}  # fmt: skip
"""Names of columns by what they hold, in a dozen languages, without accents, spaces and underscores."""

WHOLE_WORDS = frozenset({"email", "phone", "iban", "ssn", "passport", "telefon", "surname", "vorname",
    "nachname", "birthdate", "birthday", "dob", "geburtsdatum", "prenom", "apellido", "cognome"})  # fmt: skip
"""Of these one word of a longer name is enough: `home_phone`, `customer email`."""

NAME_WORDS = frozenset({"name", "names", "namen", "nom", "noms", "nome", "nombre", "naam", "navn", "namn",
    "nimi",     "imie", "jmeno", "meno", "nev", "ime", "isim", "ad"})  # fmt: skip
"""A word for name alone may be that of a product too: the values have to look like persons."""

ENOUGH = 0.5
"""A form that half of the values have is no accident; more exact checks ask for more."""

MOSTLY = 0.9
"""One number of ten passes the check digit of payment cards by chance."""

_FULL_NAME = re.compile(r"([^\W\d_][\w.'\u2019-]*,? ){1,3}[^\W\d_][\w'\u2019-]*")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{6,20}")
_STREET = re.compile(
    r"\d+\s+\S.*\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|way)\b\.?.*"
    r"|(?:rue|avenue|calle|via|rua|piazza|plaza)\s+\S.*"
    r"|.*(stra(ss|ß)e|str\.|weg|gasse|platz|allee)\s*\d+.*",
    re.IGNORECASE,
)
_SOCIAL = re.compile(r"\d{3}-\d{2}-\d{4}")
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?.*|\d\d?[-/.]\d\d?[-/.]\d{2,4}.*")
_CARD = re.compile(r"[0-9][0-9 -]{11,22}[0-9]")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_PHONE_DIGITS = range(7, 16)
_CARD_DIGITS = range(13, 20)


def personal_by_name(name: str) -> str | None:
    """Say what a column of that name holds about persons, None where the name says nothing of the kind."""
    whole, words = joined(name), words_of(name)
    for kind, names in NAMES.items():
        if whole in names or any(word in names and word in WHOLE_WORDS for word in words):
            return kind
    return None


def personal_by_values(values: Sequence[str]) -> tuple[str, float] | None:
    """Say what the values hold about persons and in which share of them, None where nothing of the kind.

    Parameters
    ----------
    values
        Distinct values as texts, without nulls.
    """
    if not values:
        return None
    for kind, looks_so, needed in _FORMS:
        share = sum(looks_so(value.strip()) for value in values) / len(values)
        if share >= needed:
            return kind, share
    return None


def is_full_name(text: str) -> bool:
    """Say whether a text is two to four capitalised words, as the names of persons are.

    >>> [is_full_name(text) for text in ("Ann O'Neil", "Müller, Jörg", "late delivery", "Oak Street 7")]
    [True, True, False, False]
    """
    words = text.strip().split(" ")
    return _FULL_NAME.fullmatch(text.strip()) is not None and all(word[0].isupper() for word in words)


def passes_luhn(digits: str) -> bool:
    """Say whether the check digit of a payment card is right.

    >>> passes_luhn("4111111111111111"), passes_luhn("4111111111111112")
    (True, False)
    """
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Say whether a text is an account number with the right check digits (ISO 13616).

    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE89 3704 0044 0532 0130 01")
    (True, False)
    """
    plain = text.replace(" ", "").upper()
    if _IBAN.fullmatch(plain) is None:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _is_mail(text: str) -> bool:
    return _MAIL.fullmatch(text) is not None


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return _CARD.fullmatch(text) is not None and len(digits) in _CARD_DIGITS and passes_luhn(digits)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return not text.isdigit()


def _is_phone(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    marked = text.startswith("+") or sum(mark in text for mark in " -()/") > 0
    is_date = _DATE.fullmatch(text) is not None
    return marked and not is_date and digits in _PHONE_DIGITS and _PHONE.fullmatch(text) is not None


def _is_social(text: str) -> bool:
    return _SOCIAL.fullmatch(text) is not None


def _is_street(text: str) -> bool:
    return _STREET.fullmatch(text) is not None


_FORMS: tuple[tuple[str, Callable[[str], bool], float], ...] = (
    ("mail addresses", _is_mail, ENOUGH),
    ("bank accounts", is_iban, ENOUGH),
    ("payment cards", _is_card, MOSTLY),
    ("network addresses", _is_address, ENOUGH),
    ("national or tax numbers", _is_social, ENOUGH),
    ("phone numbers", _is_phone, MOSTLY),
    ("postal addresses", _is_street, ENOUGH),
)
