"""Connects the parts of the access service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.access.adapters.annotations import AnnotationsClient
from services.access.adapters.directory import DirectoryClient
from services.access.adapters.maildrops import MaildropsClient
from services.access.adapters.mailstore import MailstoreClient
from services.access.adapters.ordering import OrderingClient
from services.access.adapters.patience import Patience
from services.access.adapters.reads import ReadsClient
from services.access.adapters.scripts import ScriptsClient
from services.access.adapters.sharing import SharingClient
from services.access.endpoints.connection import ImapConnection
from services.access.endpoints.imap_listener import ImapListener
from services.access.endpoints.listener import IMAPS, MANAGESIEVE, STOP_SECONDS, SessionListener
from services.access.endpoints.managesieve_listener import ManageSieveListener
from services.access.endpoints.owner import ReportOnly
from services.access.endpoints.pop3_listener import PopListener
from services.access.pop3.dependencies import PopDependencies
from services.access.session.admission import Admission
from services.access.session.backend import ImapDependencies, LogInDependencies, ManageSieveDependencies
from services.access.session.log_in_watch import LoginWatch
from services.access.session.namespaces import Namespaces
from services.access.session.previews import Previews
from services.access.session.read_bodies import ReadBodies
from services.access.session.recents import Recents
from services.access.session.versions import Versions
from services.access.session.withholding import Withholding
from services.access.settings import SECTIONS as SECTIONS
from services.access.settings import AccessSettings, ManageSieveSettings, Pop3Settings
from shared.grpc.servicers import Registration
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.scans import ScanCounts
from shared.scripts.settings import SieveSettings
from shared.service import Host
from shared.tls.renewed_certificate import RenewedCertificate

SERVICE = "access"


class Access:
    """The access service as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = settings = host.section(AccessSettings)
        self._patience = Patience(host.clock, settings.patience)
        channel, directory = host.channel("mailstore", SERVICE), host.channel("directory", SERVICE)
        mailstore = MailstoreClient(channel, self._patience)
        self._versions = Versions(host.bus, mailstore, settings.compare_seconds)
        self._log_in_watch = LoginWatch(directory, host.bus, settings.compare_seconds)
        self._certificate = RenewedCertificate(SERVICE, host.places, host.clock, host.server.host)
        self._directory = DirectoryClient(directory, self._patience)
        self._read_bodies = ReadBodies(ReadsClient(channel, self._patience), host.ids, settings.journal_seconds)
        self._backend = ImapDependencies(
            self._log_ins(settings.max_connections_per_account),
            mailstore,
            AnnotationsClient(channel, self._patience),
            OrderingClient(channel, self._patience),
            SharingClient(channel, self._patience),
            Namespaces(settings.other_users, settings.shared_mailboxes),
            host.blobs,
            host.disk_room(SERVICE, settings.reserve_bytes, settings.reserve_percent),
            self._versions,
            Recents(settings.recent_mailboxes),
            Withholding(settings.withhold),
            Previews(settings.previews),
            _script_server(host),
        )
        self._listener = self._imap_listener()
        self._clear = self._clear_listener() if settings.listen_starttls else None
        self._managesieve = self._managesieve_listener() if host.section(ManageSieveSettings).listen else None
        self._pop3 = self._pop3_listener() if host.section(Pop3Settings).listen else None
        self.registrations: Sequence[Registration] = (
            (add_OwnerServicer_to_server, ReportOnly(self.report, host.health(SERVICE))),
        )

    @property
    def port(self) -> int:
        """The port of IMAP over TLS."""
        return self._listener.port

    async def start(self) -> None:
        """Listen. Raises OSError, AuthorityError."""
        minimum = self._host.server.tls_minimum
        authorities = self._host.server.client_authorities
        tls = await self._certificate.start(minimum, ("imap",), authorities)
        await self._versions.start()
        await self._log_in_watch.start()
        self._read_bodies.start()
        await self._listener.start(ListenerTls(tls, self._settings.handshake_timeout, STOP_SECONDS))
        if self._clear is not None:
            await self._clear.start(self._certificate.context(minimum, ("imap",), authorities))
        if self._managesieve is not None:
            await self._managesieve.start(self._certificate.context(minimum, ("managesieve",), authorities))
        if self._pop3 is not None:
            await self._pop3.start(self._certificate.context(minimum, ("pop3",), authorities))

    async def stop(self) -> None:
        """Send BYE to all sessions and close."""
        await self._certificate.stop()
        clear, sieve, pop3 = self._clear, self._managesieve, self._pop3
        others = [listener.stop() for listener in (clear, sieve, pop3) if listener is not None]
        await asyncio.gather(self._listener.stop(), *others)
        await self._read_bodies.stop()
        await self._versions.stop()
        await self._log_in_watch.stop()

    async def report(self) -> owner_pb2.ReportReply:
        """The report of listeners, connections and sessions, and whether the events that end sessions are being
        followed."""
        counts = {
            "connections": len(self._listener) + (len(self._clear) if self._clear else 0),
            "sessions": self._backend.log_ins.admission.sessions,
            "idle": self._versions.idle,
            "scans_failed": ScanCounts.failed,
            "scanned_again": ScanCounts.again,
        }
        listeners = self._listener.report() + (self._clear.report() if self._clear else [])
        for listener in (self._managesieve, self._pop3):
            if listener is not None:
                counts |= listener.counts()
                listeners += listener.report()
        return owner_pb2.ReportReply(
            listeners=listeners,
            counts=counts,
            lag={"directory": await self._log_in_watch.lag()},
            descriptors=self._host.descriptors.limit,
            descriptors_needed=self._host.descriptors.needed,
        )

    def _log_ins(self, most_of_account: int) -> LogInDependencies:
        host = self._host
        return LogInDependencies(
            self._settings,
            self._directory,
            Admission(most_of_account),
            self._log_in_watch,
            host.turns,
            host.ids,
            host.clock,
            host.server.host,
            self._read_bodies,
        )

    def _imap_listener(self) -> SessionListener:
        settings, backend = self._settings, self._backend
        return SessionListener(
            self._host, IMAPS, self._limits(), settings.write_timeout, lambda wire: ImapConnection(backend, wire)
        )

    def _clear_listener(self) -> ImapListener:
        return ImapListener(self._host, self._backend, self._limits())

    def _limits(self) -> ConnectionLimits:
        settings = self._settings
        return ConnectionLimits(settings.max_connections, settings.max_connections_per_address, settings.max_handshakes)

    def _managesieve_listener(self) -> ManageSieveListener:
        host, limits = self._host, self._host.section(ManageSieveSettings)
        scripts = ScriptsClient(host.channel("mailstore", SERVICE), self._patience)
        log_ins = self._log_ins(limits.max_connections_per_account)
        dependencies = ManageSieveDependencies(log_ins, scripts, limits, host.section(SieveSettings))
        return ManageSieveListener(host, dependencies)

    def _pop3_listener(self) -> PopListener:
        host, backend = self._host, self._backend
        dependencies = PopDependencies(
            self._log_ins(1),  # a maildrop has one session at a time (RFC 1939 §4)
            backend.mailstore,
            MaildropsClient(host.channel("mailstore", SERVICE), self._patience),
            host.blobs,
            self._versions,
            host.section(Pop3Settings),
        )
        return PopListener(host, dependencies)


def _script_server(host: Host) -> str:
    if not host.section(ManageSieveSettings).listen or "imapsieve" not in host.section(SieveSettings).extensions:
        return ""
    port = host.port(MANAGESIEVE.port)
    return f"sieve://{host.server.host}" + (f":{port}" if port != MANAGESIEVE.port else "")


def build(host: Host) -> Access:
    """Create the service for a process that hosts it."""
    return Access(host)
