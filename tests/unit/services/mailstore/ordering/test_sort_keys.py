"""Sort keys (RFC 5256 §3, RFC 5957 §3), compared with a sort of Python's own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailstore.listing.summaries import MessageSummary
from services.mailstore.ordering.sort_keys import sort_key, uids_of
from services.mailstore.search.relevancy import FuzzyScores
from shared.protocol.imap.base_subject import base_subject
from shared.protocol.imap.collation import casemap
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion as Criterion

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["", "a", "A", "ab", "Ab", "Re: a", "[x] A", "ä", "a\u0308", "ß", "z"]
)
_ADDRESSES = st.lists(st.tuples(_TEXTS, st.sampled_from(["", "a@x", "B@y", "b", "c@d@e"])), max_size=2).map(tuple)
_TIMES = st.integers(-(2**62), 2**62) | st.integers(0, 3)
_SUMMARIES = st.builds(
    MessageSummary,
    uid=st.integers(1, 2**32 - 1),
    internal_date=_TIMES,
    zone=st.just(0),
    size=st.integers(0, 2**40),
    date=st.none() | _TIMES,
    subject=_TEXTS,
    from_=_ADDRESSES,
    to=_ADDRESSES,
    cc=_ADDRESSES,
    message_id=st.just(""),
    in_reply_to=st.just(()),
    references=st.just(()),
)


def _mailbox(addresses: tuple[tuple[str, str], ...]) -> str:
    if not addresses:
        return ""
    address = addresses[0][1]
    return casemap(address[: address.rindex("@")] if "@" in address else address)


def _display(addresses: tuple[tuple[str, str], ...]) -> str:
    return casemap(addresses[0][0] or addresses[0][1]) if addresses else ""


_SCORES = FuzzyScores({uid: uid % 100 + 1 for uid in range(0, 1000, 3)})
_VALUES: dict[int, Callable[[MessageSummary], Any]] = {
    Criterion.ARRIVAL: lambda summary: summary.internal_date,
    Criterion.CC: lambda summary: _mailbox(summary.cc),
    Criterion.DATE: lambda summary: summary.internal_date if summary.date is None else summary.date,
    Criterion.DISPLAYFROM: lambda summary: _display(summary.from_),
    Criterion.DISPLAYTO: lambda summary: _display(summary.to),
    Criterion.FROM: lambda summary: _mailbox(summary.from_),
    Criterion.RELEVANCY: lambda summary: -_SCORES.of(summary.uid),
    Criterion.SIZE: lambda summary: summary.size,
    Criterion.SUBJECT: lambda summary: casemap(base_subject(summary.subject).text),
    Criterion.TO: lambda summary: _mailbox(summary.to),
}
_CRITERIA = st.lists(
    st.builds(Criterion, field=st.sampled_from(Criterion.Field.values()), reverse=st.booleans()), min_size=1, max_size=4
)


@given(st.lists(_SUMMARIES, max_size=12, unique_by=lambda summary: summary.uid), _CRITERIA)
def test_keys_compare_as_the_criteria_say(summaries: list[MessageSummary], criteria: list[Criterion]) -> None:
    expected = sorted(summaries, key=lambda summary: summary.uid)
    for criterion in reversed(criteria):
        expected.sort(key=_VALUES[criterion.field], reverse=criterion.reverse)
        if criterion.reverse:  # Python keeps the places of equal entries in reverse, too
            continue
    shuffled = summaries[:]
    random.Random(1).shuffle(shuffled)
    keys = sorted(map(sort_key(criteria, _SCORES), shuffled))
    assert list(uids_of(keys)) == [summary.uid for summary in expected]


@pytest.mark.parametrize(
    ("first", "second"), [("a", "A"), ("ä", "Ä"), ("ä", "a\u0308"), ("ﬁn", "fin".replace("fi", "ﬁ")), ("ǆ", "ǅ")]
)
def test_equal_texts(first: str, second: str) -> None:
    assert casemap(first) == casemap(second)


def test_letters_come_before_the_underscore() -> None:
    assert casemap("z") < casemap("_")  # texts are compared in title case (RFC 5051)
    assert casemap("ß") != casemap("ss")  # only simple mappings are made


def test_long_texts_and_lone_surrogates() -> None:
    summary = MessageSummary(7, 0, 0, 0, None, "x" * 100_000 + "\udcff", (), (), (), "", (), ())
    assert len(sort_key([Criterion(field=Criterion.SUBJECT)])(summary)) < 300
    odd = summary._replace(subject="\udcff\0")
    assert sort_key([Criterion(field=Criterion.SUBJECT, reverse=True)])(odd)
