"""TLSA records: which of them an SMTP client uses, and what they are compared with (RFC 6698 §2, RFC 7672 §3.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ANCHOR, END_ENTITY = 2, 3
"""The usages DANE-TA and DANE-EE; 0 and 1 are unusable for SMTP (RFC 7672 §3.1.3)."""
WHOLE, KEY = 0, 1
"""The selectors: the whole certificate, or its SubjectPublicKeyInfo."""
EXACT, SHA256, SHA512 = 0, 1, 2
MOST_RECORDS = 32
"""Records of one answer that are looked at."""
MOST_OCTETS = 8_192
"""Octets of one record: those of a whole certificate."""
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates that it cannot read, or not wholly."""
_DIGEST_OCTETS = {SHA256: 32, SHA512: 64}


class TlsaRecord(msgspec.Struct, frozen=True, order=True):
    """A usable TLSA record: usage 2 or 3, with a known selector and matching type."""

    usage: int
    selector: int
    matching: int
    data: bytes


class TlsaRecords(msgspec.Struct, frozen=True):
    """The records of an answer that an SMTP client can use."""

    usable: tuple[TlsaRecord, ...]
    total: int
    """How many records there were."""

    @property
    def text(self) -> str:
        """A text for people: `2 usable of 3 records`."""
        return f"{len(self.usable)} usable of {self.total} record{'s' if self.total != 1 else ''}"


class PresentedCertificate:
    """A certificate, with the octets that records are compared with. What cannot be read matches nothing."""

    def __init__(self, der: bytes) -> None:
        self.der = der

    @cached_property
    def parsed(self) -> x509.Certificate | None:
        """The certificate; None when the octets are none."""
        try:
            return x509.load_der_x509_certificate(self.der)
        except UNREADABLE:
            return None

    @cached_property
    def public_key(self) -> bytes | None:
        """The SubjectPublicKeyInfo in DER; None for a key of an unknown kind."""
        if self.parsed is None:
            return None
        try:
            return self.parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except UNREADABLE:
            return None

    def is_named_by(self, record: TlsaRecord) -> bool:
        """Whether the record's data is that of this certificate (RFC 6698 §2.1)."""
        selected = self.der if record.selector == WHOLE else self.public_key
        if selected is None:
            return False
        match record.matching:
            case 1:
                return hashlib.sha256(selected).digest() == record.data
            case 2:
                return hashlib.sha512(selected).digest() == record.data
            case _:
                return selected == record.data


def tlsa_name(host: str, port: int) -> str:
    """The name of a TLSA record for a TCP port of a host (RFC 6698 §3)."""
    return f"_{port}._tcp.{host}"


def usable_records(texts: Sequence[str]) -> TlsaRecords:
    """The usable records among those of an answer, each written as `usage selector matching hex`."""
    parsed = [record for text in texts[:MOST_RECORDS] if (record := _record(text)) is not None]
    return TlsaRecords(tuple(sorted(set(parsed))), len(texts))


def _record(text: str) -> TlsaRecord | None:
    words = text.split(" ")
    if len(words) != 4 or not all(word.isdecimal() and len(word) <= 3 for word in words[:3]):
        return None
    try:
        record = TlsaRecord(int(words[0]), int(words[1]), int(words[2]), bytes.fromhex(words[3]))
    except ValueError:
        return None
    return record if _is_usable(record) else None


def _is_usable(record: TlsaRecord) -> bool:
    if record.usage not in (ANCHOR, END_ENTITY) or record.selector not in (WHOLE, KEY):
        return False
    if record.matching == EXACT:
        return 0 < len(record.data) <= MOST_OCTETS
    return _DIGEST_OCTETS.get(record.matching) == len(record.data)
