"""Connects the parts of the classifier."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy

from services.classifier.adapters.recipients import FollowedRecipients
from services.classifier.endpoints.servicer import ClassifierEndpoint
from services.classifier.endpoints.worker import ClassifierWorker
from services.classifier.handlers.erasure import ClassifierErasure
from services.classifier.handlers.judge import ACTOR, Judge
from services.classifier.handlers.lessons import CURSOR, TAUGHT_BY, LessonFollower
from services.classifier.handlers.own_evidence import OwnEvidence
from services.classifier.handlers.sender_lists import SenderLists
from services.classifier.handlers.teacher import Teacher
from services.classifier.projections.lessons import LessonProjection
from services.classifier.settings import SECTIONS as SECTIONS
from services.classifier.settings import ClassifierSettings
from shared.background import woken_within
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.grpc.servicers import Registration
from shared.owner.burial import Burial, ingress_hold
from shared.owner.commit_bell import ring_at_commits
from shared.owner.follower import Follower
from shared.owner.servicer import StoreOwner
from shared.owner.source import RemoteSource, StoreSource
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import add_ClassifierServicer_to_server
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host

SERVICE = "classifier"
_LISTS_SECONDS = 10.0
"""Seconds that a start waits for blocked and allowed senders, so that no mail is judged without them.

When the directory is away for longer, they count as soon as it is back."""


class Classifier:
    """The classifier as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = host.section(ClassifierSettings)
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, (LessonProjection(metadata), DeadLetterProjection(metadata)))
        self.teacher = Teacher(self.store, self._settings.rebuild_delay)
        mailstore = host.channel("mailstore", SERVICE)
        dead_letters = DeadLetters(self.store, host.ids)
        self._burial = Burial(dead_letters, ingress_hold(host.channel("ingress", SERVICE)), ACTOR)
        lessons = LessonFollower(
            self.store, mailstore, host.blobs, self.teacher.lessons_lock, self._settings.bytes_examined, self._burial
        )
        self._follower = Follower(
            SERVICE,
            RemoteSource(mailstore),
            host.bus,
            "mailstore",
            lessons.effect,
            areas=TAUGHT_BY,
            rewind=lessons.rewind,
            gather_seconds=0.2,
        )
        self.recipients = FollowedRecipients(host.channel("directory", SERVICE), host.bus)
        directory = host.channel("directory", SERVICE)
        self._erasure = ClassifierErasure(SERVICE, self.store, directory, host.bus, self.teacher.lessons_lock)
        self._own = OwnEvidence(self.store)
        lists = SenderLists(self.recipients)
        judge = Judge(self.store, host.blobs, self.teacher, self._settings, self.recipients, self._own, lists)
        self._worker = ClassifierWorker(host.bus, judge, self._burial)
        self.registrations: Sequence[Registration] = (
            (add_ClassifierServicer_to_server, ClassifierEndpoint(self.store, self.teacher)),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(SERVICE, self.store, host.health(SERVICE, self.store), dead_letters, self._report),
            ),
        )

    async def start(self) -> None:
        """Open the store, load the model, begin to take mails, and follow the mailstore and the directory."""
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        await self.teacher.load(self._host.progress)
        self.store.on_commit(self.teacher.committed)
        self.store.on_commit(self._own.committed)
        await self.recipients.start()
        await woken_within(self.recipients.follower.caught_up, _LISTS_SECONDS)
        await self._burial.start()
        self._worker.start(self._settings.concurrency)
        await self._follower.start(await self.store.followed(CURSOR))
        await self._erasure.worker.start()

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self._erasure.worker.stop()
        await self._worker.stop()
        await self._burial.stop()
        await self._follower.stop()
        await self.recipients.stop()
        await self.teacher.stop()
        await self.store.close()

    async def _report(self) -> owner_pb2.ReportReply:
        model = self.teacher.model
        counts = {"spam_seen": model.spam_seen, "ham_seen": model.ham_seen, "active": int(model.is_ready)}
        lag = {"mailstore": await self._follower.known_lag(), "directory": await self.recipients.lag()}
        return owner_pb2.ReportReply(counts=counts, lag=lag)


def build(host: Host) -> Classifier:
    """Create the service for a process that hosts it."""
    return Classifier(host)
