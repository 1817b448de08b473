"""Compares the certificates that a server presents with TLSA records (RFC 7671 §5, RFC 7672 §3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from cryptography import x509

from shared.protocol.dane.names import is_valid_for, names_in
from shared.protocol.dane.path import path_fault, path_to
from shared.protocol.dane.records import (
    ANCHOR,
    END_ENTITY,
    EXACT,
    UNREADABLE,
    WHOLE,
    PresentedCertificate,
    TlsaRecord,
)

MOST_CERTIFICATES = 10
"""Certificates of a chain that are looked at."""


class DaneResult(StrEnum):
    """The result of a comparison."""

    MATCH = "match"
    NO_MATCH = "no match"
    WRONG_NAME = "wrong name"
    EXPIRED = "expired"
    INVALID = "invalid"
    """The path to the matching certificate is not valid, or the certificates cannot be read."""


class DaneVerdict(msgspec.Struct, frozen=True):
    """The result, with a text for people."""

    result: DaneResult
    text: str


def verify_chain(
    records: Sequence[TlsaRecord], chain: Sequence[bytes], names: Sequence[str], now: datetime
) -> DaneVerdict:
    """Compare a chain, the server's own certificate first, with usable records; a single match suffices.

    Usage 3 compares the server's own certificate and looks neither at its names nor at its dates. Usage 2 asks for a
    valid path to the certificate that the record names, and for a certificate that is valid for one of `names`.
    """
    try:
        return _verify(records, list(map(PresentedCertificate, chain[:MOST_CERTIFICATES])), names, now)
    except UNREADABLE as error:
        return DaneVerdict(DaneResult.INVALID, f"the certificates of the server cannot be read: {error}")


def _verify(
    records: Sequence[TlsaRecord], presented: Sequence[PresentedCertificate], names: Sequence[str], now: datetime
) -> DaneVerdict:
    if not presented:
        return DaneVerdict(DaneResult.NO_MATCH, "the server presents no certificate")
    for record in records:
        if record.usage == END_ENTITY and presented[0].is_named_by(record):
            return DaneVerdict(DaneResult.MATCH, f"the certificate matches the record {_text(record)}")
    failure = DaneVerdict(DaneResult.NO_MATCH, "no TLSA record matches the certificates of the server")
    for record, anchor in _anchors(records, presented):
        verdict = _to_anchor(record, anchor, presented, names, now)
        if verdict.result is DaneResult.MATCH:
            return verdict
        failure = verdict
    return failure


def _anchors(
    records: Sequence[TlsaRecord], presented: Sequence[PresentedCertificate]
) -> Iterator[tuple[TlsaRecord, x509.Certificate]]:
    """The certificates that records of usage 2 name: presented by the server, or written out in the record itself."""
    for record in records:
        if record.usage != ANCHOR:
            continue
        candidates = [other for other in presented[1:] if other.is_named_by(record)]
        if (record.selector, record.matching) == (WHOLE, EXACT):
            candidates.append(PresentedCertificate(record.data))
        yield from ((record, other.parsed) for other in candidates if other.parsed is not None)


def _to_anchor(
    record: TlsaRecord,
    anchor: x509.Certificate,
    presented: Sequence[PresentedCertificate],
    names: Sequence[str],
    now: datetime,
) -> DaneVerdict:
    leaf = presented[0].parsed
    others = [other.parsed for other in presented[1:] if other.parsed is not None]
    path = path_to(anchor, leaf, others) if leaf is not None else None
    if leaf is None or path is None:
        return DaneVerdict(DaneResult.INVALID, f"the certificate is not signed by that of the record {_text(record)}")
    fault = path_fault(path, now)
    if fault:
        result = DaneResult.EXPIRED if fault.startswith("expired") else DaneResult.INVALID
        return DaneVerdict(result, f"a certificate is not valid, {fault}")
    if not is_valid_for(leaf, names):
        shown = ", ".join(names_in(leaf)[:5])[:300] or "no name"
        return DaneVerdict(DaneResult.WRONG_NAME, f"the certificate is for {shown}, not for {', '.join(names)}")
    return DaneVerdict(DaneResult.MATCH, f"an authority matches the record {_text(record)}")


def _text(record: TlsaRecord) -> str:
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()[:16]}…"
