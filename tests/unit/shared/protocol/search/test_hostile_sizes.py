"""Search queries and texts of hostile sizes: each is answered or refused, after work that does not grow faster."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.protocol.message.folding import Unfolding, fold
from shared.protocol.search.hits import hits
from shared.protocol.search.jmap_filter import filter_tree
from shared.protocol.search.query import LONGEST_QUERY, QueryError, SearchField, TextKey, WordKey, keys
from shared.protocol.search.query_parser import parse_query
from shared.protocol.search.snippets import preview
from shared.protocol.search.words import LONGEST_TOKEN, query_words, words

NOW = datetime(2026, 3, 31, tzinfo=UTC)
OCTETS = 1 << 20
LARGEST = 8 << 20
"""As many as reading examines in a message."""


@pytest.mark.parametrize(
    "query",
    [
        "a" * (1 << 20),
        "a " * (1 << 19),
        "🎉" * (1 << 18),
        "(" * 10_000 + "a" + ")" * 10_000,
        "(" * 4000 + "a" + ")" * 4000,
        "from:(" * 1300 + "a",
        "a OR " * 1600 + "a",
        '"' + "a " * 4000 + '"',
        '"a" ' * 2000,
        '"' * 8191,
        "“" * 2730,
        "東" * 2730,
        "a" * LONGEST_QUERY + "*" * 2,
    ],
    ids=lambda query: f"{query[:6]} {len(query)}",
)
def test_queries_are_refused_in_a_sentence(query: str) -> None:
    with pytest.raises(QueryError) as error:
        parse_query(query, NOW)
    assert len(error.value.sentence) < 200


def test_many_negations_are_one_or_none() -> None:
    assert parse_query("NOT " * 2000 + "ab", NOW) == parse_query("ab", NOW)
    assert parse_query("NOT " * 2001 + "ab", NOW) == parse_query("-ab", NOW)


def test_a_filter_is_refused_before_it_is_read_whole() -> None:
    deep: object = {"text": "a"}
    for _ in range(100_000):
        deep = {"operator": "NOT", "conditions": [deep]}
    wide = {"operator": "OR", "conditions": [{"text": "a"}] * 1_000_000}
    for value in (deep, wide, {"text": "a " * 1_000_000}, {"header": ["x" * 1_000_000]}):
        with pytest.raises(QueryError):
            filter_tree(value)


@pytest.mark.parametrize("character", [*"xéж東ก🎉ßﷺ㋿㍍ｶ", "\u0301", "\ud800", "\u200c", "\U000e0100"])
def test_a_text_without_spaces_becomes_words(character: str) -> None:
    """The words of a text are a few times as large as the text, whatever it is of."""
    count = (LARGEST if character in "x東" else OCTETS) // len(character.encode("utf-8", "surrogatepass"))
    result = words(character * count)
    assert len(result.encode()) <= 28 * count
    assert max(map(len, result.split()), default=0) <= LONGEST_TOKEN


def test_a_text_of_all_characters_becomes_words() -> None:
    text = "".join(chr(code) for code in range(0x110000) if code % 7)
    assert words(text)


@pytest.mark.parametrize("character", ["x", "東", "ß", "🎉 ", "\u0301", "a b "])
def test_snippets_of_large_texts(character: str) -> None:
    text = character * (OCTETS // len(character.encode()))
    sought = [WordKey(SearchField.BODY, query_words(part)) for part in ("x", "東東", "a b a", "b")]
    sought += [TextKey(SearchField.BODY, part) for part in ("s", "🎉", "x" * 1000)]  # type: ignore[list-item]
    assert len(hits(text, sought)) < 1000
    snippet = preview([text] * 3, sought)
    assert snippet is None or len(snippet.html.encode()) <= 255


def test_a_long_word_is_found_by_its_beginning() -> None:
    assert words("x" * OCTETS + " y") == "x" * LONGEST_TOKEN + " y"
    assert query_words("x" * OCTETS).tokens == ("x" * LONGEST_TOKEN,)


def test_offsets_in_a_text_that_grows() -> None:
    text = "ß" * (OCTETS // 2)
    assert Unfolding(text).original(len(fold(text)) - 1, len(fold(text))) == (len(text) - 1, len(text))


def test_a_query_of_the_largest_size_is_answered() -> None:
    query = " ".join(f'"{"ab " * 3}"' for _ in range(128))
    assert len(list(keys(parse_query(query, NOW)))) == 128
