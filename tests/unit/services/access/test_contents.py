"""Sections that are read by range equal those of a simple reading of the whole message."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.commands.contents import Contents, UnknownEncoding
from services.access.commands.fetch_plan import ContentItem, plan_of
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import Blob
from shared.protocol.imap.commands import Fetch
from shared.protocol.imap.fetch import BinarySize
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.wire_string import char8
from shared.protocol.message.scan import encode_scan, scan
from shared.turns import Turns
from tests.harness.mails import PARCEL

PREFIX = b"Return-Path: <bob@example.org>\r\nX-Spam: no\r\n"


async def blob(body: bytes) -> Blob:
    blobs = MemoryBlobs("g0001")
    with blobs.writer() as writer:
        writer.write(body)
        ref = await writer.commit(encode_scan(scan(body)))
    return await blobs.read(ref.id)


def item(text: str) -> ContentItem:
    """A data item as a client writes it."""
    command = parse_command(f"t FETCH 1 {text}".encode())
    assert isinstance(command, Fetch)
    return plan_of(command.items).contents[0]


async def octets(contents: Contents, text: str) -> bytes | None:
    piece = await contents.read(item(text))
    if piece is None:
        return None
    result = b"".join(piece.pieces)
    assert len(result) == piece.size
    return result


async def test_the_prefix_belongs_to_message_and_header_alone() -> None:
    contents = Contents(PREFIX, await blob(PARCEL), Turns())
    head, _, text = PARCEL.partition(b"\r\n\r\n")
    assert await octets(contents, "BODY[]") == PREFIX + PARCEL
    assert await octets(contents, "BODY[HEADER]") == PREFIX + head + b"\r\n\r\n"
    assert await octets(contents, "BODY[TEXT]") == text
    assert (
        await octets(contents, "BODY[HEADER.FIELDS (X-SPAM from)]")
        == b"X-Spam: no\r\nFrom: Carol <carol@example.org>\r\n\r\n"
    )
    assert await octets(contents, "BODY[3.HEADER.FIELDS (from)]") == b"From: dave@example.org\r\n\r\n"
    assert await octets(contents, "BODY[7]") is None


async def test_binary() -> None:
    contents = Contents(PREFIX, await blob(PARCEL), Turns())
    assert await octets(contents, "BINARY[1]") == "Grüße".encode()
    assert await octets(contents, "BINARY[2]") == b"\0\1\2\3"
    assert await octets(contents, "BINARY[2]<1.2>") == b"\1\2"
    size = item("BINARY.SIZE[2]")
    assert isinstance(size, BinarySize)
    assert await contents.decoded_size(size) == 4
    with pytest.raises(UnknownEncoding):
        await contents.read(item("BINARY[4]"))


@given(start=st.integers(0, 2000), count=st.integers(1, 2000), prefix=st.binary(max_size=300))
async def test_any_window(start: int, count: int, prefix: bytes) -> None:
    contents = Contents(prefix, await blob(PARCEL), Turns())
    shown = (prefix + PARCEL).replace(b"\0", b"\x80")
    assert await octets(contents, f"BODY[]<{start}.{count}>") == shown[start : start + count]


async def test_nul_stays_in_binary_alone() -> None:
    """RFC 3501 §9: CHAR8 is any octet except NUL. Sizes do not change, nor the octets of partial fetches."""
    body = b"Subject: a\0b\r\n\r\nx\0y"
    contents = Contents(b"X-P: \0\r\n", await blob(body), Turns())
    shown = (b"X-P: \0\r\n" + body).replace(b"\0", b"\x80")
    assert await octets(contents, "BODY[]") == await octets(contents, "RFC822") == shown
    assert await octets(contents, "BODY[HEADER.FIELDS (Subject)]") == b"Subject: a\x80b\r\n\r\n"
    assert await octets(contents, "BODY[TEXT]<1.2>") == b"\x80y"
    assert await octets(contents, "BINARY[]") == b"X-P: \0\r\n" + body


def test_octets_without_nul_are_not_copied() -> None:
    piece = b"x" * 100_000
    assert char8(piece) is piece


async def test_a_header_of_a_million_fields_is_read_in_turns() -> None:
    """Selecting fields of the largest header never occupies a turn of the event loop for long."""
    body = b"a: 1\r\n" * 300_000 + b"\r\nend"
    turns = Turns()
    contents = Contents(b"", await blob(body), turns)
    assert await octets(contents, "BODY[HEADER.FIELDS (b)]") == b"\r\n"
    assert turns.longest.rows <= 2000


async def test_a_large_part_is_decoded_in_turns() -> None:
    body = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"\0" * 3_000_000)
    turns = Turns()
    contents = Contents(b"", await blob(body), turns)
    size = item("BINARY.SIZE[1]")
    assert isinstance(size, BinarySize)
    assert await contents.decoded_size(size) == 3_000_000
    assert turns.longest.octets <= 600_000
