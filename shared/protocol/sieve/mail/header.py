"""A header block as tests see it: unfolded values, decoded to UTF-8 (RFC 5228 §2.7.2), and the addresses in them.

Addresses are parsed before encoded words are decoded, so no encoded word can make an address. Nothing in a header is an
error: what cannot be decoded is compared as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.protocol.message.addresses import EnvelopeAddress, display_pairs, parse_addresses
from shared.protocol.message.charset import decode
from shared.protocol.message.headers import raw_fields, unfold
from shared.protocol.message.words import decode_words
from shared.protocol.sieve.environment import NotKnownYet

MOST_HEADER_OCTETS = 1 << 19
"""Octets of a header that are examined: as many as the scanner reads."""

_FOLD = re.compile(rb"\r*\n[ \t]?")
_BLANKS = b" \t\r\n"


class MailAddress(NamedTuple):
    """An address of a header field or an envelope: UTF-8 octets, the localpart without quoting.

    An address without a domain has an empty domain; `is_valid` is False for what is no address at all.
    """

    full: bytes
    localpart: bytes
    domain: bytes
    is_valid: bool = True


class SieveHeader:
    """The fields of a header, by lower-case name; each is decoded when it is first asked for."""

    __slots__ = ("_addresses", "_later", "_parts", "_raw", "_values")

    def __init__(self, pairs: list[tuple[bytes, bytes]], later: bytes = b"") -> None:
        """`pairs` are the names and folded values, in order. Fields are added later whose lower-case names begin with
        `later`; asking for them raises NotKnownYet."""
        self._later = later
        self._raw: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            self._raw.setdefault(name.lower(), []).append(value)
        self._values: dict[bytes, list[bytes]] = {}
        self._addresses: dict[bytes, list[list[MailAddress]]] = {}
        self._parts: dict[tuple[bytes, str], list[bytes]] = {}

    def has(self, name: bytes) -> bool:
        """Whether there is a field with this lower-case name."""
        self._check(name)
        return name in self._raw

    def has_prefix(self, prefix: bytes) -> bool:
        """Whether the name of a field begins with this lower-case text."""
        return any(name.startswith(prefix) for name in self._raw)

    def raw_values(self, name: bytes) -> list[bytes]:
        """The unfolded values of the fields with this lower-case name, not decoded."""
        self._check(name)
        return [unfold(value) for value in self._raw.get(name, ())]

    def values(self, name: bytes) -> list[bytes]:
        """The unfolded and decoded values of the fields with this lower-case name, in order."""
        values = self._values.get(name)
        if values is None:
            self._check(name)
            values = self._values[name] = list(map(decoded, self._raw.get(name, ())))
        return values

    def addresses(self, name: bytes) -> list[list[MailAddress]]:
        """The addresses of each field with this lower-case name; members of groups count, groups do not."""
        addresses = self._addresses.get(name)
        if addresses is None:
            addresses = self._addresses[name] = [read_addresses(value) for value in self.raw_values(name)]
        return addresses

    def address_parts(self, name: bytes, part: str) -> list[bytes]:
        """A part of all addresses of the fields with this lower-case name: full, localpart or domain.

        What is no valid address has no localpart and no domain.
        """
        parts = self._parts.get((name, part))
        if parts is None:
            addresses = (address for field in self.addresses(name) for address in field)
            parts = [getattr(address, part) for address in addresses if part == "full" or address.is_valid]
            self._parts[name, part] = parts
        return parts

    def _check(self, name: bytes) -> None:
        if self._later and name.startswith(self._later):
            raise NotKnownYet(f"the field {name.decode('ascii', 'replace')}")


def parse_block(block: bytes, later: bytes = b"") -> SieveHeader:
    """The fields of a header block."""
    return SieveHeader(raw_fields(block[:MOST_HEADER_OCTETS]), later)


def decoded(value: bytes) -> bytes:
    """A folded value on one line with its encoded words decoded, as UTF-8. A fold is one space, also before a tab."""
    value = _FOLD.sub(b" ", value).strip(_BLANKS) if b"\n" in value else value.strip(_BLANKS)
    if b"=?" in value:
        return decode_words(value).strip().encode("utf-8", "replace")
    if value.isascii():
        return value
    return decode(value).encode("utf-8", "replace")


def read_addresses(value: bytes) -> list[MailAddress]:
    """The addresses of an unfolded value."""
    parsed = [address for address in parse_addresses(value) if address.host is not None]
    return [_address(address, full) for address, (_, full) in zip(parsed, display_pairs(parsed), strict=True)]


def _address(address: EnvelopeAddress, full: str) -> MailAddress:
    localpart, domain = _utf8(address.mailbox or b""), _utf8(address.host or b"")
    return MailAddress(full.encode("utf-8", "replace"), localpart, domain, bool(localpart and domain))


def _utf8(value: bytes) -> bytes:
    return value if value.isascii() else decode(value).encode("utf-8", "replace")


def envelope_address(path: str) -> MailAddress:
    """The address of an envelope; the null reverse-path is an empty address."""
    read = read_addresses(path.encode("utf-8", "replace")) if path else []
    if len(read) == 1:
        return read[0]
    whole = path.encode("utf-8", "replace")
    localpart, _, domain = whole.rpartition(b"@")
    return MailAddress(whole, localpart, domain, is_valid=not path)
