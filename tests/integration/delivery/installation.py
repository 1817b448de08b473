"""Delivery with the services it calls, in one process over a real bus; the ingress only notes its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from services.delivery.app import SECTIONS as DELIVERY_SECTIONS
from services.delivery.app import Delivery
from services.delivery.app import build as build_delivery
from services.directory.app import SECTIONS as DIRECTORY_SECTIONS
from services.directory.app import build as build_directory
from services.mailstore.app import SECTIONS as MAILSTORE_SECTIONS
from services.mailstore.app import build as build_mailstore
from services.outbound.app import SECTIONS as OUTBOUND_SECTIONS
from services.outbound.app import build as build_outbound
from shared.blobs.blob_id import BlobId
from shared.blobs.local import LocalBlobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.bus.subjects import CLASSIFIED, INGRESS_SETTLED, SUBMITTED
from shared.events.mail import Client, MailReceived, MailSettled, MailSubmitted, Message, Recipient
from shared.events.spam import MailClassified, RecordedVerdict
from shared.eventstore.event import Event, decode, encode
from shared.eventstore.store import EventStore
from shared.grpc.credentials import CallTokens
from shared.grpc.errors import NotFound
from shared.grpc.servicers import Method, Registration
from shared.ids import IdKind, shard_of
from shared.places import Places
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.ingress.v1 import ingress_pb2
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import add_IngressServicer_to_server
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.outbound.v1 import outbound_pb2
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.service import SHARED_SECTIONS, App, Host
from shared.settings import Sections, load
from tests.harness.waiting import until_true

PATIENCE = 60.0
DELIVER = "/mailfold.mailstore.v1.Mailstore/Deliver"
ENQUEUE = "/mailfold.outbound.v1.Outbound/Enqueue"
RESOLVE = "/mailfold.directory.v1.Directory/Resolve"
OWNERS = ("directory", "mailstore", "outbound", "delivery")
_SECTIONS: Sections = {
    **SHARED_SECTIONS,
    **DIRECTORY_SECTIONS,
    **MAILSTORE_SECTIONS,
    **OUTBOUND_SECTIONS,
    **DELIVERY_SECTIONS,
}
BODY = (
    b"From: bob@example.org\r\nTo: ann@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: "
    b"<m1@example.org>\r\n\r\nHello.\r\n"
)


class Ingress:
    """Notes which receptions are held, and which reports it accepts; it accepts each once."""

    def __init__(self) -> None:
        self.held: list[tuple[str, bool]] = []
        self.settled: set[str] = set()
        self.reports: dict[str, ingress_pb2.SubmitReportRequest] = {}
        self.registrations: Sequence[Registration] = ((add_IngressServicer_to_server, self),)

    async def Hold(self, request: ingress_pb2.HoldRequest, context: Any) -> ingress_pb2.HoldReply:
        self.held.append((request.queue_id, request.held))
        return ingress_pb2.HoldReply(settled=request.queue_id in self.settled)

    async def SubmitReport(
        self, request: ingress_pb2.SubmitReportRequest, context: Any
    ) -> ingress_pb2.SubmitReportReply:
        repeated = request.queue_id in self.reports
        self.reports.setdefault(request.queue_id, request)
        return ingress_pb2.SubmitReportReply(repeated=repeated)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return None


class Installation:
    """Can be started, stopped, and created again with the same folder."""

    def __init__(self, data: Path, bus_url: str, flags: Mapping[str, str] | None = None) -> None:
        self.places = Places(data)
        self.places.make()
        self._settings = load(
            _SECTIONS,
            flags={
                "bus.url": bus_url,
                "server.hostname": "mail.example.org",
                "outbound.sending": "false",
                **(flags or {}),
            },
        )
        self._apps: dict[str, App] = {}
        self.ingress = Ingress()
        self.settled: list[MailSettled] = []
        self.methods: dict[str, dict[str, Method]] = {}
        """The servicer of each service; a test may replace its methods."""

    async def start(self) -> None:
        self.bus = await Bus.connect(self._settings.of(BusSettings), "test")
        self.blobs = LocalBlobs(self.places.blobs, "g0001")
        self.blobs.start()
        self.host = Host(self.places, self._settings, [*OWNERS, "ingress"], self.bus, self.blobs, CallTokens())
        self.delivery: Delivery = build_delivery(self.host)
        self._apps = {
            "ingress": self.ingress,
            "directory": build_directory(self.host),
            "mailstore": build_mailstore(self.host),
            "outbound": build_outbound(self.host),
            "delivery": self.delivery,
        }
        self.methods = {name: cast(dict[str, Method], self.host.offer(name, app)) for name, app in self._apps.items()}
        for app in self._apps.values():
            await app.start()
        self.bus.work(INGRESS_SETTLED, self._note, self._impossible)
        self.directory = DirectoryStub(self.host.channel("directory", "operator"))
        self.mailstore = MailstoreStub(self.host.channel("mailstore", "access"))
        self.outbound = OutboundStub(self.host.channel("outbound", "operator"))

    async def stop(self) -> None:
        for app in reversed(self._apps.values()):
            await app.stop()
        await self.bus.close()
        await self.blobs.close()

    async def add_people(self, *names: str, quota_bytes: int = 0) -> None:
        """A domain `example.org` with these accounts."""
        try:
            await self.directory.ShowDomain(directory_pb2.NameRequest(name="example.org"))
        except NotFound:
            await self.directory.AddDomain(directory_pb2.AddDomainRequest(name="example.org", incoming=True))
        for name in names:
            await self.directory.AddUser(directory_pb2.AddUserRequest(name=name, password="correct horse"))
            await self.directory.AddAccount(
                directory_pb2.AddAccountRequest(address=f"{name}@example.org", user=name, quota_bytes=quota_bytes)
            )

    async def submitted(
        self, *recipients: Recipient | str, sender: str = "bob@example.org", body: bytes = BODY, ret: str = ""
    ) -> MailSubmitted:
        """A submitted mail as the ingress publishes it; it is not yet published."""
        message = await self._stored(body)
        return MailSubmitted(
            self.host.ids.new(IdKind.QUEUE),
            sender,
            tuple(map(_recipient, recipients)),
            message,
            Client("192.0.2.1"),
            "u1",
            "a1",
            ret=ret,
        )

    async def classified(self, *recipients: Recipient | str, spam: bool = False) -> MailClassified:
        """A received mail with its verdict; it is not yet published."""
        queue_id = self.host.ids.new(IdKind.QUEUE)
        received = MailReceived(
            queue_id,
            "eve@example.net",
            tuple(map(_recipient, recipients)),
            await self._stored(BODY),
            Client("192.0.2.1"),
        )
        return MailClassified(
            queue_id, RecordedVerdict(spam, 9.0 if spam else 0.0, 5.0), b"X-Spam-Status: known\r\n", received
        )

    async def publish(self, mail: MailSubmitted | MailClassified, times: int = 1) -> None:
        event = SUBMITTED if isinstance(mail, MailSubmitted) else CLASSIFIED
        await asyncio.gather(
            *(self.bus.publish(event.on(shard_of(mail.queue_id)), "", encode(mail)) for _ in range(times))
        )

    async def until_settled(self, queue_id: str, times: int = 1) -> dict[str, str]:
        """Wait until the mail is settled; returns the outcome of each recipient."""
        await until_true(lambda: self._is_settled(queue_id, times))
        entry_of_mail = next(entry for entry in self.settled if entry.queue_id == queue_id)
        return {outcome.recipient: outcome.result for outcome in entry_of_mail.outcomes}

    async def events_of_mail(self, queue_id: str) -> list[Event]:
        return [recorded.event for recorded in await self.delivery.store.read_stream(queue_id)]

    async def followed(self) -> None:
        """Wait until delivery has followed all events of the directory."""
        await until_true(self._is_followed)

    async def report_text(self, report: ingress_pb2.SubmitReportRequest) -> str:
        """The message of a report."""
        stored = await self.blobs.read(BlobId(report.blob))
        return stored.read(0, stored.body_size).decode()

    async def count(self, name: str, mailbox: str = "INBOX") -> int:
        """The number of messages in a mailbox."""
        listed = await self.mailstore.ListMailboxes(
            mailstore_pb2.ListMailboxesRequest(account=await self._account(name), with_status=True)
        )
        return next((box.messages for box in listed.mailboxes if mailbox in (box.name, box.special_use)), 0)

    async def messages(self, name: str) -> list[bytes]:
        """The INBOX of an account: prefix and body of each message."""
        account = await self._account(name)
        view = await self.mailstore.ViewMailbox(mailstore_pb2.MailboxNameRequest(account=account, name="INBOX"))
        uids = mailstore_pb2.UidSet(bounds=[bound for page in view.uids for bound in page.bounds])
        asked = mailstore_pb2.FetchRequest(account=account, mailbox=view.mailbox.id, uids=uids, contents=True)
        result = []
        async for batch in self.mailstore.Fetch(asked):
            for prefix, blob in zip(batch.prefixes, batch.blobs, strict=True):
                stored = await self.blobs.read(BlobId(blob))
                result.append(prefix + stored.read(0, stored.body_size))
        return result

    async def queued(self) -> list[outbound_pb2.QueueEntry]:
        return list((await self.outbound.List(outbound_pb2.ListQueueRequest())).entries)

    def owner(self, service: str) -> Any:
        return OwnerStub(self.host.channel(service, "operator"))

    async def dead_letters(self) -> list[owner_pb2.DeadLetter]:
        return list((await self.owner("delivery").ListDeadLetters(owner_pb2.ListDeadLettersRequest())).letters)

    async def dead_letter(self) -> owner_pb2.DeadLetter:
        """The only dead letter, with its payload."""
        (listed,) = await self.dead_letters()
        shown: owner_pb2.DeadLetter = await self.owner("delivery").ShowDeadLetter(
            owner_pb2.DeadLetterRequest(id=listed.id)
        )
        return shown

    def store(self, service: str) -> EventStore:
        """The store of a service."""
        store: EventStore = self._apps[service].store  # type: ignore[attr-defined]
        return store

    def replace(self, service: str, path: str, behaviour: Callable[[Any, Any], Awaitable[Any]]) -> Method:
        """Replace a method; returns the one that was there."""
        method = self.methods[service][path]
        self.methods[service][path] = method._replace(behaviour=behaviour)
        return method

    async def verify(self) -> None:
        """Check that every store equals its log."""
        for service in OWNERS:
            *_, last = [progress async for progress in self.owner(service).Verify(owner_pb2.VerifyRequest())]
            assert last.done
            assert not last.differences, service

    async def _account(self, name: str) -> str:
        account: directory_pb2.Account = await self.directory.ShowAccount(
            directory_pb2.NameRequest(name=f"{name}@example.org")
        )
        return account.id

    async def _stored(self, body: bytes) -> Message:
        with self.blobs.writer() as writer:
            writer.write(body)
            reference = await writer.commit(encode_scan(scan(body)))
        return Message(reference.id, reference.size, b"Received: by mail.example.org\r\n", "m1@example.org", "Subject")

    async def _note(self, payload: bytes, _count: int) -> None:
        settled = decode("mail.settled", 1, payload)
        assert isinstance(settled, MailSettled)
        self.settled.append(settled)

    async def _impossible(self, payload: bytes, _count: int, error: BaseException) -> None:
        raise AssertionError(payload) from error

    async def _is_followed(self) -> bool:
        report: owner_pb2.ReportReply = await self.owner("delivery").Report(owner_pb2.ReportRequest())
        return not report.lag["directory"]

    async def _is_settled(self, queue_id: str, times: int) -> bool:
        return sum(entry.queue_id == queue_id for entry in self.settled) >= times


def _recipient(recipient: Recipient | str) -> Recipient:
    return recipient if isinstance(recipient, Recipient) else Recipient(recipient)
