"""One field's values are those among all fields, whatever the header block and the name."""

from __future__ import annotations

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from services.mailstore.search.candidate import Candidate, EntryRow
from shared.blobs.memory import MemoryBlobs
from shared.protocol.message.scan import encode_scan, scan

_ROW = EntryRow(1, 0, "", 1, 0, 0, "", "", "", b"Received: by here\r\nSubject: of the prefix\r\n")
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
    async def stored() -> Candidate:
        blobs = MemoryBlobs()
        body = head + b"\r\n\r\nSubject: in the body\r\n"
        with blobs.writer() as writer:
            writer.write(body)
            written = await writer.commit(encode_scan(scan(body)))
        return Candidate(_ROW, await blobs.read(written.id))

    return asyncio.run(stored())


@given(st.lists(st.sampled_from(_LINES)), st.sampled_from([b"\r\n", b"\n"]), st.sampled_from(_NAMES))
@example([b"\xc5\xbfubject: long s"], b"\r\n", "subject")
@example([b"subject:\tfolded\r\n and\r\n\ton", b"SUBJECT : =?utf-8?q?caf=C3=A9?="], b"\r\n", "Subject")
def test_values_are_those_of_all_headers_under_that_name(lines: list[bytes], end: bytes, name: str) -> None:
    candidate, wanted = _candidate(end.join(lines)), name.casefold()
    assert candidate.values(wanted) == [value for field, value in candidate.headers if field == wanted]


def test_the_prefix_is_searched_and_the_body_is_not() -> None:
    assert _candidate(b"Subject: of the message").values("subject") == ["of the prefix", "of the message"]


def test_a_message_whose_bytes_are_gone_has_its_prefix() -> None:
    assert Candidate(_ROW, None).values("subject") == ["of the prefix"]
