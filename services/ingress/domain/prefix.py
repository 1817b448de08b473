"""The header lines that acceptance adds before a message."""

from __future__ import annotations

import datetime

from services.ingress.domain.claims import needs_sender
from shared.protocol.address.address import Address
from shared.protocol.message.headers import has_header
from shared.protocol.smtp.trace_header import date_time


def moment(microseconds: int) -> datetime.datetime:
    """A clock's microseconds as a UTC datetime."""
    return datetime.datetime.fromtimestamp(microseconds / 1_000_000, datetime.UTC)


def completion(header_block: bytes, queue_id: str, hostname: str, author: Address | str, at: int) -> bytes:
    """The missing fields that a submission server adds (RFC 6409 §8).

    These are Message-ID, Date, From, and Sender when there are several authors.
    """
    lines = b""
    if not has_header(header_block, b"message-id"):
        lines += f"Message-ID: <{queue_id}@{hostname}>\r\n".encode()
    if not has_header(header_block, b"date"):
        lines += f"Date: {date_time(moment(at))}\r\n".encode()
    if not has_header(header_block, b"from"):
        lines += f"From: <{author}>\r\n".encode()
    if needs_sender(header_block):
        lines += f"Sender: <{author}>\r\n".encode()
    return lines
