"""The grammar of SORT, THREAD and CANCELUPDATE, and their answers (RFC 5256, RFC 5267, RFC 9394)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.long_sort import PIECE, long_sorted
from shared.protocol.imap import ordering_response
from shared.protocol.imap import search_key as k
from shared.protocol.imap.commands import PartialRange, SearchReturn
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.esearch_response import esearch, number_item, partial_item, positions_item, set_item
from shared.protocol.imap.mailbox_filter import MailboxFilter, MailboxScope
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import (
    CancelUpdate,
    Sort,
    SortCriterion,
    SortField,
    Thread,
    ThreadAlgorithm,
)
from shared.protocol.imap.parse.command import parse_command


def test_sort() -> None:
    by_subject = SortCriterion(SortField.SUBJECT)
    assert parse_command(b"a SORT (SUBJECT) UTF-8 ALL") == Sort(b"a", (by_subject,), k.All())
    assert parse_command(b"a uid sort (reverse date subject) us-ascii text x") == Sort(
        b"a", (SortCriterion(SortField.DATE, reverse=True), by_subject), k.Text("x"), uid=True
    )
    assert parse_command(b"a SORT RETURN (PARTIAL -1:-3 SAVE) (SUBJECT) {5+}\r\nUTF-8 ALL") == Sort(
        b"a",
        (by_subject,),
        k.All(),
        returns=frozenset({SearchReturn.PARTIAL, SearchReturn.SAVE}),
        partial=PartialRange(-1, -3),
    )


def test_a_field_counts_where_it_is_first() -> None:
    fields = b" ".join([b"REVERSE SIZE", b"SIZE"] * 4000 + [b"CC"])
    command = parse_command(b"a SORT (" + fields + b") UTF-8 ALL")
    assert isinstance(command, Sort)
    assert command.criteria == (SortCriterion(SortField.SIZE, reverse=True), SortCriterion(SortField.CC))
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a SORT (" + b" ".join([b"SIZE"] * 10_002) + b") UTF-8 ALL")


def test_thread() -> None:
    assert parse_command(b"a THREAD references UTF-8 SEEN") == Thread(
        b"a", ThreadAlgorithm.REFERENCES, k.Flag("\\Seen")
    )
    assert parse_command(b"a UID THREAD REFS UTF-8 ALL") == Thread(b"a", ThreadAlgorithm.REFS, k.All(), uid=True)


def test_cancel_update() -> None:
    assert parse_command(b'a CANCELUPDATE "b" "c\\\\d"') == CancelUpdate(b"a", (b"b", b"c\\d"))


@pytest.mark.parametrize(
    "line",
    [
        b"SORT",
        b"SORT ",
        b"SORT SUBJECT UTF-8 ALL",
        b"SORT (REVERSE) UTF-8 ALL",
        b"SORT (REVERSE REVERSE SIZE) UTF-8 ALL",
        b"SORT (SUBJECT) UTF-8",
        b"SORT (SUBJECT) UTF-8 ALL ",
        b"SORT RETURN (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL) (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL 1) (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL 1:*) (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL 1:2 PARTIAL 3:4) (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL 1:-2) (SUBJECT) UTF-8 ALL",
        b"SORT RETURN (PARTIAL 1:4294967296) (SUBJECT) UTF-8 ALL",
        b"THREAD UTF-8 ALL",
        b"THREAD REFERENCES ALL",
        b"CANCELUPDATE b",
        b'CANCELUPDATE "b" ',
        b"CANCELUPDATE" + b' "b"' * 1001,
    ],
)
def test_refused(line: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a " + line)


def _expanded(text: bytes) -> list[int]:
    numbers = []
    for element in text.split(b","):
        first, _, last = element.partition(b":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@given(st.lists(st.integers(1, 30), min_size=1, unique=True) | st.permutations(range(1, 2000)))
def test_a_sorted_set_keeps_its_order(numbers: Sequence[int]) -> None:
    line = b"".join(set_item("ALL", numbers))
    assert _expanded(line.removeprefix(b" ALL ")) == list(numbers)


def test_esearch() -> None:
    items = [
        number_item("COUNT", 3),
        partial_item(PartialRange(-1, -2), NumberSet(((3, 9),))),
        partial_item(PartialRange(5, 6), []),
        positions_item("REMOVEFROM", []),
        positions_item("ADDTO", [(1, [7]), (0, NumberSet(((1, 2),)))]),
    ]
    assert b"".join(esearch(b"a", True, items)) == (
        b'* ESEARCH (TAG "a") UID COUNT 3 PARTIAL (-1:-2 3:9) PARTIAL (5:6 NIL) ADDTO (1 7 0 1:2)\r\n'
    )
    assert b"".join(esearch(b"a", True, [], ("Büro", 5))) == (
        b'* ESEARCH (TAG "a" MAILBOX "B&APw-ro" UIDVALIDITY 5) UID\r\n'
    )


def test_sort_and_thread_in_pieces() -> None:
    long = list(ordering_response.sort(range(1, 2001), 9))
    assert len(long) > 3
    assert b"".join(long) == b"* SORT " + " ".join(map(str, range(1, 2001))).encode() + b" (MODSEQ 9)\r\n"
    assert b"".join(ordering_response.sort([], 9)) == b"* SORT\r\n"
    assert b"".join(ordering_response.thread([b"(1)", b"(2 3)"])) == b"* THREAD (1)(2 3)\r\n"
    assert b"".join(ordering_response.thread([])) == b"* THREAD\r\n"


@given(st.integers(0, 3 * PIECE), st.integers(1, 50))
def test_a_long_sort_is_a_stable_sort(count: int, keys: int) -> None:
    entries = [(number * 7919 % keys, number) for number in range(count)]
    assert long_sorted(entries, key=lambda entry: entry[0]) == sorted(entries, key=lambda entry: entry[0])


def test_multisearch() -> None:
    command = parse_command(b'a ESEARCH IN (personal mailboxes (a "&%" b a) subtree-one c) RETURN (COUNT) SEEN')
    assert command == MultiSearch(
        b"a",
        (
            MailboxFilter(MailboxScope.PERSONAL),
            MailboxFilter(MailboxScope.MAILBOXES, ("a", "b")),
            MailboxFilter(MailboxScope.CHILDREN, ("c",)),
        ),
        k.Flag("\\Seen"),
        frozenset({SearchReturn.COUNT}),
    )
    assert parse_command(b"a ESEARCH ALL") == MultiSearch(b"a", (), k.All(), frozenset({SearchReturn.ALL}))


@pytest.mark.parametrize(
    "line",
    [
        b"ESEARCH",
        b"ESEARCH IN personal ALL",
        b"ESEARCH IN () ALL",
        b"ESEARCH IN (mailboxes) ALL",
        b"ESEARCH IN (mailboxes ()) ALL",
        b"ESEARCH IN (personal (x)) ALL",
        b"ESEARCH IN (personal personal" + b" personal" * 100 + b") ALL",
        b"ESEARCH IN (selected personal) RETURN (SAVE) ALL",
        b"ESEARCH RETURN (ODD) ALL",
    ],
)
def test_refused_multisearch(line: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a " + line)
