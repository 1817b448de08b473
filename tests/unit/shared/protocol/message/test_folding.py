"""The folding of exact search, over all of Unicode."""

from __future__ import annotations

import random
import sys
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.protocol.message.folding import Unfolding, fold

EVERYTHING = [chr(code) for code in range(sys.maxunicode + 1)]
LETTERS = st.text(st.one_of(st.sampled_from("aΣσςßİıŉﬁﬃΐǰK\u0307\u0345'. 😀"), st.characters()), max_size=12)


def test_every_character_is_folded_for_itself() -> None:
    """In any order of neighbours: no final sigma, no letter that a following mark changes."""
    characters = EVERYTHING.copy()
    random.Random(1).shuffle(characters)
    assert fold("".join(characters)) == "".join(map(fold, characters))


@pytest.mark.parametrize(("before", "after"), [("a", ""), ("a", "a"), ("", "Σ"), ("I", "\u0307"), ("\u0345", " ")])
def test_no_neighbour_changes_a_folding(before: str, after: str) -> None:
    separator = "\0"
    text = separator.join(before + character + after for character in EVERYTHING)
    assert fold(text) == separator.join(fold(before) + fold(character) + fold(after) for character in EVERYTHING)


def test_a_folded_text_stays_as_it_is() -> None:
    assert [character for character in EVERYTHING if fold(fold(character)) != fold(character)] == []


def test_it_is_what_reading_has_always_compared() -> None:
    assert [character for character in EVERYTHING if fold(character) != character.casefold()] == []


@given(LETTERS, LETTERS)
@example("ΑΣ", "Α")
@example("I", "\u0307")
def test_pages_may_be_folded_apart(first: str, second: str) -> None:
    assert fold(first + second) == fold(first) + fold(second)


def test_every_character_is_found_from_its_folded_form() -> None:
    """All characters that grow are known: the offsets of a text of all characters come out right."""
    unfolding = Unfolding("".join(EVERYTHING))
    ends = list(accumulate(len(fold(character)) for character in EVERYTHING))
    spans = zip([0, *ends], ends, range(len(EVERYTHING)), strict=False)
    wrong = [place for start, end, place in spans if unfolding.original(start, end) != (place, place + 1)]
    assert wrong == []
    assert unfolding.original(ends[0xDF] - 1, ends[0xDF]) == (0xDF, 0xE0)  # the second s of ß


@given(LETTERS, st.data())
def test_a_folded_range_comes_from_the_smallest_range_that_holds_it(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    if not folded:
        return
    start = data.draw(st.integers(0, len(folded) - 1))
    end = data.draw(st.integers(start + 1, len(folded)))
    low, high = Unfolding(text).original(start, end)
    assert len(fold(text[:low])) <= start < len(fold(text[: low + 1]))
    assert len(fold(text[: high - 1])) < end <= len(fold(text[:high]))


@pytest.mark.parametrize(
    ("text", "needle", "part"),
    [
        ("Die Straße", "strasse", "Straße"),
        ("Die Straße", "s", "S"),
        ("a fine ﬁne", "fin", "fin"),
        ("ﬁne", "fin", "ﬁn"),
        ("ﬁne", "in", "ﬁn"),
        ("İstanbul", "i̇st", "İst"),
        ("ﬃ ﬃx", " ff", " ﬃ"),
    ],
)
def test_hits_are_found_in_the_text_as_it_was(text: str, needle: str, part: str) -> None:
    at = fold(text).index(fold(needle))
    start, end = Unfolding(text).original(at, at + len(fold(needle)))
    assert text[start:end] == part
