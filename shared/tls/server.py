"""TLS of servers: one context for listening and STARTTLS, with certificates chosen and reloaded for each handshake.

Listeners keep the context that they were given, so it never changes. OpenSSL calls its SNI callback for every
handshake, with or without a name, and the callback sets the certificate in force. So a renewed certificate serves the
next handshake and no connection is dropped; session tickets stay valid, because their key belongs to the listening
context.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from shared.tls.certificate_files import CertificateFiles, Signature
from shared.tls.versions import DEFAULT_MINIMUM, TlsMinimum, set_minimum

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Setup:
    """The common part of all contexts of a server.

    OpenSSL takes the TLS versions from the listening context, and ALPN from the chosen one.
    """

    minimum: TlsMinimum
    alpn: tuple[str, ...]
    client_authorities: str = ""
    """File with the authorities of clients' certificates, which are asked for and not demanded; empty: not asked."""

    def context(self, files: CertificateFiles) -> ssl.SSLContext:
        """A context with these files. Raises OSError, ssl.SSLError, or ValueError for an encrypted key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        set_minimum(context, self.minimum)
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))  # RFC 7301
        if self.client_authorities:
            context.load_verify_locations(cafile=self.client_authorities)
            context.verify_mode = ssl.CERT_OPTIONAL
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        return context


def _no_password() -> str:
    """Refuse an encrypted key; without this callback OpenSSL would ask on the terminal and block the server."""
    raise ValueError("the private key is encrypted")


class ServerTls:
    """Certificates by host name.

    `named` has host names (A-labels) or `*.` wildcards of one label as keys; all other names get `default`. Raises
    OSError (ssl.SSLError is one) or ValueError when the default's files cannot be used at the start. When files cannot
    be used later (half-written, or key and certificate do not match), the previous certificate stays in force and
    `problems` reports it.
    """

    def __init__(
        self,
        default: CertificateFiles,
        *,
        named: Mapping[str, CertificateFiles] | None = None,
        minimum: TlsMinimum = DEFAULT_MINIMUM,
        alpn: Sequence[str] = (),
        client_authorities: str = "",
    ) -> None:
        self._setup = _Setup(minimum, tuple(alpn), client_authorities)
        self._listening = self._setup.context(default)
        self._listening.sni_callback = self._choose
        self._default = _Certificate(default, self._setup)
        self._named: dict[str, _Certificate] = {}
        self.set_named(named or {})

    def context(self) -> ssl.SSLContext:
        """The context for `asyncio.start_server(ssl=…)` and `loop.start_tls`; always the same one."""
        return self._listening

    def set_named(self, named: Mapping[str, CertificateFiles]) -> None:
        """Replace the certificates of names, from the next handshake on.

        A certificate that cannot be used is reported in `problems` and raises nothing.
        """
        self._named = {name.lower(): self._certificate(name.lower(), files) for name, files in named.items()}

    def problems(self) -> dict[str, str]:
        """The certificates that could not be loaded last time, by name (`""`: the default), with the reason."""
        everyone = {"": self._default, **self._named}
        for certificate in everyone.values():
            certificate.refresh()
        return {name: certificate.problem for name, certificate in everyone.items() if certificate.problem}

    def _certificate(self, name: str, files: CertificateFiles) -> "_Certificate":
        """The certificate of these files; the present one when the files are the same, so nothing is loaded twice."""
        kept = self._named.get(name)
        return kept if kept and kept.files == files else _Certificate(files, self._setup)

    def _choose(self, handshake: ssl.SSLObject, name: str | None, _listening: ssl.SSLContext) -> None:
        """Set the certificate in force for this handshake (RFC 6066 §3).

        An unknown name gets the default: mail clients and servers ask for all kinds of names, and compare by
        themselves.
        """
        certificate = self._named_for(name.lower()) if name else None
        if certificate is None or not certificate.refresh():
            certificate = self._default
            certificate.refresh()
        if certificate.context is not None:
            handshake.context = certificate.context

    def _named_for(self, name: str) -> "_Certificate | None":
        context = self._named.get(name)
        return context or self._named.get("*." + name.partition(".")[2])


class _Certificate:
    """The context of one certificate, which is made again when its files have changed."""

    def __init__(self, files: CertificateFiles, setup: _Setup) -> None:
        self.files = files
        self.context: ssl.SSLContext | None = None
        self.problem = ""
        self._setup = setup
        self._seen: Signature = ()

    def refresh(self) -> bool:
        """Load the files again if they changed; returns whether there is a certificate. Bad files raise nothing."""
        try:
            signature = self.files.signature()
        except OSError as error:
            self._seen = ()
            self._refuse(str(error))
        else:
            self._reload(signature)
        return self.context is not None

    def _reload(self, signature: Signature) -> None:
        """Load the files.

        The signature was taken before, so that a change meanwhile is noticed at the next handshake.
        """
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self.context = self._setup.context(self.files)
            self.problem = ""
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self._refuse(str(error))

    def _refuse(self, reason: str) -> None:
        if reason != self.problem:
            self.problem = reason
            _log.warning("tls_certificate_refused", certificate=str(self.files.certificate), reason=reason)
