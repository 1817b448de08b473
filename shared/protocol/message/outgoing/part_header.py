"""The header of a part after the part was encoded anew (RFC 2045 §6)."""

from __future__ import annotations

from shared.protocol.message.headers import fields, has_header

_ENCODING = b"content-transfer-encoding"


def with_encoding(block: bytes, encoding: str, charset: str = "", *, is_message: bool = False) -> bytes:
    """The block, in its final form, with this Content-Transfer-Encoding in place of all others.

    `charset` is that of a text without Content-Type, for which a Content-Type is added. With `is_message` the block is
    that of the whole message, to which a missing MIME-Version is added.
    """
    line = f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
    kept: list[bytes] = []
    end = 0
    for field in fields(block):
        end = field.end
        if field.name.lower() != _ENCODING:
            kept.append(block[field.start : field.end])
        elif line not in kept:
            kept.append(line)
    if line not in kept:
        kept.append(line)
    if charset:
        kept.append(f"Content-Type: text/plain; charset={charset}\r\n".encode("ascii"))
    if is_message and not has_header(block, "MIME-Version"):
        kept.append(b"MIME-Version: 1.0\r\n")
    return b"".join(kept) + (block[end:] or b"\r\n")
