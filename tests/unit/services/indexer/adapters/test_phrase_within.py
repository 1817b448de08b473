"""A text that contains a needle has the words that `phrase_within` gives, whatever is around the needle."""

from __future__ import annotations

import random

import apsw

from services.indexer.adapters.word_expression import phrase_within
from services.indexer.adapters.word_table import WORD_SCHEMA, WordTexts, add_words

ASCII = "aabbccdd  -.'"
OTHERS = "é\n\u0301\u0327\u0338\u00ad\u200d\u200c\ufb01語ا"
ALPHABET = ASCII * 12 + OTHERS


def test_no_text_is_left_out() -> None:
    chance = random.Random(3)
    connection = apsw.Connection("")
    connection.execute(WORD_SCHEMA)
    asked = 0
    for number in range(1, 3000):
        text = "".join(chance.choices(ALPHABET, k=60)).casefold()
        if number % 10 == 0:
            text = text.replace(" ", "x" * 70 + " ")
        add_words(connection, number, WordTexts("", "", "", text))
        start = chance.randrange(len(text))
        needle = text[start : start + chance.randint(4, 30)]
        if phrase := phrase_within(needle):
            asked += 1
            query = "SELECT 1 FROM word WHERE word MATCH ? AND rowid = ?"
            assert connection.execute(query, (phrase, number)).fetchall(), (text, needle, phrase)
    assert asked > 200


def test_what_is_asked() -> None:
    assert phrase_within("of the company") == 'body : "the compan" *'
    assert phrase_within("click here, please ") == 'body : "here please" *'
    assert phrase_within("k here") == ""
    assert phrase_within("unsubscribe") == ""
    assert phrase_within("the café there") == ""
