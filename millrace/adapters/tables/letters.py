"""Which encoding makes the letters of these bytes those of one language?"""

import re
from dataclasses import dataclass

_LANGUAGES: tuple[tuple[str, str], ...] = (
    ("cp1252", "äöüßé"),  # German
    ("cp1252", "áéíóúüñ"),  # Spanish
    ("cp1252", "áâãàçéêíóôõúü"),  # Portuguese
    ("cp1252", "âçéèêëîïôœûüÿæ"),  # French
    ("cp1252", "åäöé"),  # Swedish, Finnish
    ("cp1252", "æøåé"),  # Danish, Norwegian
    ("cp1252", "ëïéèöü"),  # Dutch
    ("cp1252", "çàèéíïòóúü"),  # Catalan
    ("cp1254", "çğıöşüâîûi\u0307"),  # Turkish  # noqa: RUF001 - the letter without a dot
    ("cp1250", "ąćęłńóśźż"),  # Polish
    ("cp1250", "áčďéěíňóřšťúůýž"),  # Czech
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),  # Slovak
    ("cp1250", "áéíóöőúüű"),  # Hungarian
    ("cp1250", "ăâîşţ"),  # Romanian
    ("cp1250", "čćđšž"),  # Croatian, Slovenian
    ("cp1257", "ąčęėįšųūž"),  # Lithuanian
    ("cp1257", "āčēģīķļņšūž"),  # Latvian
    ("cp1257", "äõöüšž"),  # Estonian
)
_ICELANDIC = "áðéíóúýþæö"
"""In Turkish the bytes of ð, þ and ý are the commonest letters: Icelandic counts among the mixed ones."""
_AT_END = "àèéìòù"
"""In Italian, and of à and ù in French, accents stand on the last letter."""
_ENCODINGS = tuple(dict.fromkeys(encoding for encoding, _ in _LANGUAGES))
_MIXED = 0.9
"""Names of several western languages are likelier than those of one other that fits a little better."""
_WESTERN = "cp1252"
_MIN_FIT = 0.7
_DOUBT = 0.1
_VOWELS = set("aeiouáéíóú")
_SIGNS = set("°€£§µ²³–—‘’“”„´…·ªº½¼¾«»©®¿¡¹×÷\u00a0")  # noqa: RUF001 - what a text may hold
_ALONE_SHARE = 0.5
"""Of the letters with accents so many stand among plain ones in Latin letters, hardly any in Cyrillic."""
_RUN = re.compile(rb"[A-Za-z\x80-\xff]+")


@dataclass(frozen=True)
class Reading:
    """An encoding, and the words another one would read differently: how this one does, and how that."""

    encoding: str
    other: str | None = None
    words: tuple[tuple[str, str], ...] = ()


def read_latin(sample: bytes) -> Reading | None:
    """Find the encoding whose letters are one language's; None where the bytes are no Latin letters.

    charset-normalizer, which is asked about other letters, is not enough for these: of cp1252 and cp1250,
    which both have a letter for nearly every byte, it mostly takes cp1250 for western names, and cp1252
    for Polish ones. Of 13 short lists of names in as many languages it read 10 otherwise than they were
    written, and 7 where each was 60 times as long.
    """
    words = {run for run in _RUN.findall(sample) if not run.isascii()}
    if not words or not _is_latin(words):
        return None
    fits = {encoding: _fit(words, encoding) for encoding in _ENCODINGS}
    best = max(fits, key=lambda one: fits[one])
    if fits[best] < _MIN_FIT:
        return None
    others = [one for one in fits if fits[one] >= fits[best] - _DOUBT and _differ(words, best, one)]
    if not others:
        return Reading(best)
    other = max(others, key=lambda one: fits[one])
    return Reading(best, other, tuple(_differ(words, best, other)[:2]))


def _is_latin(words: set[bytes]) -> bool:
    """Bytes beyond ASCII stand alone in Latin letters."""
    odd = [[byte > 127 for byte in word] for word in words]  # noqa: PLR2004 - the last of ASCII
    alone = sum(_count_alone(word) for word in odd)
    return alone >= _ALONE_SHARE * sum(map(sum, odd))


def _count_alone(odd: list[bool]) -> int:
    around = zip([False, *odd[:-1]], odd, [*odd[1:], False], strict=True)
    return sum(it and not before and not after for before, it, after in around)


def _differ(words: set[bytes], one: str, other: str) -> list[tuple[str, str]]:
    read = (
        (word.decode(one, errors="replace"), word.decode(other, errors="replace")) for word in sorted(words)
    )
    return [(this, that) for this, that in read if this != that]


def _fit(words: set[bytes], encoding: str) -> float:
    """The share of letters beyond ASCII that a language of the encoding has, that of the best one."""
    try:
        texts = [word.decode(encoding) for word in words]
    except UnicodeDecodeError:
        return 0.0
    places = [(text, place) for text in texts for place, one in enumerate(text) if not one.isascii()]
    telling = [(text, place) for text, place in places if not _is_sign(text, place)]
    if not telling:
        return 1.0 if encoding == _WESTERN else 0.0
    shares = [
        sum(_belongs(text, place, letters) for text, place in telling) / len(telling)
        for known, letters in _LANGUAGES
        if known == encoding
    ]
    if encoding == _WESTERN:
        shares.append(_MIXED * sum(_is_western(text, place) for text, place in telling) / len(telling))
    return max(shares)


def _is_sign(text: str, place: int) -> bool:
    """Say whether it is a sign where signs stand: between letters it was meant to be one."""
    return text[place] in _SIGNS and not (
        text[place - 1 : place].isalpha() and text[place + 1 : place + 2].isalpha()
    )


def _belongs(text: str, place: int, letters: str) -> bool:
    letter = text[place].lower()
    if letter == "ñ" and text[place + 1 : place + 2].lower() not in _VOWELS:
        return False
    return letter in letters or (letter in _AT_END and place + 1 == len(text) and "é" in letters)


def _is_western(text: str, place: int) -> bool:
    alphabets = [letters for known, letters in _LANGUAGES if known == _WESTERN]
    return any(_belongs(text, place, letters) for letters in (*alphabets, _ICELANDIC))
