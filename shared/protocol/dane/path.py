"""Builds the path from a server's certificate to a trust anchor that is given (RFC 5280 §6, RFC 7671 §5.2).

The anchor may be any authority's certificate: an intermediate or a private root. The public authorities are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

Kind = TypeVar("Kind", bound=x509.ExtensionType)
LONGEST_PATH = 8
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.NAME_CONSTRAINTS,
    }
)
_SERVER_PURPOSES = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


def path_to(
    anchor: x509.Certificate, leaf: x509.Certificate, others: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...] | None:
    """The certificates from the leaf to the anchor, each signed by the next; None when there is no such path."""
    path = [leaf]
    left = list(others)
    while len(path) < LONGEST_PATH:
        if _is_issued_by(path[-1], anchor):
            return (*path, anchor)
        issuer = next((certificate for certificate in left if _is_issued_by(path[-1], certificate)), None)
        if issuer is None:
            return None
        left.remove(issuer)
        path.append(issuer)
    return None


def path_fault(path: Sequence[x509.Certificate], now: datetime) -> str:
    """Why a path is not valid; empty when it is. Raises ValueError for extensions that cannot be read."""
    for depth, certificate in enumerate(path):
        fault = date_fault(certificate, now) or _extension_fault(certificate)
        fault = fault or (_authority_fault(certificate, depth) if depth else _server_fault(certificate))
        fault = fault or (_constraint_fault(certificate, path[0]) if depth else "")
        if fault:
            return f"{fault}: {certificate.subject.rfc4514_string()[:200]}"
    return ""


def date_fault(certificate: x509.Certificate, now: datetime) -> str:
    """Why a certificate is not valid at this time; empty when it is."""
    if now > certificate.not_valid_after_utc:
        return "expired"
    return "not valid yet" if now < certificate.not_valid_before_utc else ""


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _authority_fault(certificate: x509.Certificate, depth: int) -> str:
    """Only an authority may sign certificates, and no deeper than it is allowed to (RFC 5280 §4.2.1.9)."""
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return "no authority"
    if constraints.path_length is not None and depth - 1 > constraints.path_length:
        return "the path is longer than the authority allows"
    usage = _extension(certificate, x509.KeyUsage)
    return "" if usage is None or usage.key_cert_sign else "no authority for certificates"


def _server_fault(certificate: x509.Certificate) -> str:
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    return "" if purposes is None or not _SERVER_PURPOSES.isdisjoint(purposes) else "no certificate of a server"


def _extension_fault(certificate: x509.Certificate) -> str:
    """A critical extension that is not understood makes a certificate unusable (RFC 5280 §4.2)."""
    unknown = [entry.oid for entry in certificate.extensions if entry.critical and entry.oid not in _UNDERSTOOD]
    return f"unknown critical extension {unknown[0].dotted_string}" if unknown else ""


def _constraint_fault(authority: x509.Certificate, leaf: x509.Certificate) -> str:
    """An authority may be limited to names below some domains (RFC 5280 §4.2.1.10)."""
    constraints = _extension(authority, x509.NameConstraints)
    alternative = _extension(leaf, x509.SubjectAlternativeName)
    if constraints is None or alternative is None:
        return ""
    permitted = [name.value for name in constraints.permitted_subtrees or () if isinstance(name, x509.DNSName)]
    excluded = [name.value for name in constraints.excluded_subtrees or () if isinstance(name, x509.DNSName)]
    for name in alternative.get_values_for_type(x509.DNSName):
        if (permitted and not any(_is_below(name, base) for base in permitted)) or any(
            _is_below(name, base) for base in excluded
        ):
            return f"the authority may not sign for {name[:200]}"
    return ""


def _is_below(name: str, base: str) -> bool:
    lower, parent = name.lower(), base.lower().lstrip(".")
    return not parent or lower == parent or lower.endswith(f".{parent}")


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
