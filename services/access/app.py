"""Connects the parts of the access service."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.access.adapters.annotations import AnnotationsClient
from services.access.adapters.directory import DirectoryClient
from services.access.adapters.mailstore import MailstoreClient
from services.access.adapters.patience import Patience
from services.access.endpoints.listener import ImapListener
from services.access.endpoints.owner import ReportOnly
from services.access.session.admission import Admission
from services.access.session.backend import ImapDependencies
from services.access.session.log_in_watch import LoginWatch
from services.access.session.recents import Recents
from services.access.session.versions import Versions
from services.access.settings import SECTIONS as SECTIONS
from services.access.settings import AccessSettings
from shared.grpc.servicers import Registration
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.scans import ScanCounts
from shared.service import Host
from shared.tls.renewed_certificate import RenewedCertificate

SERVICE = "access"

log = structlog.get_logger("access")


class Access:
    """The access service as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        settings = host.section(AccessSettings)
        patience = Patience(host.clock, settings.patience)
        channel = host.channel("mailstore", SERVICE)
        mailstore = MailstoreClient(channel, patience)
        self._versions = Versions(host.bus, mailstore, settings.compare_seconds)
        self._admission = Admission(settings)
        directory = host.channel("directory", SERVICE)
        self._log_in_watch = LoginWatch(directory, host.bus, settings.compare_seconds)
        self._backend = ImapDependencies(
            settings,
            mailstore,
            AnnotationsClient(channel, patience),
            DirectoryClient(directory, patience),
            host.blobs,
            host.disk_room(SERVICE, settings.reserve_bytes, settings.reserve_percent),
            self._versions,
            self._admission,
            self._log_in_watch,
            Recents(settings.recent_mailboxes),
            host.turns,
            host.ids,
            host.clock,
            host.server.host,
        )
        self._certificate = RenewedCertificate(SERVICE, host.places, host.clock, host.server.host)
        self._listener = ImapListener(host, self._backend)
        self.registrations: Sequence[Registration] = (
            (add_OwnerServicer_to_server, ReportOnly(self.report, host.health(SERVICE))),
        )

    @property
    def port(self) -> int:
        """The port of IMAP over TLS."""
        return self._listener.port

    async def start(self) -> None:
        """Listen. Raises OSError, AuthorityError."""
        tls = await self._certificate.start(self._host.server.tls_minimum, alpn=("imap",))
        self._versions.start()
        await self._log_in_watch.start()
        await self._listener.start(tls)

    async def stop(self) -> None:
        """Send BYE to all sessions and close."""
        await self._certificate.stop()
        await self._listener.stop()
        await self._versions.stop()
        await self._log_in_watch.stop()

    async def report(self) -> owner_pb2.ReportReply:
        """The report of listeners, connections and sessions, and whether the events that end sessions are being
        followed."""
        counts = {
            "connections": len(self._listener),
            "sessions": self._admission.sessions,
            "idle": self._versions.idle,
            "scans_failed": ScanCounts.failed,
            "scanned_again": ScanCounts.again,
        }
        return owner_pb2.ReportReply(
            listeners=self._listener.report(),
            counts=counts,
            lag={"directory": await self._log_in_watch.lag()},
            descriptors=self._host.descriptors.limit,
            descriptors_needed=self._host.descriptors.needed,
        )


def build(host: Host) -> Access:
    """Create the service for a process that hosts it."""
    return Access(host)
