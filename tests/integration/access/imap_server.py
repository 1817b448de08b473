"""The access service and the mailbox store over real TLS and a real bus, with a directory that knows one password."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from services.access.app import SECTIONS as ACCESS_SECTIONS
from services.access.app import build as build_access
from services.directory.app import SECTIONS as DIRECTORY_SECTIONS
from services.mailstore.app import SECTIONS as MAILSTORE_SECTIONS
from services.mailstore.app import build as build_mailstore
from shared.blobs.local import LocalBlobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.clock import Clock
from shared.grpc.credentials import CallTokens
from shared.grpc.servicers import Method
from shared.ids import IdKind
from shared.places import Places
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.directory.v1 import directory_pb2, logins_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub, add_DirectoryServicer_to_server
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import LogInsServicer, add_LogInsServicer_to_server
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.service import SHARED_SECTIONS, App, Host
from shared.settings import load
from tests.harness.ports import is_free
from tests.harness.source import PlainSource
from tests.parts.ports import free_port

T = TypeVar("T")
PASSWORD = "secret of ann"
IMAP, IMAPS, MANAGESIEVE, POP3S, POP3 = 143, 993, 4190, 995, 110


def _free_imaps() -> int:
    """A port for IMAP, for which those of the other protocols are free too."""
    while True:
        port = free_port()
        if all(is_free(port + other - IMAPS) for other in (IMAP, MANAGESIEVE, POP3S, POP3)):
            return port


class StaticDirectory:
    """Knows every `<name>@example.org` by one password; the account id is `a-<name>`."""

    async def Authenticate(self, request: directory_pb2.AuthenticateRequest, context: Any) -> directory_pb2.Identity:
        name, _, domain = request.login.partition("@")
        if name == "disabled":
            return directory_pb2.Identity(refusal="disabled")
        is_other = request.authorization not in ("", request.login)
        if request.password != PASSWORD or domain != "example.org" or is_other:
            return directory_pb2.Identity(refusal="bad-credentials")
        return directory_pb2.Identity(
            ok=True, user=f"u-{name}", account=f"a-{name}", address=request.login, domain="d1"
        )

    async def ShowAccount(self, request: directory_pb2.NameRequest, context: Any) -> directory_pb2.Account:
        quota = 20_000 if request.name == "a-small" else 0
        return directory_pb2.Account(id=request.name, quota_bytes=quota)

    def __getattr__(self, name: str) -> Any:
        return None


class NoOtherMechanisms(LogInsServicer):
    """Offers the mechanisms in which a password is sent, and no others."""

    async def ListMechanisms(self, request: logins_pb2.MechanismsRequest, context: Any) -> logins_pb2.Mechanisms:
        return logins_pb2.Mechanisms()


class NoEvents(PlainSource):
    """The events of that directory, in which nothing ever changes."""

    async def ReadEvents(
        self, request: events_pb2.ReadEventsRequest, context: Any
    ) -> AsyncIterator[events_pb2.EventBatch]:
        return
        yield events_pb2.EventBatch()

    async def Heads(self, request: events_pb2.HeadsRequest, context: Any) -> events_pb2.HeadsReply:
        return events_pb2.HeadsReply()


class DirectoryApp:
    registrations = (
        (add_DirectoryServicer_to_server, StaticDirectory()),
        (add_LogInsServicer_to_server, NoOtherMechanisms()),
        (add_EventSourceServicer_to_server, NoEvents()),
    )

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class ImapServer:
    """Runs in a thread with an event loop of its own, so that tests may block."""

    def __init__(
        self,
        data: Path,
        bus_url: str,
        settings: Mapping[str, str] | None = None,
        directory: Callable[[Host], App] = lambda _host: DirectoryApp(),
        clock: Clock | None = None,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self.places = Places(data)
        self.port = _free_imaps()
        self._flags = {
            "bus.url": bus_url,
            "server.hostname": "mail.example.org",
            "server.port_offset": str(self.port - IMAPS),
            "access.login_delay": "0",
            **(settings or {}),
        }
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._apps: dict[str, App] = {}
        self.host: Host | None = None
        self.methods: dict[str, Mapping[str, Method]] = {}
        """The in-process servicer of each service; a test may wrap its methods."""

    def __enter__(self) -> ImapServer:
        self.places.make()
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(60)

    def app(self, service: str) -> App:
        """A service, after its start."""
        return self._apps[service]

    def client_context(self) -> ssl.SSLContext:
        """Trusts the server's own authority."""
        return ssl.create_default_context(cafile=str(self.places.tls / "ca.pem"))

    @property
    def managesieve_port(self) -> int:
        """The port of ManageSieve."""
        return self.port + MANAGESIEVE - IMAPS

    @property
    def imap_port(self) -> int:
        """The port of IMAP in clear until STARTTLS."""
        return self.port + IMAP - IMAPS

    @property
    def pop3s_port(self) -> int:
        """The port of POP3 under TLS."""
        return self.port + POP3S - IMAPS

    @property
    def pop3_port(self) -> int:
        """The port of POP3 with STLS."""
        return self.port + POP3 - IMAPS

    def connect(self) -> ssl.SSLSocket:
        """A TLS connection; the greeting has not been read."""
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.client_context().wrap_socket(plain, server_hostname="localhost")

    def deliver(
        self, name: str, body: bytes, mailbox: str = "INBOX", prefix: bytes = b"Return-Path: <>\r\n", key: str = ""
    ) -> int:
        """Deliver a mail to an account as the delivery service does; returns its UID."""
        return self.run(self._deliver(name, body, mailbox, prefix, key))

    def mailstore(self, method: str, request: Any) -> Any:
        """Call the mailbox store directly."""
        assert self.host is not None
        stub = MailstoreStub(self.host.channel("mailstore", "access"))
        return self.run(getattr(stub, method)(request))

    def directory(self, method: str, request: Any) -> Any:
        """Call the directory directly, as the operator does."""
        assert self.host is not None
        contract = ArchivesStub if method == "RemoveAccount" else DirectoryStub
        stub = contract(self.host.channel("directory", "operator"))
        return self.run(getattr(stub, method)(request))

    def mailstore_stream(self, method: str, request: Any) -> list[Any]:
        """Call a streaming method of the mailbox store directly."""

        async def ask() -> list[Any]:
            assert self.host is not None
            stub = MailstoreStub(self.host.channel("mailstore", "access"))
            return [batch async for batch in getattr(stub, method)(request)]

        return self.run(ask())

    async def _start(self) -> None:
        settings = load(
            {**SHARED_SECTIONS, **DIRECTORY_SECTIONS, **MAILSTORE_SECTIONS, **ACCESS_SECTIONS}, flags=self._flags
        )
        bus = await Bus.connect(settings.of(BusSettings), "test")
        blobs = LocalBlobs(self.places.blobs, "g0001")
        blobs.start()
        self.host = host = Host(self.places, settings, ["mailstore", "directory", "access"], bus, blobs, CallTokens())
        host.clock = self._clock or host.clock
        self._apps = {
            "directory": self._directory(host),
            "mailstore": build_mailstore(host),
            "access": build_access(host),
        }
        self.methods = {name: host.offer(name, app) for name, app in self._apps.items()}
        for app in self._apps.values():
            await app.start()

    async def _stop(self) -> None:
        for app in reversed(self._apps.values()):
            await app.stop()
        assert self.host is not None
        await self.host.bus.close()
        await self.host.blobs.close()

    async def _deliver(self, name: str, body: bytes, mailbox: str, prefix: bytes, key: str) -> int:
        host = self.host
        assert host is not None
        with host.blobs.writer() as writer:
            writer.write(body)
            scanned = scan(body)
            ref = await writer.commit(encode_scan(scanned))
        stub = MailstoreStub(host.channel("mailstore", "delivery"))
        request = mailstore_pb2.DeliverRequest(
            account=f"a-{name}",
            queue_id=key or host.ids.new(IdKind.QUEUE),
            recipient=f"{name}@example.org",
            mailbox=mailbox,
            blob=ref.id,
            size=ref.size,
            prefix=prefix,
            internal_date=host.clock.now(),
            message_id=scanned.message_id,
            subject=scanned.subject,
        )
        reply: mailstore_pb2.DeliverReply = await stub.Deliver(request)
        return reply.uid
