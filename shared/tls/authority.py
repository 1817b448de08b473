"""The certificate authority of the installation.

It is made at the first start, so that TLS works without a public certificate.

It is below `<data>/tls/` (0700, files 0600): `ca.pem`, `ca.key`, `server.pem`, `server.key`. Keys are kept forever.
Certificates are made again when they are about to expire, when names were added, or when they no longer fit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.clock import Clock
from shared.tls.certificate_files import CertificateFiles
from shared.tls.issue import authority_certificate, general_name, moment, names_for, names_of, server_certificate
from shared.tls.private_files import locked_folder, write_private

RENEW_BEFORE = timedelta(days=30)


class AuthorityError(OSError):
    """The folder cannot be used, or a key in it cannot be read; nothing was overwritten."""


class LocalAuthority:
    """The authority in a folder.

    It may be used by several processes at once, because the folder is locked meanwhile.
    """

    def __init__(self, folder: Path, clock: Clock, organisation: str = "Mailfold") -> None:
        self._folder = folder
        self._clock = clock
        self._common_name = f"{organisation} local authority"

    @property
    def certificate(self) -> Path:
        """The certificate that clients must trust: `ca.pem`, to be copied to them."""
        return self._folder / "ca.pem"

    @property
    def server(self) -> CertificateFiles:
        """The files of the server's certificate and key."""
        return CertificateFiles(self._folder / "server.pem", self._folder / "server.key")

    def ensure(self, host_names: Sequence[str]) -> CertificateFiles:
        """Make sure of a server certificate for these names, localhost and the loopback addresses.

        To be called at the start and once a day. It writes only what is missing or due. Raises `AuthorityError`, and
        ValueError for what is no host name.
        """
        names = names_for(host_names)
        try:
            with locked_folder(self._folder):
                self._ensure(names, moment(self._clock.now()))
        except AuthorityError:
            raise
        except OSError as error:
            raise AuthorityError(f"TLS folder {self._folder}: {error}") from error
        return self.server

    def _ensure(self, names: Sequence[str], now: datetime) -> None:
        authority_key = _load_or_make_key(self._folder / "ca.key")
        authority = _load_certificate(self.certificate)
        if authority is None or _is_due(authority, now) or not _belongs(authority, authority_key):
            authority = authority_certificate(authority_key, self._common_name, now)
            write_private(self.certificate, _pem(authority))
        key = _load_or_make_key(self.server.key)
        current = _load_certificate(self.server.certificate)
        if current is None or _is_due(current, now) or not _fits(current, names, key, authority):
            issued = server_certificate(names, key, authority, authority_key, now)
            write_private(self.server.certificate, _pem(issued))


def _is_due(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < RENEW_BEFORE or certificate.not_valid_before_utc > now


def _fits(
    certificate: x509.Certificate, names: Sequence[str], key: ec.EllipticCurvePrivateKey, authority: x509.Certificate
) -> bool:
    """Whether the certificate covers all these names (others may be added) and fits this key and this authority."""
    required = {general_name(name) for name in names}
    return required <= names_of(certificate) and _belongs(certificate, key) and _signed_by(certificate, authority)


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _belongs(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return certificate.public_key() == key.public_key()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _load_certificate(path: Path) -> x509.Certificate | None:
    """The first certificate in the file; None when there is none or it cannot be read, so that it is made again."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _load_or_make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in the file, or a new one.

    A key that exists but cannot be read is never replaced, because clients trust it and TLSA records may name it.
    """
    try:
        return _parse_key(path, path.read_bytes())
    except FileNotFoundError:
        return _make_key(path)


def _parse_key(path: Path, pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"{path} cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"{path} is not an elliptic-curve key")
    return key


def _make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    write_private(path, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return key
