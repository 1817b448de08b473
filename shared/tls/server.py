"""The server's side of TLS: one context for listening and STARTTLS, certificates chosen and reloaded per handshake.

Listeners hold on to the context they were given, so that context never changes. Its SNI callback, which OpenSSL calls
for every handshake, with or without a name, puts in the certificate in force: a renewed one serves the next handshake,
no connection is dropped, and session tickets (their key is the listening context's) outlive the renewal.
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
    """What all contexts of one server share: OpenSSL takes versions from the listening context, ALPN from the chosen
    one.
    """

    minimum: TlsMinimum
    alpn: tuple[str, ...]

    def context(self, files: CertificateFiles) -> ssl.SSLContext:
        """Raises OSError, ssl.SSLError, ValueError (an encrypted key)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        set_minimum(context, self.minimum)
        if self.alpn:
            context.set_alpn_protocols(list(self.alpn))  # RFC 7301
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
        return context


def _no_password() -> str:
    """An encrypted key is refused; without this OpenSSL would ask the terminal and the server would hang."""
    raise ValueError("the private key is encrypted")


class ServerTls:
    """Certificates by host name. `named` keys are host names (A-labels) or `*.` wildcards of one label; all others get
    `default`.

    Raises OSError (ssl.SSLError is one) or ValueError when the default's files cannot be used at the start. Later,
    files that cannot be used (half-written, key and certificate not a pair) leave the previous certificate in force and
    show in `problems`.
    """

    def __init__(
        self,
        default: CertificateFiles,
        *,
        named: Mapping[str, CertificateFiles] | None = None,
        minimum: TlsMinimum = DEFAULT_MINIMUM,
        alpn: Sequence[str] = (),
    ) -> None:
        self._setup = _Setup(minimum, tuple(alpn))
        self._listening = self._setup.context(default)
        self._listening.sni_callback = self._choose
        self._default = _Certificate(default, self._setup)
        self._named: dict[str, _Certificate] = {}
        self.set_named(named or {})

    def context(self) -> ssl.SSLContext:
        """The context for `asyncio.start_server(ssl=…)` and `loop.start_tls`: always the same one."""
        return self._listening

    def set_named(self, named: Mapping[str, CertificateFiles]) -> None:
        """Replace the per-name certificates, from the next handshake on. One that cannot be used is a problem, not an
        error.
        """
        self._named = {name.lower(): self._certificate(name.lower(), files) for name, files in named.items()}

    def problems(self) -> dict[str, str]:
        """Certificates that could not be loaded last time, by name (`""`: the default), with the reason."""
        everyone = {"": self._default, **self._named}
        for certificate in everyone.values():
            certificate.refresh()
        return {name: certificate.problem for name, certificate in everyone.items() if certificate.problem}

    def _certificate(self, name: str, files: CertificateFiles) -> "_Certificate":
        """The one in use when its files are the same, so that nothing is loaded twice."""
        kept = self._named.get(name)
        return kept if kept and kept.files == files else _Certificate(files, self._setup)

    def _choose(self, handshake: ssl.SSLObject, name: str | None, _listening: ssl.SSLContext) -> None:
        """Put the certificate in force into this handshake (RFC 6066 §3). An unknown name is served, not refused: mail
        clients and MTAs ask for names of all kinds, and it is theirs to compare."""
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
    """The context of one certificate, made anew when its files have changed."""

    def __init__(self, files: CertificateFiles, setup: _Setup) -> None:
        self.files = files
        self.context: ssl.SSLContext | None = None
        self.problem = ""
        self._setup = setup
        self._seen: Signature = ()

    def refresh(self) -> bool:
        """Load again if the files changed; whether there is a certificate to serve. Never raises for bad files."""
        try:
            signature = self.files.signature()
        except OSError as error:
            self._seen = ()
            self._refuse(str(error))
        else:
            self._reload(signature)
        return self.context is not None

    def _reload(self, signature: Signature) -> None:
        """The signature was taken before the files are read: a change meanwhile is seen at the next handshake."""
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
