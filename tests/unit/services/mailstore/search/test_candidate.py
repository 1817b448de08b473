"""The values of one field equal those found by reading all fields, for any header and any name."""

from __future__ import annotations

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from services.mailstore.search.candidate import Candidate, EntryRow
from shared.blobs.memory import MemoryBlobs
from shared.protocol.message.scan import encode_scan, scan
from shared.protocol.message.search_texts import ADDRESS_FIELDS, HEADER_LIMIT, TEXT_LIMIT
from shared.protocol.message.text import header_lines

_ROW = EntryRow(1, 0, "", 1, 0, 0, 0, 0, "", "", "", b"Received: by here\r\nSubject: of the prefix\r\n")
_NAMES = ["Subject", "SUBJECT", "sub", "To", "X-Über", "\u017fubject", "Subject : x", "", "To:", "\r\nTo"]
_LINES = [
    b"Subject: plain",
    b"SUBJECT : =?utf-8?q?caf=C3=A9?=",
    b"subject:\tfolded\r\n and\r\n\ton",
    b"To: <ann@example.org>",
    b"X-Subject: Subject: no",
    b"\xc5\xbfubject: long s",
    b"X-\xc3\x9cber: 8-bit",
    b" continues",
    b"To",
    b":",
    b"To:x: y",
    b"Subject: \xe9\x00",
    b"From wanda Mon: day",
    b"Sub\x01: z",
]


def _candidate(head: bytes) -> Candidate:
    return _stored(head + b"\r\n\r\nSubject: in the body\r\n")


def _stored(body: bytes) -> Candidate:
    async def stored() -> Candidate:
        blobs = MemoryBlobs()
        written = blobs.put(body, encode_scan(scan(body)))
        return Candidate(_ROW, await blobs.read(written.id))

    return asyncio.run(stored())


def _all_values(head: bytes, name: str) -> list[str]:
    """Decode every field, then choose those with the name; a fold becomes a space."""
    block = (_ROW.prefix + head).replace(b"\r\n\t", b"\r\n ").replace(b"\n\t", b"\n ")
    return [value.casefold() for field, value in header_lines(block) if field.casefold() == name]


@given(st.lists(st.sampled_from(_LINES)), st.sampled_from([b"\r\n", b"\n"]), st.sampled_from(_NAMES))
@example([b"\xc5\xbfubject: long s"], b"\r\n", "subject")
@example([b"subject:\tfolded\r\n and\r\n\ton", b"SUBJECT : =?utf-8?q?caf=C3=A9?="], b"\r\n", "Subject")
def test_values_are_those_of_all_headers_under_that_name(lines: list[bytes], end: bytes, name: str) -> None:
    head, plain = end.join(lines), name.casefold()
    values, expected = _candidate(head).values(plain), _all_values(head, plain)
    assert values[: len(expected)] == expected
    assert len(values) == len(expected) or plain in ADDRESS_FIELDS


def test_the_prefix_is_searched_and_the_body_is_not() -> None:
    assert _candidate(b"Subject: of the message").values("subject") == ["of the prefix", "of the message"]


def test_a_message_whose_bytes_are_gone_has_its_prefix() -> None:
    assert Candidate(_ROW, None).values("subject") == ["of the prefix"]


def test_texts_have_a_bound_in_octets() -> None:
    """With a body of 12 MB and 2 MB of header lines, the search ends at the limits."""
    candidate = _stored(b"X: y\r\n" * 340_000 + b"\r\n" + b"a" * 12_000_000)
    assert sum(map(len, candidate.header())) <= HEADER_LIMIT + 1
    assert sum(map(len, candidate.body())) <= TEXT_LIMIT + 1
