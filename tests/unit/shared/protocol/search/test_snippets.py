"""Snippets: the hits, the best fragment, its size, and that nothing of a stranger becomes HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.protocol.message.folding import fold
from shared.protocol.search.fragments import PREVIEW_OCTETS
from shared.protocol.search.hits import MOST_EXAMINED, MOST_HITS, hits
from shared.protocol.search.query import QueryKey, SearchField, TextKey, WordKey
from shared.protocol.search.query_parser import parse_query
from shared.protocol.search.snippets import SUBJECT_LIMIT, Snippet, header_keys, keys_in, marked_subject, preview
from shared.protocol.search.words import occurs, query_words, words

NOW = datetime(2026, 3, 31, tzinfo=UTC)
LOREM = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. "
PIECES = [
    *(
        "offer",
        "Offers",
        "big",
        "Straße",
        "ﬁne",
        "İst",
        "don't",
        "«offer»",
        "東京",
        "都",
        "한국어",
        "ไทย",
        "ｶﾞ",
        "é",
        "e\u0301",
    ),
    *(
        "<b>",
        "&amp;",
        "&",
        "<",
        ">",
        "</mark>",
        '"',
        "🎉",
        " ",
        "\n\n",
        "\t",
        "\0",
        "\ud800",
        "、",
        ", ",
        "x" * 300,
        LOREM,
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=14).map("".join)
KEYS = st.lists(
    st.one_of(
        st.sampled_from(PIECES).filter(lambda text: bool(words(text))).map(lambda text: word(text)),
        st.sampled_from(["東", "o", "bi"]).map(lambda text: word(text, prefix=True)),
        st.sampled_from([*PIECES, "s", "fi", " "]).map(lambda text: TextKey(SearchField.BODY, text)),
    ),
    min_size=1,
    max_size=3,
)


def word(text: str, *, prefix: bool = False) -> WordKey:
    return WordKey(SearchField.BODY, query_words(text, prefix=prefix))


def shown(text: str, query: str) -> str | None:
    snippet = preview([text], keys_in(parse_query(query, NOW), SearchField.BODY))
    return snippet and snippet.html


@pytest.mark.parametrize(
    ("text", "query", "html"),
    [
        ("the big offer", "offer", "the big <mark>offer</mark>"),
        ("the big offer", '"big offer"', "the <mark>big offer</mark>"),
        ("the big, big offer", '"big offer"', "the big, <mark>big offer</mark>"),
        ("Reports and reporting", "rep*", "<mark>Reports</mark> and <mark>reporting</mark>"),
        ("Die «Straße»", "strasse", "Die «<mark>Straße</mark>»"),
        ("Die «Straße»", '="as"', "Die «Str<mark>aß</mark>e»"),
        ("De\u0301ja\u0300 vu", "deja", "<mark>De\u0301ja\u0300</mark> vu"),
        ("I don’t know", "don't", "I <mark>don’t</mark> know"),
        ("to ann@example.org now", "example.org", "to ann@<mark>example.org</mark> now"),
        ("我在東京都上午開會", "東京都", "我在<mark>東京都</mark>上午開會"),
        ("我在東京都上午開會", "京", "我在東<mark>京</mark>都上午開會"),
        ("我在東京", "京", "我在東<mark>京</mark>"),
        ("我在東京都", "東京 京都", "我在<mark>東京都</mark>"),
        ("한국어는", "국어", "한<mark>국어</mark>는"),
        ("ภาษาไทย", "ไทย", "ภาษา<mark>ไทย</mark>"),
        ("party 🎉🎉 now", "🎉", "party <mark>🎉🎉</mark> now"),
        ("a\r\n\r\n  big\x00\toffer\n", "offer", "a big <mark>offer</mark>"),
        ("1 < 2 & <script>offer</script>", "offer", "1 &lt; 2 &amp; &lt;script&gt;<mark>offer</mark>&lt;/script&gt;"),
        ("<script>", "script", "&lt;<mark>script</mark>&gt;"),
        ("the big offer", "from:offer", None),
        ("the big offer", "big -offer", "the <mark>big</mark> offer"),
        ("the big offer", "small", None),
        ("the big offer", "is:unread", None),
        ("", "x", None),
    ],
)
def test_previews(text: str, query: str, html: str | None) -> None:
    assert shown(text, query) == html


def test_the_fragment_with_most_keys_is_shown() -> None:
    text = f"offer {LOREM * 9} a big one {LOREM * 9} the big offer in Rome {LOREM * 9}"
    html = shown(text, "big offer rome")
    assert html is not None
    assert "<mark>big</mark> <mark>offer</mark> in <mark>Rome</mark>" in html
    assert not html.startswith(" ")


def test_the_best_of_several_texts_is_shown() -> None:
    sought = keys_in(parse_query("big offer", NOW), SearchField.BODY)
    snippet = preview(["an offer", "a big offer", "big"], sought)
    assert snippet == Snippet("a big offer", ((2, 5), (6, 11)), "a <mark>big</mark> <mark>offer</mark>")


def test_ranges_count_code_points() -> None:
    snippet = preview(["🎉🎉 <offer>"], [word("offer")])
    assert snippet == Snippet("🎉🎉 <offer>", ((4, 9),), "🎉🎉 &lt;<mark>offer</mark>&gt;")


def test_a_subject_is_shown_whole() -> None:
    sought = keys_in(parse_query("subject:offer body:big header:Subject:re", NOW), SearchField.SUBJECT)
    subject = "Re: the big offer " + LOREM * 9
    snippet = marked_subject(subject, sought)
    assert snippet is not None
    assert snippet.html == "Re: the big <mark>offer</mark> " + (LOREM * 9).strip()
    assert marked_subject("nothing", sought) is None
    assert marked_subject("x " * SUBJECT_LIMIT + "offer", sought) is None


def test_the_keys_of_a_header_are_those_of_its_name() -> None:
    tree = parse_query("header:Subject:re -header:subject:x header:X-Foo:y", NOW)
    snippet = marked_subject("Re: x", header_keys(tree, "SUBJECT"))
    assert snippet is not None
    assert snippet.html == "<mark>Re</mark>: x"


@pytest.mark.parametrize("gap", [0, 1, 2047, 2048, 2049, 4000])
def test_hits_across_pages_are_found(gap: int) -> None:
    text = "x " * (gap // 2) + "y" * (gap % 2) + " the big new offer"
    assert [text[start:end] for start, end, _ in hits(text, [word("big new offer")])] == ["big new offer"]
    run = "中" * gap + "東京都"
    assert [run[start:end] for start, end, _ in hits(run, [word("東京都")])] == ["東京都"]


def test_hits_are_bounded() -> None:
    assert len(hits("ab " * 1000, [word("ab"), TextKey(SearchField.BODY, "b")])) == 2 * MOST_HITS
    assert hits("x" * MOST_EXAMINED + " offer", [word("offer"), TextKey(SearchField.BODY, "offer")]) == []


@given(TEXTS, KEYS)
@example("\0offer", [word("offer")])
@example("é" * 300, [TextKey(SearchField.BODY, "é")])
@example("<" * 300, [TextKey(SearchField.BODY, "<")])
def test_a_preview_is_small_and_safe(text: str, sought: list[QueryKey]) -> None:
    snippet = preview([text], sought)
    if snippet is None:
        return
    assert len(snippet.html.encode()) <= PREVIEW_OCTETS
    assert set(re.findall("<[^>]*>", snippet.html)) <= {"<mark>", "</mark>"}
    plain = re.sub("</?mark>", "", snippet.html)
    assert "<" not in plain and ">" not in plain
    assert plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == snippet.text
    marked = re.findall("<mark>(.*?)</mark>", snippet.html)
    ranges = [snippet.text[start:end] for start, end in snippet.ranges]
    assert [part.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for part in marked] == ranges
    assert all(first[1] <= second[0] for first, second in zip(snippet.ranges, snippet.ranges[1:], strict=False))


@given(TEXTS, KEYS)
@example("offer\0", [word("offer")])
def test_there_are_hits_where_the_key_holds(text: str, sought: list[QueryKey]) -> None:
    """Snippets and search agree: of words by `occurs`, of texts by folding."""
    for key in sought:
        ranges = hits(text, [key])
        if isinstance(key, WordKey):
            assert bool(ranges) == occurs(key.words, words(text))
            assert all(occurs(key.words, words(text[start:end])) for start, end, _ in ranges)
        elif isinstance(key, TextKey):
            assert bool(ranges) == (fold(key.text) in fold(text))
            assert all(fold(key.text) in fold(text[start:end]) for start, end, _ in ranges)
