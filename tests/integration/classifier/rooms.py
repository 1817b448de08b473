"""The real classifier and the real mailbox store in this process, with a real nats-server and a directory without
quotas."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from services.classifier.app import SECTIONS as CLASSIFIER_SECTIONS
from services.classifier.app import Classifier
from services.classifier.domain.features import PackedFeatures
from services.classifier.domain.lesson import Label, Lesson
from services.classifier.domain.model import Model
from services.classifier.domain.snapshot import evidence_snapshot
from services.classifier.projections.lessons import unpack
from services.mailstore.app import SECTIONS as MAILSTORE_SECTIONS
from services.mailstore.app import Mailstore
from shared.blobs.local import LocalBlobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.bus.subjects import DELIVERY_CLASSIFIED, RECEIVED
from shared.events.directory import AccountAdded, AliasAdded, DomainAdded
from shared.events.mail import Client, MailReceived, Message, Recipient
from shared.events.spam import MailClassified
from shared.eventstore.event import Actor, Provenance, Recorded, encode
from shared.grpc.call import acting
from shared.grpc.credentials import CallTokens
from shared.grpc.servicers import Registration
from shared.ids import shard_of
from shared.owner.source import to_wire
from shared.places import Places
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.classifier.v1 import classifier_pb2
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierStub
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import add_DirectoryServicer_to_server
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.service import SHARED_SECTIONS, Host
from shared.settings import load
from tests.harness.source import PlainSource
from tests.harness.waiting import until_true

SPAM, INBOX, TRASH = "Spam", "INBOX", "Trash"


EVENTS = (
    DomainAdded("d-1", "example.org", True),
    *(AccountAdded(f"a-{name}", f"{name}@example.org", f"u-{name}", 0) for name in ("ann", "bob", "carl")),
    AliasAdded("post@example.org", ("bob@example.org",)),
)


class NoQuotas(PlainSource):
    """A directory of three accounts without quotas."""

    def __init__(self) -> None:
        self.registrations: Sequence[Registration] = (
            (add_DirectoryServicer_to_server, self),
            (add_EventSourceServicer_to_server, self),
        )

    async def ReadEvents(self, request: Any, context: Any) -> AsyncIterator[events_pb2.EventBatch]:
        reason = Provenance(Actor("operator"))
        entries = [
            Recorded(0, position, "directory", position, 1, reason, event) for position, event in enumerate(EVENTS, 1)
        ]
        yield events_pb2.EventBatch(
            events=[to_wire(event) for event in entries if event.position > request.after.get(0, 0)]
        )

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def ShowAccount(self, request: Any, context: Any) -> Any:
        return directory_pb2.Account(id=request.name)

    def __getattr__(self, name: str) -> Any:
        return None


@dataclass
class Rooms:
    """The running services, and what people and other services do to them."""

    host: Host
    classifier: Classifier
    mailstore: Mailstore
    classified: asyncio.Queue[MailClassified] = field(default_factory=asyncio.Queue)

    async def blob(self, body: bytes) -> str:
        """Store a body; returns its blob."""
        with self.host.blobs.writer() as writer:
            writer.write(body)
            return (await writer.commit(encode_scan(scan(body)))).id

    async def append(self, account: str, mailbox: str, *bodies: bytes) -> list[int]:
        """APPEND; returns the UIDs."""
        await self._store("OpenAccount", pb.OpenAccountRequest(account=account))
        messages = [pb.AppendMessage(blob=await self.blob(body), size=len(body), internal_date=1) for body in bodies]
        reply = await self._store("Append", pb.AppendRequest(account=account, mailbox=mailbox, messages=messages))
        return list(reply.uids)

    async def move(
        self, account: str, source: str, uids: list[int], target: str, actor: Actor | None = None
    ) -> list[int]:
        """MOVE; returns the UIDs in the target."""
        with acting(Provenance(actor or Actor("account", account))):
            return await self._carry("Move", account, source, uids, target)

    async def copy(self, account: str, source: str, uids: list[int], target: str) -> list[int]:
        """COPY; returns the UIDs of the copies."""
        return await self._carry("Copy", account, source, uids, target)

    async def receive(self, queue_id: str, blob: str, *recipients: str) -> MailReceived:
        """Publish `mail.received` as the ingress does.

        Unless recipients are given, its recipient is unknown to the directory.
        """
        to = tuple(map(Recipient, recipients or ("dora@example.net",)))
        mail = MailReceived(queue_id, "bob@sender.example", to, Message(blob, 100), Client("192.0.2.1"))
        await self.host.bus.publish(RECEIVED.on(shard_of(queue_id)), "", encode(mail))
        return mail

    async def verdict(self) -> MailClassified:
        """The next verdict that delivery would get."""
        return await asyncio.wait_for(self.classified.get(), 60)

    async def learning(self) -> classifier_pb2.LearningReply:
        """What the classifier's contract reports as learnt."""
        stub = ClassifierStub(self.host.channel("classifier", "operator"))
        reply: classifier_pb2.LearningReply = await stub.Learning(classifier_pb2.LearningRequest())
        return reply

    async def rebuild(self) -> None:
        """Call RebuildModel."""
        stub = ClassifierStub(self.host.channel("classifier", "operator"))
        await stub.RebuildModel(classifier_pb2.RebuildModelRequest())

    async def knows(self, address: str) -> None:
        """Wait until the classifier has followed the directory to this address."""

        async def is_so() -> bool:
            return bool(self.classifier.recipients.account_of([address]))

        await until_true(is_so)

    async def learnt(self, spam: int, ham: int) -> None:
        """Wait until exactly so many lessons are in force and all events were followed."""

        async def is_so() -> bool:
            learning = await self.learning()
            return (learning.spam_seen, learning.ham_seen) == (spam, ham) and not await self.lag()

        await until_true(is_so)

    async def lag(self) -> int:
        """The number of the mailbox store's events that the classifier has not followed."""
        stub = OwnerStub(self.host.channel("classifier", "operator"))
        return int((await stub.Report(owner_pb2.ReportRequest())).lag["mailstore"])

    async def dead_letters(self) -> list[owner_pb2.DeadLetter]:
        """The classifier's dead letters."""
        stub = OwnerStub(self.host.channel("classifier", "operator"))
        return list((await stub.ListDeadLetters(owner_pb2.ListDeadLettersRequest())).letters)

    async def retry(self, dead_letter: str) -> None:
        """Call RetryDeadLetter."""
        stub = OwnerStub(self.host.channel("classifier", "operator"))
        await stub.RetryDeadLetter(owner_pb2.DeadLetterRequest(id=dead_letter))

    def evidence(self) -> bytes:
        """The snapshot of what the model in use has counted."""
        return evidence_snapshot(self.classifier.teacher.model.counts)

    async def evidence_of_valid_lessons(self) -> bytes:
        """The snapshot of a new model that is taught the stored lessons."""
        rows = await self.classifier.store.read(
            lambda reader: reader.all("SELECT account, label, tokenizer, features FROM lesson")
        )
        model = Model()
        for account, label, tokenizer, features in rows:
            model.learn(Lesson(account, Label(label), tokenizer, PackedFeatures(*unpack(bytes(features)))))
        return evidence_snapshot(model.counts)

    async def _carry(self, method: str, account: str, source: str, uids: list[int], target: str) -> list[int]:
        request = pb.CopyRequest(
            account=account,
            mailbox=await self._id(account, source),
            uids=_uid_set(uids),
            target=target,
            messages=len(uids),
        )
        reply = await self._store(method, request)
        bounds = iter(reply.target.bounds)
        return [uid for first, last in zip(bounds, bounds, strict=True) for uid in range(first, last + 1)]

    async def _id(self, account: str, name: str) -> str:
        listed = await self._store("ListMailboxes", pb.ListMailboxesRequest(account=account))
        return next(str(result.id) for result in listed.mailboxes if result.name == name)

    async def _store(self, method: str, request: Any) -> Any:
        return await getattr(MailstoreStub(self.host.channel("mailstore", "access")), method)(request)


