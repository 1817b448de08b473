"""The certificate with which a service listens: made at its start, and renewed once a day before it expires."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ssl import SSLContext

from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.places import Places
from shared.tls.authority import AuthorityError, LocalAuthority
from shared.tls.certificate_files import CertificateFiles
from shared.tls.server import ServerTls
from shared.tls.versions import TlsMinimum

_DAY = 86_400.0


class RenewedCertificate:
    """A certificate of the installation's own authority for the mail host."""

    def __init__(self, service: str, places: Places, clock: Clock, host_name: str) -> None:
        self._authority = LocalAuthority(places.tls, clock)
        self._names = [host_name]
        self._files: CertificateFiles | None = None
        self._renewal = BackgroundTask(
            service, "certificate", every(_DAY, self._renew), not_now=(AuthorityError,), longest_pause=_DAY
        )

    async def start(self, minimum: TlsMinimum, alpn: Sequence[str] = (), client_authorities: str = "") -> SSLContext:
        """The context of the listeners; the next handshake uses a renewed certificate.

        `client_authorities` is the file with the authorities of clients' certificates. Raises AuthorityError, OSError.
        """
        self._files = await asyncio.to_thread(self._authority.ensure, self._names)
        self._renewal.start()
        return self.context(minimum, alpn, client_authorities)

    def context(self, minimum: TlsMinimum, alpn: Sequence[str], client_authorities: str = "") -> SSLContext:
        """A context of a listener with another protocol; only after the start. Raises OSError."""
        assert self._files is not None
        return ServerTls(self._files, minimum=minimum, alpn=alpn, client_authorities=client_authorities).context()

    async def stop(self) -> None:
        """End the renewal."""
        await self._renewal.stop()

    async def _renew(self) -> None:
        await asyncio.to_thread(self._authority.ensure, self._names)
