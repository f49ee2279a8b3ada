"""Does a column name a group that people must not be treated differently for?"""

from millrace.domain.proposal.words import joined, words_of

SENSITIVE = frozenset({
    "sex", "gender", "geschlecht", "sexe", "sexo", "sesso", "genero", "genre", "geslacht", "kon", "kjonn",
    "plec",    "age", "agegroup", "alter", "altersgruppe", "edad", "eta", "idade", "leeftijd",
    "race", "ethnicity", "ethnic", "ethnicgroup", "ethnie", "etnia", "raza", "raca", "razza", "skincolor",
    "hautfarbe", "religion", "religione", "religiao", "faith", "konfession", "godsdienst",
    "nationality", "nationalitat", "nationalite", "nacionalidad", "nacionalidade", "nazionalita",
    "citizenship", "staatsangehorigkeit", "countryofbirth", "nativecountry", "foreignworker",
    "migrationshintergrund",
    "disability", "disabled", "behinderung", "handicap", "discapacidad", "deficiencia", "disabilita",
    "maritalstatus", "marital", "married", "familienstand", "etatcivil", "estadocivil", "statocivile",
    "personalstatus", "sexualorientation", "pregnant", "pregnancy", "schwanger", "veteran", "political",
})  # fmt: skip
"""Names of protected characteristics in several languages, without accents, spaces and underscores."""

_COMPANIONS = frozenset({
    "years", "year", "in", "of", "the", "group", "person", "customer", "client",
    "patient", "applicant", "status", "code", "band", "class", "jahre", "anos", "ans"})  # fmt: skip


def is_sensitive(name: str) -> bool:
    """Say whether a column's name is one of a protected characteristic; `plane_age` is none.

    >>> is_sensitive("Sex"), is_sensitive("age_years"), is_sensitive("plane_age"), is_sensitive("usage")
    (True, True, False, False)
    """
    words = words_of(name)
    rest = [word for word in words if word not in SENSITIVE]
    said = len(rest) < len(words) and all(word in _COMPANIONS or word.isdigit() for word in rest)
    return said or joined(name) in SENSITIVE
