"""Filters of JMAP Email/query become the trees that the query language has, too (RFC 8621 §4.4.1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.search.jmap_filter import MOST_MAILBOXES, UnsupportedFilter, filter_tree
from shared.protocol.search.query import (
    DEEPEST,
    EVERYTHING,
    LONGEST_QUERY,
    MOST_KEYS,
    AllOf,
    AnyOf,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxIdsKey,
    NoneOf,
    QueryError,
    QueryTree,
    ReceivedKey,
    SearchField,
    SizeKey,
    TextKey,
    ThreadFlagKey,
    ThreadQuantity,
    WordKey,
)
from shared.protocol.search.query_values import microseconds
from shared.protocol.search.words import QueryWords
from tests.unit.shared.protocol.search.bare_trees import bare

NAMES = [
    *(
        "inMailbox",
        "inMailboxOtherThan",
        "before",
        "after",
        "minSize",
        "maxSize",
        "allInThreadHaveKeyword",
        "hasKeyword",
    ),
    *("hasAttachment", "text", "from", "header", "operator", "conditions", "x"),
]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.sampled_from(["AND", "NOT", "$seen"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=12,
)


def word(text: str, field: SearchField = SearchField.ANYWHERE) -> WordKey:
    return WordKey(field, QueryWords(tuple(text.split())))


TREES: list[tuple[object, QueryTree]] = [
    (None, EVERYTHING),
    ({}, EVERYTHING),
    ({"text": ""}, EVERYTHING),
    ({"text": "Hello World"}, AllOf((word("hello"), word("world")))),
    ({"text": "\"Hello World\" 'big offer'"}, AllOf((word("hello world"), word("big offer")))),
    ({"text": "don't 'it'"}, AllOf((word("don t"), word("it")))),
    ({"text": r"'don\'t do'"}, word("don t do")),
    ({"text": '"unclosed'}, word("unclosed")),
    ({"text": "from:ann OR -x"}, AllOf((word("from ann"), word("or"), word("x")))),
    ({"from": "ann", "to": "bob"}, AllOf((word("ann", SearchField.FROM), word("bob", SearchField.TO)))),
    ({"cc": "a"}, word("a", SearchField.CC)),
    ({"bcc": "a"}, word("a", SearchField.BCC)),
    ({"subject": "a"}, word("a", SearchField.SUBJECT)),
    ({"body": "🎉"}, TextKey(SearchField.BODY, "🎉")),
    ({"header": ["X-Foo"]}, HeaderKey("X-Foo", "")),
    ({"header": ["X-Foo", "a b"]}, HeaderKey("X-Foo", "a b")),
    ({"inMailbox": "m1"}, MailboxIdsKey(("m1",))),
    ({"inMailboxOtherThan": ["m1", "m2"]}, MailboxIdsKey(("m1", "m2"), others=True)),
    ({"before": "2026-01-31T10:00:00Z"}, ReceivedKey(before=microseconds(datetime(2026, 1, 31, 10, tzinfo=UTC)))),
    (
        {"after": "2026-01-31T10:00:00.5Z"},
        ReceivedKey(since=microseconds(datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC))),
    ),
    ({"minSize": 10}, SizeKey(least=10)),
    ({"maxSize": 10}, SizeKey(below=10)),
    ({"hasAttachment": False}, AttachmentKey(False)),
    ({"hasKeyword": "$Seen"}, FlagKey("\\Seen", True)),
    ({"notKeyword": "$forwarded"}, FlagKey("$forwarded", False)),
    ({"allInThreadHaveKeyword": "$draft"}, ThreadFlagKey("\\Draft", ThreadQuantity.ALL)),
    ({"someInThreadHaveKeyword": "x"}, ThreadFlagKey("x", ThreadQuantity.SOME)),
    ({"noneInThreadHaveKeyword": "x"}, ThreadFlagKey("x", ThreadQuantity.NONE)),
    ({"operator": "AND", "conditions": [{"from": "a"}, {}]}, AllOf((word("a", SearchField.FROM), EVERYTHING))),
    ({"operator": "OR", "conditions": []}, AnyOf(())),
    ({"operator": "NOT", "conditions": [{"text": "a"}, {"text": "b"}]}, NoneOf((word("a"), word("b")))),
]


@pytest.mark.parametrize(("value", "tree"), TREES)
def test_filters(value: object, tree: QueryTree) -> None:
    assert bare(filter_tree(value)) == tree


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ([], "object"),
        ({"operator": "AND", "conditions": [None]}, "object"),
        ({"operator": "XOR", "conditions": []}, "none of AND, OR and NOT"),
        ({"operator": "AND"}, "conditions"),
        ({"operator": "AND", "conditions": [], "text": "x"}, "conditions"),
        ({"text": 5}, "text is a string"),
        ({"minSize": True}, "minSize is a number"),
        ({"maxSize": -1}, "maxSize is a number"),
        ({"before": "2026-01-31"}, "before is a date"),
        ({"before": "2026-02-31T10:00:00Z"}, "before is a date"),
        ({"hasAttachment": "yes"}, "true or false"),
        ({"hasKeyword": "a b"}, "hasKeyword is a keyword"),
        ({"header": []}, "one or two strings"),
        ({"header": ["a b"]}, "name of a header field"),
        ({"inMailboxOtherThan": ["m"] * (MOST_MAILBOXES + 1)}, "at most"),
        ({"text": "a" * (LONGEST_QUERY + 1)}, "longer than"),
        ({"operator": "OR", "conditions": [{"text": "a"}] * (MOST_KEYS + 1)}, "conditions"),
        ({"operator": "OR", "conditions": [{}] * (2 * MOST_KEYS)}, "operators and conditions"),
    ],
)
def test_mistakes(value: object, part: str) -> None:
    with pytest.raises(QueryError, match=part):
        filter_tree(value)


def test_an_unknown_property_is_an_error_of_its_own() -> None:
    with pytest.raises(UnsupportedFilter, match="isCute"):
        filter_tree({"isCute": True})


def test_nesting_is_bounded() -> None:
    value: object = {"text": "a"}
    for _ in range(DEEPEST):
        value = {"operator": "NOT", "conditions": [value]}
    filter_tree(value)
    with pytest.raises(QueryError, match="nested"):
        filter_tree({"operator": "NOT", "conditions": [value]})


@given(VALUES)
def test_every_value_is_a_filter_or_a_mistake(value: object) -> None:
    try:
        filter_tree(value)
    except QueryError as error:
        assert error.sentence.endswith(".")
