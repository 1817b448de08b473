"""The words found by splitting are those that the patterns find."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.classifier.domain.strange import plain_bytes
from services.classifier.domain.word_bytes import MOST_CHUNKS, MOST_STRANGE, Words, read_words
from services.classifier.domain.words import lower, words

ROOM = 40
ALPHABET = "aBz09_'.-$!,€£ \n\t\x1c\x7f\xa0%/éÉßÜσΣİıªǅ²٣«°\u0301\u2019\u2028‿\u2e80一한Ａａ\U0001f600"
PIECES = [
    "$1,000.00 ",
    "FREE!! ",
    "2026 ",
    "WORLD ",
    "don't. ",
    "a" * 25,
    "ÉCOLE ",
    "ΟΔΟΣ ",
    " -- ",
    "...",
    "www.example.org/a ",
    "\r\n",
]


def expected(text: str, room: int) -> Words:
    """The words that the patterns find."""
    word_list = words(text)[:room]
    shouted = ["^" + word.lower() for word in word_list if len(word) > 3 and word.isupper()]
    return Words([word.encode("utf-8", "replace") for word in lower(word_list)], shouted, len(word_list))


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.one_of(st.text(ALPHABET, max_size=12), st.sampled_from(PIECES), st.text(max_size=6))).map("".join))
@example("")
@example("-.'_")
@example("ΑΣ:Α ΑΣ. İI")
@example("$" * 30 + "5" * 30)
@example("İ" + "a" * 25)
def test_the_words_are_those_of_the_patterns(text: str) -> None:
    assert read_words(text, ROOM) == expected(text, ROOM)


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"${number}" for number in range(2 * MOST_CHUNKS)),
        "".join(map(chr, range(0x4E00, 0x4E00 + 2 * MOST_STRANGE))),
        "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства ЕЩЁ",
        "Zwölf BOXKÄMPFER jagen Viktor quer über den großen Sylter Deich, für 5 € oder £7.50.",
        "いろはにほへと ちりぬるを ABC 2026",
    ],
)
@pytest.mark.parametrize("room", [0, 3, 1000])
def test_other_scripts_and_amounts_too(text: str, room: int) -> None:
    assert read_words(text, room) == expected(text, room)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.text(ALPHABET), st.text()))
def test_plain_bytes_are_lower_case_with_single_spaces_and_one_digit(text: str) -> None:
    by_character = " ".join(text.split()).lower().encode("utf-8", "replace")
    assert plain_bytes(text) == by_character.translate(bytes.maketrans(b"123456789", b"000000000"))
