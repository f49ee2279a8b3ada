"""Of which words is the name of a column made?"""

import re
import unicodedata

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe"})


def plain(text: str) -> str:
    """Return small letters without accents.

    >>> plain("Straße"), plain("Prénom")
    ('strasse', 'prenom')
    """
    folded = unicodedata.normalize("NFKD", text.lower().translate(_FOLDED))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def words_of(name: str) -> tuple[str, ...]:
    """Split a name at underscores, spaces, capitals and the like.

    >>> words_of("dateOfBirth"), words_of("E-Mail Adresse"), words_of("IPAddress")
    (('date', 'of', 'birth'), ('e', 'mail', 'adresse'), ('ip', 'address'))
    """
    parts = re.split(r"[^\w]+|_+", _CAMEL.sub(" ", name))
    return tuple(plain(part) for part in parts if part)


def joined(name: str) -> str:
    """Return the words of a name without anything between them.

    >>> joined("date_of-birth")
    'dateofbirth'
    """
    return "".join(words_of(name))
