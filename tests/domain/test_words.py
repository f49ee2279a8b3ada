"""Are the words of a text the same however it was written?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.words import MAX_CHARACTERS, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" \t\n\x00\ufeff", ""),
        ("...!?", ""),
        ("A b C", "a b c"),
        ("Straße STRASSE", "strasse strasse"),
        ("zu\u0308rich ZÜRICH", "zürich zürich"),
        ("ﬁn \uff46\uff55\uff4c\uff4c №", "fin full no"),
        ("don't snake_case x-ray", "don t snake case x ray"),
        ("1,234.5 €", "1 234 5"),
        ("ok👍👍", "ok 👍 👍"),
        ("हिन्दी में", "हिन्दी में"),
        ("日本語 テスト", "日本語 テスト"),
        ("# ##", ""),
        ("\ud83d half", "half"),
    ],
)
def test_case_forms_and_marks_are_one(text: str, words: str) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_have_one_space_between_them_and_stay_as_they_are(text: str) -> None:
    words = words_of(text)
    assert words == " ".join(words.split())
    assert words == words.casefold()


def test_what_is_beyond_the_bound_is_not_read() -> None:
    assert words_of("a " * MAX_CHARACTERS + "end") == " ".join(["a"] * (MAX_CHARACTERS // 2))
