"""Header canonicalisation (RFC 6376 section 3.4), and which fields a signature covers (section 5.4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.protocol.dkim.result import Canonicalization

# A field ends at the CRLF that no white space follows (RFC 5322 section 2.2.3).
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
# The value of b= goes, with the white space around it (RFC 6376 section 3.7).
_SIGNATURE_VALUE = re.compile(rb"((?:\A[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class HeaderFields:
    """The header of a message, cut into fields, found by name from the bottom upwards."""

    __slots__ = ("_by_name",)

    def __init__(self, header_block: bytes) -> None:
        """`header_block` has CRLF line ends; the empty line after it may be there or not."""
        self._by_name: dict[bytes, list[bytes]] = {}
        for field in _FIELD_END.split(header_block):
            name, colon, _ = field.partition(b":")
            if colon:
                self._by_name.setdefault(name.rstrip(b" \t").lower(), []).append(field)

    def named(self, name: bytes) -> list[bytes]:
        """The fields of that lower-case name, top first, each without its final CRLF."""
        return self._by_name.get(name, [])

    def select(self, names: Iterable[bytes], without: bytes | None = None) -> list[bytes]:
        """The fields named, a repeated name going upwards, an absent one giving nothing. `without` is the signature
        itself.
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
    """Every run of spaces and tabs as one space. Replacing halves the runs: linear in all, and far faster than a
    pattern.
    """
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def signing_input(fields: Iterable[bytes], signature_field: bytes, method: Canonicalization) -> bytes:
    """What the signature is computed over: the fields, then its own field with an empty b= and no CRLF (section
    3.7)."""
    parts = [canonical_field(field, method) for field in fields]
    parts.append(canonical_field(_SIGNATURE_VALUE.sub(rb"\1", signature_field), method))
    return b"\r\n".join(parts)
