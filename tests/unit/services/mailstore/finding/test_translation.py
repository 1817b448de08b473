"""What the conditions of a query become for a mailbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.mailstore.domain.state import MailboxState
from services.mailstore.finding.matches import _divided, _pieces
from services.mailstore.finding.order import ranked_words
from services.mailstore.finding.translation import may_match, names, search_key
from shared.protocol.search.query import AnyOf, NoneOf, QueryError, ThreadFlagKey, ThreadQuantity
from shared.protocol.search.query_parser import parse_query
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import HeaderTest, SearchKey, WordTest

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INBOX = MailboxState("b1", "INBOX", 1, 1, "", 9, 0, 0, 0, 1)


def key(text: str) -> SearchKey:
    return search_key(parse_query(text, NOW), INBOX)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Straße", SearchKey(words=WordTest(field="anywhere", text="Straße"))),
        ("subject:new*", SearchKey(words=WordTest(field="subject", text="new", is_prefix=True))),
        ('to:"a b"', SearchKey(words=WordTest(field="to", text="a b"))),
        ("cc:Ann", SearchKey(header=HeaderTest(field="cc", text="Ann"))),
        ('from="a-b"', SearchKey(header=HeaderTest(field="from", text="a-b"))),
        ('body="a-b"', SearchKey(body="a-b")),
        ("attachment:plan", SearchKey(words=WordTest(field="attachment", text="plan"))),
        ('attachment="a-b"', SearchKey(attachment_text="a-b")),
        ("filename:pdf", SearchKey(filename="pdf")),
        ("header:X-Y", SearchKey(header=HeaderTest(field="X-Y"))),
        ("has:attachment", SearchKey(has_attachment=True)),
        ("in:inbox", SearchKey(all=True)),
        ("in:Work", SearchKey(all=True, negated=True)),
    ],
)
def test_conditions(text: str, expected: SearchKey) -> None:
    assert key(text) == expected


def test_nothing_and_everything() -> None:
    assert key("") == SearchKey(all=True)
    assert search_key(AnyOf(()), INBOX) == SearchKey(all=True, negated=True)
    assert search_key(NoneOf(()), INBOX) == SearchKey(all=True)


def test_sizes_and_moments_have_both_ends() -> None:
    assert [inner.WhichOneof("key") for inner in key("on:2026-01-31").all_of.keys] == [
        "received_since",
        "received_before",
    ]
    assert key("larger:1000").all_of.keys[0].larger == 1000
    assert key("smaller:1000").all_of.keys[0].smaller == 1000


def test_conditions_about_threads_are_refused() -> None:
    with pytest.raises(QueryError):
        search_key(ThreadFlagKey("\\Seen", ThreadQuantity.ALL), INBOX)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", None),
        ("in:INBOX a", None),
        ("in:Work a", False),
        ("in:Work OR a", None),
        ("in:INBOX OR a", True),
        ("-in:INBOX a", False),
        ("-in:Work", True),
        ("-(in:Work a)", True),
    ],
)
def test_mailboxes_that_cannot_match_are_known(text: str, expected: bool | None) -> None:
    assert may_match(parse_query(text, NOW), INBOX) is expected


def test_only_what_is_asked_for_names_a_mailbox() -> None:
    assert names(parse_query("a OR in:inbox", NOW), INBOX)
    assert not names(parse_query("a -in:inbox", NOW), INBOX)


def test_structures_are_looked_at_after_all_else() -> None:
    first, then = _divided(key("a has:attachment b (filename:x OR c)"))
    assert [inner.words.text for inner in first.all_of.keys] == ["a", "b"]
    assert then is not None
    assert [inner.WhichOneof("key") for inner in then.all_of.keys] == ["has_attachment", "any_of"]
    assert _divided(key("a b")) == (key("a b"), None)
    assert _divided(key("-has:attachment")) == (SearchKey(all=True), key("-has:attachment"))
    assert _pieces(((1, 7), (9, 9), (11, 14)), 5) == [((1, 5),), ((6, 7), (9, 9), (11, 12)), ((13, 14),)]


def test_scores_are_for_the_words_that_are_asked_for() -> None:
    query = ranked_words(parse_query("a -b (cd* OR cc:d) is:unread", NOW))
    assert query is not None
    assert [(inner.words.text, inner.words.is_prefix) for inner in query.any_of.queries] == [("a", False), ("cd", True)]
    assert ranked_words(parse_query("is:unread -b", NOW)) is None
