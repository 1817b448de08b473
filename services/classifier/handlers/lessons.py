"""Makes lessons from moves into and out of Spam; each account teaches a message once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from services.classifier.domain.features import TOKENIZER_VERSION, Features, features
from services.classifier.domain.lesson import Label, Role, label_of_transfer
from services.classifier.handlers.judge import examined
from services.classifier.projections.lessons import NONE
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.events.applying import BY_SCRIPT
from shared.events.mailbox import MessageAppended, MessagesCopied, MessagesMoved
from shared.events.spam import LessonLearned
from shared.eventstore.event import Actor, Provenance, UnknownEvent, decode
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.failures import Failure, failure_of
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.owner.burial import Burial
from shared.owner.follower import Places
from shared.rpc.mailfold.events.v1.events_pb2 import Event
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub

log = structlog.get_logger("classifier")
CURSOR = "mailstore"
_ACTOR = Actor("service", "classifier")
STEP = "lessons"
"""The step of a dead letter: an event of the mailstore from which no lesson could be made."""
_MOST_TRIES = 10
"""Tries before an event becomes a dead letter: some twenty seconds with the pauses of a background task."""
_AT_ONCE = 50
_ROLES = {"\\Junk": Role.SPAM, "\\Trash": Role.TRASH}
TAUGHT_BY = ("message.moved", "message.copied", "message.appended")
"""The events that teach."""


class Taught(NamedTuple):
    """A message and the opinion that an account expressed about it."""

    account: str
    blob: str
    label: Label
    cause: str
    actor: Actor


class LessonFollower:
    """Follows the events of the mailstore. The cursor is written in the transaction of the lessons."""

    def __init__(
        self,
        store: EventStore,
        mailstore: Channel,
        blobs: Blobs,
        still: asyncio.Lock,
        bytes_examined: int,
        burial: Burial,
    ) -> None:
        self._store = store
        self._mailstore = MailstoreStub(mailstore)
        self._blobs = blobs
        self._still = still
        self._limit = bytes_examined
        self._burial = burial
        self._roles: dict[str, Role] = {}
        self._tried = ""
        self._tries = 0
        burial.redriven(STEP, self._again)

    async def effect(self, events: Sequence[Event], after: Places) -> None:
        """Learn from a batch of events, then note the cursor.

        A repeated event adds no second lesson, so the cursor may be written with a later commit.
        """
        for event in events:
            await self._teach(event)
        for shard, place in after.items():
            self._store.note_cursor(CURSOR, shard, place.position, place.at)
        if events:
            await self._store.flush_cursors()

    async def rewind(self, agreed: Places) -> Places:
        """Continue at the agreed position after the mailstore was restored; lessons of lost events remain."""
        await self._store.follow_from(CURSOR, agreed)
        return agreed

    async def _teach(self, event: Event) -> None:
        """Learn from one event.

        An event that fails again and again becomes a dead letter, so that it does not block the events behind it.
        """
        self._tries = self._tries + 1 if _cause(event) == self._tried else 1
        self._tried = _cause(event)
        try:
            await self._learn(await self._lessons_of(event))
        except Exception as error:
            # An unknown event waits for the release that knows it.
            waits = failure_of(error) is Failure.UNAVAILABLE or isinstance(error, UnknownEvent)
            if waits or self._tries < _MOST_TRIES:
                raise
            await self._burial.bury(STEP, event.SerializeToString(), self._tries, error)

    async def _again(self, payload: bytes, _count: int) -> None:
        await self._learn(await self._lessons_of(Event.FromString(payload)))

    async def _lessons_of(self, event: Event) -> list[Taught]:
        decoded = decode(event.type, event.schema, event.data)
        cause = _cause(event)
        actor = msgspec.json.decode(event.actor, type=Actor)
        if actor == BY_SCRIPT:  # a script's rule is nobody's opinion about a message
            return []
        match decoded:
            case MessageAppended(account, mailbox, entries):
                label = label_of_transfer(None, await self._role(account, mailbox))
                return [Taught(account, entry.blob, label, cause, actor) for entry in entries] if label else []
            case MessagesMoved() | MessagesCopied():
                label = label_of_transfer(
                    await self._role(decoded.account, decoded.source), await self._role(decoded.account, decoded.target)
                )
                blobs = await self._blobs_of(decoded) if label else []
                return [Taught(decoded.account, blob, label, cause, actor) for blob in blobs] if label else []
            case _:
                return []

    async def _blobs_of(self, event: MessagesMoved | MessagesCopied) -> Sequence[str]:
        """The blobs of the messages.

        Events of older releases do not name them; for those, only messages that are still in the target mailbox are
        taught.
        """
        if event.contents:
            return event.contents
        total = sum(last - first + 1 for first, last in event.uids)
        uids = pb.UidSet(bounds=[event.first_uid, event.first_uid + total - 1])
        request = pb.FetchRequest(account=event.account, mailbox=event.target, uids=uids, contents=True)
        try:
            return [blob async for batch in self._mailstore.Fetch(request) for blob in batch.blobs]
        except NotFound:
            return []

    async def _role(self, account: str, mailbox: str) -> Role:
        if mailbox not in self._roles:
            listed = await self._mailstore.ListMailboxes(pb.ListMailboxesRequest(account=account, id=mailbox))
            self._roles |= {mailbox_.id: _ROLES.get(mailbox_.special_use, Role.OTHER) for mailbox_ in listed.mailboxes}
        return self._roles.setdefault(mailbox, Role.OTHER)

    async def _learn(self, taught: list[Taught]) -> None:
        for start in range(0, len(taught), _AT_ONCE):
            some = [
                (message, features)
                for message in taught[start : start + _AT_ONCE]
                if (features := await self._features(message.blob)) is not None
            ]
            async with self._still:
                await self._store.write(lambda transaction, some=some: self._record(transaction, some))  # type: ignore[misc]

    async def _features(self, blob: str) -> Features | None:
        await asyncio.sleep(0)
        try:
            return features(*await examined(self._blobs, blob, self._limit))
        except BlobError as error:
            log.warning("classifier.unreadable_lesson", blob=blob, error=str(error))
        except Exception as error:  # an unforeseen message teaches nothing, and must not block other lessons
            log.error("classifier.unreadable_lesson", blob=blob, exc_info=error)
        return None

    @staticmethod
    def _record(transaction: Transaction, lessons: list[tuple[Taught, Features]]) -> None:
        for taught, message_features in lessons:
            row = transaction.first_row(
                "SELECT label FROM lesson WHERE account = ? AND content = ?", (taught.account, taught.blob)
            )
            previous = row[0] if row else NONE
            if previous == taught.label.value:
                continue
            learned = LessonLearned(
                account=taught.account,
                content=taught.blob,
                label=taught.label.value,
                previous=previous,
                features=tuple(message_features.to_bytes()),
                tokenizer=TOKENIZER_VERSION,
            )
            transaction.append(
                f"lessons:{taught.account}",
                [learned],
                Provenance(taught.actor, taught.cause, taught.blob),
                owner=taught.account,
            )


def _cause(event: Event) -> str:
    return f"mailstore.{event.shard}.{event.position}"
