"""The query language: what each query is, and what is said of one that cannot be understood."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.protocol.search.query import (
    DEEPEST,
    EVERYTHING,
    LONGEST_QUERY,
    MOST_KEYS,
    MOST_TOKENS,
    AllOf,
    AnyOf,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxNameKey,
    NoneOf,
    QueryError,
    QueryTree,
    ReceivedKey,
    SearchField,
    SizeKey,
    TextKey,
    WordKey,
    keys,
)
from shared.protocol.search.query_parser import FIELDS, parse_query
from shared.protocol.search.query_values import microseconds
from shared.protocol.search.words import QueryWords
from tests.unit.shared.protocol.search.bare_trees import bare

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 31, 12, 30, tzinfo=BERLIN)
PIECES = [
    *(
        "ann",
        "from:",
        "subject=",
        "header:X-Foo:",
        "has:attachment",
        "before:7d",
        "larger:5M",
        "is:unread",
        "in:",
        '"',
        "“",
    ),
    *(
        "”",
        "(",
        ")",
        "-",
        "*",
        "=",
        ":",
        "AND",
        "OR",
        "NOT",
        " ",
        "\t",
        "\\",
        "東京",
        "🎉",
        "&",
        "don't",
        "x*",
        "\ud800",
        "\0",
    ),
]
QUERIES = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=14).map("".join)


def word(text: str, field: SearchField = SearchField.ANYWHERE, *, prefix: bool = False) -> WordKey:
    return WordKey(field, QueryWords(tuple(text.split()), prefix))


def at(*moment: int) -> int:
    return microseconds(datetime(*moment, tzinfo=BERLIN))  # type: ignore[misc,arg-type]


TREES: list[tuple[str, QueryTree]] = [
    ("", EVERYTHING),
    (" \n", EVERYTHING),
    ("hello", word("hello")),
    ("Hello WORLD", AllOf((word("hello"), word("world")))),
    ("hello AND world", AllOf((word("hello"), word("world")))),
    ('"hello  World"', word("hello world")),
    ("“hello world”", word("hello world")),
    ("„hello world“", word("hello world")),
    (r'"say \"hi\" \\ now"', word("say hi now")),
    ("don't", word("don t")),
    ("ann@example.org", word("ann example org")),
    ("rep*", word("rep", prefix=True)),
    ('"big rep"*', word("big rep", prefix=True)),
    ("東京都", word("東京 京都")),
    ("東", word("東", prefix=True)),
    ("東*", word("東", prefix=True)),
    ("a b OR c d", AnyOf((AllOf((word("a"), word("b"))), AllOf((word("c"), word("d")))))),
    ("a (b OR c)", AllOf((word("a"), AnyOf((word("b"), word("c")))))),
    ("-a", NoneOf((word("a"),))),
    ("NOT a", NoneOf((word("a"),))),
    ("NOT -a", word("a")),
    ("-(a b)", NoneOf((AllOf((word("a"), word("b"))),))),
    ("x-y", word("x y")),
    ("or and not", AllOf((word("or"), word("and"), word("not")))),
    ('"OR"', word("or")),
    ("from:OR", word("or", SearchField.FROM)),
    ("from:ann", word("ann", SearchField.FROM)),
    ("FROM:Ann", word("ann", SearchField.FROM)),
    ("from: ann", word("ann", SearchField.FROM)),
    ('to:"Ann Smith"', word("ann smith", SearchField.TO)),
    ("cc:x bcc:y", AllOf((word("x", SearchField.CC), word("y", SearchField.BCC)))),
    ("body:x attachment:y", AllOf((word("x", SearchField.BODY), word("y", SearchField.ATTACHMENT)))),
    ("filename:*.pdf", word("pdf", SearchField.FILENAME)),
    (
        "subject:(sale OR from:ann) x",
        AllOf((AnyOf((word("sale", SearchField.SUBJECT), word("ann", SearchField.FROM))), word("x"))),
    ),
    ("-from:(a b)", NoneOf((AllOf((word("a", SearchField.FROM), word("b", SearchField.FROM))),))),
    ('="a-b"', TextKey(SearchField.ANYWHERE, "a-b")),
    ("=a*b", TextKey(SearchField.ANYWHERE, "a*b")),
    ('subject="Re: x"', TextKey(SearchField.SUBJECT, "Re: x")),
    ("🎉", TextKey(SearchField.ANYWHERE, "🎉")),
    ("from:€", TextKey(SearchField.FROM, "€")),
    ('"&"', TextKey(SearchField.ANYWHERE, "&")),
    ("Tom & Jerry -- *", AllOf((word("tom"), word("jerry")))),
    ("*important*", word("important")),
    ("10:30", word("10 30")),
    ("http://x.example/?a=b", word("http x example a b")),
    ("grammar::fa", word("grammar fa")),
    ("has:attachment", AttachmentKey(True)),
    ("-has:attachments", NoneOf((AttachmentKey(True),))),
    ("is:unread", FlagKey("\\Seen", False)),
    ("is:Starred", FlagKey("\\Flagged", True)),
    ("is:answered is:draft", AllOf((FlagKey("\\Answered", True), FlagKey("\\Draft", True)))),
    ("keyword:$Junk", FlagKey("$Junk", True)),
    ("in:INBOX", MailboxNameKey("INBOX")),
    ('in:"Old stuff/2020"', MailboxNameKey("Old stuff/2020")),
    ("header:List-Id:announce", HeaderKey("List-Id", "announce")),
    ("header:X-Foo", HeaderKey("X-Foo", "")),
    ('header:X-Foo:"a b"', HeaderKey("X-Foo", "a b")),
    ("header:X-Foo=a*", HeaderKey("X-Foo", "a*")),
    ("(header:X-Foo)", HeaderKey("X-Foo", "")),
    ("larger:5M", SizeKey(least=5 * 1024 * 1024 + 1)),
    ("larger:100", SizeKey(least=101)),
    ("smaller:1.5kb", SizeKey(below=1536)),
    ("before:2026-01-15", ReceivedKey(before=at(2026, 1, 15))),
    ("after:2026-01-15", ReceivedKey(since=at(2026, 1, 15))),
    ("on:2026/1/5", ReceivedKey(since=at(2026, 1, 5), before=at(2026, 1, 6))),
    ("on:2026-03-29", ReceivedKey(since=at(2026, 3, 29), before=at(2026, 3, 30))),  # a day of 23 hours
    ("on:2026-02", ReceivedKey(since=at(2026, 2, 1), before=at(2026, 3, 1))),
    ("on:2025-12", ReceivedKey(since=at(2025, 12, 1), before=at(2026, 1, 1))),
    ("on:2025", ReceivedKey(since=at(2025, 1, 1), before=at(2026, 1, 1))),
    ("on:today", ReceivedKey(since=at(2026, 3, 31), before=at(2026, 4, 1))),
    ("on:yesterday", ReceivedKey(since=at(2026, 3, 30), before=at(2026, 3, 31))),
    ("on:7d", ReceivedKey(since=at(2026, 3, 24), before=at(2026, 3, 25))),
    ("before:2w", ReceivedKey(before=at(2026, 3, 17, 12, 30))),
    ("after:12h", ReceivedKey(since=at(2026, 3, 31, 0, 30))),
    ("after:1m", ReceivedKey(since=at(2026, 2, 28, 12, 30))),
    ("after:1y", ReceivedKey(since=at(2025, 3, 31, 12, 30))),
    ("after:2026-01-15T10:00", ReceivedKey(since=at(2026, 1, 15, 10))),
    ("after:2026-01-15T10:00:00z", ReceivedKey(since=at(2026, 1, 15, 11))),
]


@pytest.mark.parametrize(("query", "tree"), TREES)
def test_queries(query: str, tree: QueryTree) -> None:
    assert bare(parse_query(query, NOW)) == tree


@pytest.mark.parametrize(
    ("query", "position", "part"),
    [
        ('say "hello', 4, "quotation mark is not closed"),
        ("a (b", 2, "not closed"),
        ("a b) c", 3, "no opening parenthesis"),
        ("()", 1, "missing before this parenthesis"),
        ("a OR", 4, "ends where a word is missing"),
        ("OR a", 0, "in small characters"),
        ("a AND OR b", 6, "before OR"),
        ("NOT", 3, "ends"),
        ("&", 0, "nothing that can be looked for"),
        ('""', 0, "nothing between the quotation marks"),
        ('subject=""', 0, "nothing between the quotation marks"),
        ("a from:", 2, "value of from: is missing"),
        ("before:", 0, "An example: before:2026-01-31."),
        ("larger:(5M)", 0, "value of larger: is missing"),
        ("f*o", 1, "only at the end of a word"),
        ("*foo", 0, '="foo"'),
        ("x*", 0, "at least 2 characters"),
        ("on:2026-02-30", 0, "no such day"),
        ("on:0000", 0, "no such day"),
        ("on:9999", 0, "no such day"),
        ("after:2026-01-15T25:00", 0, "no such day or time"),
        ("before:99999y", 0, "too long ago"),
        ("before:99999m", 0, "too long ago"),
        ("before:soon", 0, "A date is written"),
        ("larger:-5", 0, "A size is written"),
        ("a is:nice", 2, "unread"),
        ("has:fun", 0, "only attachment"),
        ("keyword:a(b", 9, "not closed"),
        ('keyword:"a b"', 0, "no name of a keyword"),
        ("header:", 0, "name of a header field"),
        ("header::x", 0, "name of a header field"),
    ],
)
def test_mistakes(query: str, position: int, part: str) -> None:
    with pytest.raises(QueryError) as error:
        parse_query(query, NOW)
    assert part in error.value.sentence
    assert error.value.position == position


@given(QUERIES)
@example('"' * 9)
@example("-" * 9)
@example("from:from:from:")
@example("header:header:header:")
def test_every_text_is_a_query_or_a_mistake_with_a_place(query: str) -> None:
    try:
        tree = parse_query(query, NOW)
    except QueryError as error:
        assert 0 <= error.position <= len(query)
        assert error.sentence.endswith(".")
    else:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(tree), type=QueryTree) == tree


@given(QUERIES)
def test_a_quoted_text_is_always_its_words(text: str) -> None:
    """Whatever is within quotation marks is never read as syntax."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("“", "x").replace("”", "x")
    try:
        key = parse_query(f'"{quoted}"', NOW)
    except QueryError as error:
        assert "nothing between" in error.sentence
    else:
        assert isinstance(key, (WordKey, TextKey))


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=12), st.datetimes(min_value=datetime(1990, 1, 1)))
def test_every_value_is_taken_or_refused_in_words(field: str, value: str, now: datetime) -> None:
    zone = timezone(timedelta(hours=14))
    try:
        parse_query(f"{field}:{value}", now.replace(year=min(now.year, 9000), tzinfo=zone))
    except QueryError as error:
        assert error.sentence


def test_exclusions_are_no_reason_for_a_hit() -> None:
    tree = parse_query("a -b (c OR -(d e))", NOW)
    tree = bare(tree)
    assert list(keys(tree, positive=True)) == [word("a"), word("c")]
    assert list(keys(tree)) == list(map(word, "abcde"))


def test_a_query_is_bounded() -> None:
    assert bare(parse_query("(" * DEEPEST + "a" + ")" * DEEPEST, NOW)) == word("a")
    assert isinstance(parse_query(" ".join(["ab"] * MOST_KEYS), NOW), AllOf)
    for query, part in (
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "parentheses are nested"),
        (" ".join(["ab"] * (MOST_KEYS + 1)), "conditions"),
        ('"' + "a " * (MOST_TOKENS + 1) + '"', "words"),
        ("a" * (LONGEST_QUERY + 1), "longer than"),
        ("é" * (LONGEST_QUERY // 2 + 1), "longer than"),
    ):
        with pytest.raises(QueryError, match=part):
            parse_query(query, NOW)
