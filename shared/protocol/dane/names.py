"""The host names that a certificate is valid for (RFC 6125 §6.4, RFC 7672 §3.2.3)."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names of a certificate; its common name only when it has none.

    Raises ValueError for extensions that cannot be read.
    """
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternative = None
    except x509.DuplicateExtension as error:
        raise ValueError(str(error)) from error
    names = alternative.get_values_for_type(x509.DNSName) if alternative is not None else []
    if names:
        return tuple(names)
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(str(attribute.value) for attribute in common)


def is_valid_for(certificate: x509.Certificate, references: Iterable[str]) -> bool:
    """Whether the certificate is valid for one of these host names. Raises ValueError."""
    presented = names_in(certificate)
    return any(_matches(name, reference) for reference in references for name in presented)


def _matches(presented: str, reference: str) -> bool:
    """Compare names without regard to case. A first label `*` matches exactly one label (RFC 6125 §6.4.3)."""
    name, host = presented.lower().rstrip("."), reference.lower().rstrip(".")
    if name == host:
        return bool(host)
    first, _, rest = name.partition(".")
    _, _, parent = host.partition(".")
    return first == "*" and "." in rest and rest == parent