def _uid_set(uids: list[int]) -> pb.UidSet:
    return pb.UidSet(bounds=[bound for uid in uids for bound in (uid, uid)])


@contextlib.asynccontextmanager
async def running(nats_url: str, folder: Path) -> AsyncIterator[Rooms]:
    """Start both with this folder; verdicts are taken from the bus as delivery would."""
    places = Places(folder)
    places.make()
    flags = {"bus.url": nats_url, "classifier.rebuild_delay": "0.1"}
    settings = load({**SHARED_SECTIONS, **MAILSTORE_SECTIONS, **CLASSIFIER_SECTIONS}, None, {}, flags)
    bus = await Bus.connect(settings.of(BusSettings), "test")
    blobs = LocalBlobs(places.blobs, "g0001")
    blobs.start()
    host = Host(places, settings, ["directory", "mailstore", "classifier"], bus, blobs, CallTokens())
    mailstore = Mailstore(host)
    host.offer("directory", NoQuotas())
    host.offer("mailstore", mailstore)
    classifier = Classifier(host)
    host.offer("classifier", classifier)
    rooms = Rooms(host, classifier, mailstore)
    await mailstore.start()
    await classifier.start()
    _take_off(bus, rooms.classified)
    try:
        yield rooms
    finally:
        await classifier.stop()
        await mailstore.stop()
        await bus.close()
        await blobs.close()


def _take_off(bus: Bus, queue: asyncio.Queue[MailClassified]) -> None:
    decoder = msgspec.json.Decoder(MailClassified)

    async def take(payload: bytes, _count: int) -> None:
        queue.put_nowait(decoder.decode(payload))

    async def never(_payload: bytes, _count: int, error: BaseException) -> None:
        raise error

    bus.work(DELIVERY_CLASSIFIED, take, never)
