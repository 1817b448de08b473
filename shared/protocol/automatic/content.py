"""The content of generated mails: a text as a MIME entity, or an entity that a script wrote (`:mime`)."""

from __future__ import annotations

import re
from base64 import encodebytes

from shared.protocol.automatic.fields import field
from shared.protocol.message.headers import raw_fields, unfold

_ENDS = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")
_FIELD_LINE = re.compile(r"[!-9;-~]{1,70}:")
_LONGEST_LINE = 900
"""Octets of a line; 998 are allowed (RFC 5322 §2.1.1). A text with a longer one is sent in base 64."""
_ENCODINGS = frozenset({"base64", "quoted-printable"})


def text_entity(text: str, subtype: str = "plain") -> bytes:
    """A text as an entity: its Content-* fields, an empty line and its lines with CRLF."""
    lines = _lines(text)
    body = "\r\n".join([*lines, ""]).encode("utf-8", "replace")
    if any(len(line) > _LONGEST_LINE for line in body.split(b"\r\n")):
        encoding, body = "base64", encodebytes(body).replace(b"\n", b"\r\n")
    else:
        encoding = "7bit" if body.isascii() else "8bit"
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def given_entity(text: str) -> bytes:
    """The entity that a script wrote: of its header only the Content-* fields are used (RFC 5230 §4.4).

    A text without a header is plain text.
    """
    lines = _lines(text)
    if not lines or _FIELD_LINE.match(lines[0]) is None:
        return text_entity(text)
    end = lines.index("") if "" in lines else len(lines)
    body = "\r\n".join([*lines[end + 1 :], ""]).encode("utf-8", "replace")
    fields = _content_fields("\r\n".join([*lines[:end], ""]).encode("utf-8", "replace"))
    fields.setdefault("content-type", "text/plain; charset=utf-8")
    if fields.get("content-transfer-encoding", "").lower() not in _ENCODINGS:
        fields["content-transfer-encoding"] = "7bit" if body.isascii() else "8bit"
    head = b"".join(field(name.title(), [value]) for name, value in fields.items())
    return head + b"\r\n" + body


def _content_fields(block: bytes) -> dict[str, str]:
    """The first Content-* field of each name that fits on a line, by lower-case name."""
    kept: dict[str, str] = {}
    for raw_name, raw_value in raw_fields(block):
        name = raw_name.decode("ascii", "replace").strip().lower()
        value = unfold(raw_value).decode("utf-8", "replace").strip()
        if name.startswith("content-") and name.isascii() and 0 < len(value.encode()) <= _LONGEST_LINE:
            kept.setdefault(name, value)
    return kept


def _lines(text: str) -> list[str]:
    return [_CONTROLS.sub("", line) for line in _ENDS.split(text.rstrip("\r\n"))]
