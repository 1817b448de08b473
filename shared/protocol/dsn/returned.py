"""The third part of a report: the header of the mail, or all of it (RFC 3461 §6.2, RFC 6522 §4, RFC 6533 §5)."""

from __future__ import annotations

from typing import Final

from shared.protocol.dsn.content import Original
from shared.protocol.message.headers import fields
from shared.protocol.message.outgoing.header import repaired_header
from shared.protocol.message.outgoing.octets import survey

RETURNED_HEADER: Final = 64 * 1024
"""Octets of a header that are returned; fields that do not fit are left out."""
RETURNED_MESSAGE: Final = 256 * 1024
"""Octets of a message that is returned whole; of a larger one only the header is returned."""


def returned_part(original: Original, *, with_body: bool) -> bytes:
    """The part with its header, or b"" when nothing is returned.

    `with_body` says that the report may have the body: one of its recipients failed (RFC 3461 §4.3).
    """
    if not original.header:
        return b""
    header = _bounded(original.header)
    if with_body and _is_returned_whole(original):
        return _part("message/global" if _is_utf8(original, header) else "message/rfc822", header, original.body)
    return _part("message/global-headers" if _is_utf8(original, header) else "text/rfc822-headers", header, b"")


def _is_returned_whole(original: Original) -> bool:
    if original.content_withheld or not original.body:
        return False
    if len(original.header) + len(original.body) > RETURNED_MESSAGE:
        return False
    return not survey((original.body,)).is_binary  # a report is not sent with BINARYMIME


def _is_utf8(original: Original, header: bytes) -> bool:
    return original.is_international and not header.isascii()


def _part(content_type: str, header: bytes, body: bytes) -> bytes:
    encoding = "7bit" if header.isascii() and body.isascii() else "8bit"
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii")
    return head + header + (b"\r\n" + body if body else b"")


def _bounded(header: bytes) -> bytes:
    """The fields that fit, with CRLF line ends and without the blank line."""
    block = repaired_header(header).octets
    kept, size = [], 0
    for field in fields(block):
        if size + field.end - field.start <= RETURNED_HEADER:
            kept.append(block[field.start : field.end])
            size += field.end - field.start
    return b"".join(kept)
