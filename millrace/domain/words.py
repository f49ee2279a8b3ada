"""Which words does a text have? The same in training and in serving, whatever splits them later."""

import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt

from millrace.errors import MillraceError

MAX_CHARACTERS = 20_000
"""What is beyond is not read, in training, and refused in serving: one text bounds what a request costs."""


WORD = "[^ ]+"
"""One word of `words_of`, as a regular expression that scikit-learn and onnxruntime read alike."""


class UnreadableTextError(MillraceError):
    """A column of texts holds something else."""

    def __init__(self, found: object) -> None:
        self.found = found
        super().__init__(
            f"{found!r} ({type(found).__name__}) is no text. Compare the rows with [features] text"
        )


class _Marks(dict[int, str]):
    """What becomes of each character, looked up once.

    Letters, digits and marks are parts of words, a symbol such as an emoji is a word, all else parts words.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        kept = character if kind[0] in "LMN" else f" {character} " if kind == "So" else " "
        self[code] = kept
        return kept


_MARKS = _Marks()


def words_of(text: str) -> str:
    """Return the words of a text in its order, with a single space between them.

    Case is folded and forms of a character that look alike are one, by Unicode's NFKC and full case
    folding; so neither scikit-learn nor onnxruntime, which differ, have anything left to fold.

    >>> words_of("Größe: 42, GRÖSSE -- it's 👍!")
    'grösse 42 grösse it s 👍'
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold()
    return " ".join(folded.translate(_MARKS).split())


def word_values(column: Any) -> npt.NDArray[np.object_]:
    """Read a column of texts as words, shape (n_rows,); a null is the empty text.

    Raises
    ------
    UnreadableTextError
        If a value is no text.
    """
    return np.array([words_of(text) for text in _texts(column)], dtype=object)


def text_lengths(column: Any) -> npt.NDArray[np.float64]:
    """Return the length of each text in characters, shape (n_rows,); that of a null is NaN.

    Raises
    ------
    UnreadableTextError
        If a value is no text.
    """
    lengths = [np.nan if is_null(value) else len(_text(value)) for value in _values(column)]
    return np.array(lengths, dtype=np.float64)


def is_null(value: object) -> bool:
    """Whether there is no value: None, NaN or NaT."""
    return value is None or value != value  # noqa: PLR0124 - true of NaN and NaT alone


def _texts(column: Any) -> list[str]:
    return ["" if is_null(value) else _text(value) for value in _values(column)]


def _values(column: Any) -> Any:
    return column.to_numpy(dtype=object, na_value=None).tolist() if hasattr(column, "to_numpy") else column


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UnreadableTextError(value)
    return value
