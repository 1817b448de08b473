"""A certificate authority for tests: a root, an intermediate, and certificates with any fault."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and the certificate that signed it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    issuer: Issued | None = None

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def public_key(self) -> bytes:
        """The SubjectPublicKeyInfo in DER."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form)

    def tlsa(self, usage: int, selector: int = 1, matching: int = 1) -> str:
        """A TLSA record for the certificate, as a zone file has it."""
        selected = self.public_key if selector else self.der
        data = {0: selected, 1: hashlib.sha256(selected).digest(), 2: hashlib.sha512(selected).digest()}[matching]
        return f"{usage} {selector} {matching} {data.hex()}"

    def chain(self, *, with_root: bool = False) -> list[bytes]:
        """The certificates that a server presents, without the root unless asked for."""
        chain, current = [self.der], self.issuer
        while current is not None and (with_root or current.issuer is not None):
            chain.append(current.der)
            current = current.issuer
        return chain

    def write(self, path: Path, *, with_root: bool = False) -> Path:
        """A PEM file with the key and the chain."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + "".join(map(ssl.DER_cert_to_PEM_cert, self.chain(with_root=with_root))).encode())
        return path

    def server(self, folder: Path, *, with_root: bool = False) -> ssl.SSLContext:
        """The context of a server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(folder / f"{self.certificate.serial_number:x}.pem", with_root=with_root))
        return context


def root(common_name: str = "Test root", **options: object) -> Issued:
    """A self-signed authority."""
    return _issue(common_name, None, is_authority=True, **options)  # type: ignore[arg-type]


def intermediate(issuer: Issued, common_name: str = "Test intermediate", **options: object) -> Issued:
    """An authority that another one signed."""
    return _issue(common_name, issuer, is_authority=True, **options)  # type: ignore[arg-type]


def server(issuer: Issued | None, *names: str, **options: object) -> Issued:
    """A certificate of a server for these names; self-signed without an issuer."""
    return _issue(names[0] if names else "nameless", issuer, names, **options)  # type: ignore[arg-type]


def client(issuer: Issued | None, *addresses: str, **options: object) -> Issued:
    """A certificate of a client with these mail addresses; self-signed without an issuer."""
    return _issue("client", issuer, addresses=addresses, purpose=ExtendedKeyUsageOID.CLIENT_AUTH, **options)  # type: ignore[arg-type]


def _issue(
    common_name: str,
    issuer: Issued | None,
    names: tuple[str, ...] = (),
    *,
    addresses: tuple[str, ...] = (),
    is_authority: bool = False,
    days: tuple[int, int] = (-2, 30),
    path_length: int | None = None,
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    extension: x509.ExtensionType | None = None,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
    if addresses:
        alternative = x509.SubjectAlternativeName(list(map(x509.RFC822Name, addresses)))
        builder = builder.add_extension(alternative, critical=False)
    if purpose is not None and not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, issuer)
