"""Canonicalises the header (RFC 6376 §3.4) and selects the signed fields (§5.4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.protocol.dkim.result import Canonicalization

# A field ends at a CRLF that is not followed by white space (RFC 5322 §2.2.3).
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
# The value of b= is removed, with the white space around it (RFC 6376 §3.7).
_SIGNATURE_VALUE = re.compile(rb"((?:\A[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class HeaderFields:
    """The fields of a header, which can be found by name from the bottom upwards."""

    __slots__ = ("_by_name",)

    def __init__(self, header_block: bytes) -> None:
        """Split a header with CRLF line ends; the empty line after it is optional."""
        self._by_name: dict[bytes, list[bytes]] = {}
        for field in _FIELD_END.split(header_block):
            name, colon, _ = field.partition(b":")
            if colon:
                self._by_name.setdefault(name.rstrip(b" \t").lower(), []).append(field)

    def named(self, name: bytes) -> list[bytes]:
        """The fields with this lower-case name from the top, each without its final CRLF."""
        return self._by_name.get(name, [])

    def select(self, names: Iterable[bytes], without: bytes | None = None) -> list[bytes]:
        """The named fields: a repeated name selects the next field above, and an absent name selects nothing.

        `without` is the signature itself, which is left out.
        """
        chosen: list[bytes] = []
        left: dict[bytes, list[bytes]] = {}
        for name in names:
            remaining = left.get(name)
            if remaining is None:
                remaining = left[name] = [field for field in self.named(name) if field is not without]
            if remaining:
                chosen.append(remaining.pop())
        return chosen


def canonical_field(field: bytes, method: Canonicalization) -> bytes:
    """One field, without its final CRLF, in canonical form."""
    if method == "simple":
        return field
    name, _, value = field.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + single_spaced(value.replace(b"\r\n", b"")).strip(b" ")


def single_spaced(text: bytes) -> bytes:
    """The text with every run of spaces and tabs as one space.

    Each replacement halves the runs, which is linear in total and much faster than a pattern.
    """
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def signing_input(fields: Iterable[bytes], signature_field: bytes, method: Canonicalization) -> bytes:
    """The octets that are signed: the fields, then the signature's own field with an empty b= and no CRLF (§3.7)."""
    parts = [canonical_field(field, method) for field in fields]
    parts.append(canonical_field(_SIGNATURE_VALUE.sub(rb"\1", signature_field), method))
    return b"\r\n".join(parts)
