"""Sections read by range equal what a naive reading of the whole message gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.commands.contents import Contents, UnknownEncoding
from services.access.commands.fetch_plan import ContentItem, plan
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import Blob
from shared.protocol.imap.commands import Fetch
from shared.protocol.imap.fetch import BinarySize
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.wire_string import char8
from shared.protocol.message.scan import encode_scan, scan
from tests.integration.access.mails import PARCEL

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
    return plan(command.items).contents[0]


def octets(contents: Contents, text: str) -> bytes | None:
    piece = contents.read(item(text))
    if piece is None:
        return None
    found = b"".join(piece.pieces)
    assert len(found) == piece.size
    return found


async def test_the_prefix_belongs_to_message_and_header_alone() -> None:
    contents = Contents(PREFIX, await blob(PARCEL))
    head, _, text = PARCEL.partition(b"\r\n\r\n")
    assert octets(contents, "BODY[]") == PREFIX + PARCEL
    assert octets(contents, "BODY[HEADER]") == PREFIX + head + b"\r\n\r\n"
    assert octets(contents, "BODY[TEXT]") == text
    assert (
        octets(contents, "BODY[HEADER.FIELDS (X-SPAM from)]")
        == b"X-Spam: no\r\nFrom: Carol <carol@example.org>\r\n\r\n"
    )
    assert octets(contents, "BODY[3.HEADER.FIELDS (from)]") == b"From: dave@example.org\r\n\r\n"
    assert octets(contents, "BODY[7]") is None


async def test_binary() -> None:
    contents = Contents(PREFIX, await blob(PARCEL))
    assert octets(contents, "BINARY[1]") == "Grüße".encode()
    assert octets(contents, "BINARY[2]") == b"\0\1\2\3"
    assert octets(contents, "BINARY[2]<1.2>") == b"\1\2"
    size = item("BINARY.SIZE[2]")
    assert isinstance(size, BinarySize)
    assert contents.decoded_size(size) == 4
    with pytest.raises(UnknownEncoding):
        contents.read(item("BINARY[4]"))


@given(start=st.integers(0, 2000), count=st.integers(1, 2000), prefix=st.binary(max_size=300))
async def test_any_window(start: int, count: int, prefix: bytes) -> None:
    contents = Contents(prefix, await blob(PARCEL))
    shown = (prefix + PARCEL).replace(b"\0", b"\x80")
    assert octets(contents, f"BODY[]<{start}.{count}>") == shown[start : start + count]


async def test_nul_stays_in_binary_alone() -> None:
    """RFC 3501 9: CHAR8 is any octet but NUL. Sizes stay, windows too."""
    body = b"Subject: a\0b\r\n\r\nx\0y"
    contents = Contents(b"X-P: \0\r\n", await blob(body))
    shown = (b"X-P: \0\r\n" + body).replace(b"\0", b"\x80")
    assert octets(contents, "BODY[]") == octets(contents, "RFC822") == shown
    assert octets(contents, "BODY[HEADER.FIELDS (Subject)]") == b"Subject: a\x80b\r\n\r\n"
    assert octets(contents, "BODY[TEXT]<1.2>") == b"\x80y"
    assert octets(contents, "BINARY[]") == b"X-P: \0\r\n" + body


def test_octets_without_nul_are_not_copied() -> None:
    piece = b"x" * 100_000
    assert char8(piece) is piece
