"""MIME entities: a text, several in one, an attachment (RFC 2045, RFC 2046)."""

from __future__ import annotations

import base64
import binascii
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """A MIME entity: the fields that describe a body, and the body on the wire (CRLF)."""

    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def wire(self) -> bytes:
        """Fields, empty line, body."""
        return rendered_fields(self.fields) + b"\r\n" + self.body


def rendered_fields(fields: tuple[tuple[bytes, bytes], ...] | list[tuple[bytes, bytes]]) -> bytes:
    """Header fields in their wire form."""
    return b"".join(b"%s: %s\r\n" % field for field in fields)


def text_entity(chance: random.Random, subtype: str, text: str) -> Entity:
    """A text entity: 7bit where possible, else quoted-printable, sometimes base64."""
    if text.isascii():
        return _text(subtype, "us-ascii", "7bit", text.encode("ascii"))
    if chance.random() < 0.3:
        return _text(subtype, "utf-8", "base64", base64_lines(text.encode("utf-8")))
    return _text(subtype, "utf-8", "quoted-printable", quoted_printable(text.encode("utf-8")))


def _text(subtype: str, charset: str, encoding: str, body: bytes) -> Entity:
    content_type = f"text/{subtype}; charset={charset}".encode("ascii")
    return Entity(((b"Content-Type", content_type), (b"Content-Transfer-Encoding", encoding.encode("ascii"))), body)


def quoted_printable(text: bytes) -> bytes:
    """The text in quoted-printable (RFC 2045 §6.7), with its line ends kept."""
    return binascii.b2a_qp(text.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 (RFC 2045 §6.8)."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def several(chance: random.Random, subtype: str, parts: list[Entity]) -> Entity:
    """A multipart entity of these parts."""
    boundary = f"=_{chance.getrandbits(96):024x}".encode("ascii")
    content_type = b'multipart/%s; boundary="%s"' % (subtype.encode("ascii"), boundary)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary, part.wire()) for part in parts) + b"--%s--\r\n" % boundary
    return Entity(((b"Content-Type", content_type),), body)


def attachment(chance: random.Random, name: str, size: int) -> Entity:
    """An attachment of `size` bytes that cannot be compressed."""
    quoted = f'"{name}"'.encode("ascii")
    fields = (
        (b"Content-Type", b"application/pdf; name=" + quoted),
        (b"Content-Transfer-Encoding", b"base64"),
        (b"Content-Disposition", b"attachment; filename=" + quoted),
    )
    return Entity(fields, base64_lines(chance.randbytes(size)))
