"""Issues our certificates (RFC 5280): that of the authority and those it signs.

Its functions are pure: names, keys and times in, certificates out.
"""

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import idna
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)  # the longest that browsers and phones accept from a public authority
CLOCK_SKEW = timedelta(days=1)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_PLAIN_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def authority_certificate(key: ec.EllipticCurvePrivateKey, common_name: str, now: datetime) -> x509.Certificate:
    """A self-signed certificate that may sign server certificates but no further authorities."""
    name = _subject(common_name)
    return (
        _unsigned_certificate(name, name, key.public_key(), now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def server_certificate(
    names: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    """A certificate for these host names and addresses, which does not outlive the authority."""
    end = min(now + SERVER_LIFE, authority.not_valid_after_utc)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _unsigned_certificate(_subject(names[0]), authority.subject, key.public_key(), now, end)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(signer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def names_for(host_names: Sequence[str]) -> tuple[str, ...]:
    """The host names as certificates spell them, and this machine's own, without repeats.

    Raises ValueError for what is no host name.
    """
    return tuple(dict.fromkeys(_spelled(name) for name in (*host_names, *LOCAL_NAMES)))


def names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """The names in a certificate; empty when it has none."""
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def general_name(name: str) -> x509.GeneralName:
    """A host name or address as a GeneralName (RFC 5280 §4.2.1.6)."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _spelled(name: str) -> str:
    """The name in lower case with A-labels (RFC 5890) and without a final dot; a leading `*.` is kept."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        wildcard = "*." if name.startswith("*.") else ""
        return wildcard + _host_name(name.removeprefix("*.").rstrip("."))


def _host_name(name: str) -> str:
    lower = name.lower()
    # A machine's own name may contain an underscore, which DNS allows and IDNA would refuse.
    if len(lower) <= 253 and "xn--" not in lower and _PLAIN_HOST.fullmatch(lower):
        return lower
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"not a host name: {name[:260]!r}") from error


def _subject(common_name: str) -> x509.Name:
    """The subject. RFC 5280 allows 64 characters; clients use only the alternative names."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _unsigned_certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - CLOCK_SKEW).not_valid_after(end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def moment(microseconds: int) -> datetime:
    """A clock's microseconds in the form of certificates: whole seconds, UTC."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC)
