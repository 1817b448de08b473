"""Decides when the moderators of a list are notified, and of which posts, and sends the notifications.

The first post is notified at once. What comes after it is collected for some time, so a flood of posts is few mails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.delivery.handlers.deliver import ACTOR
from services.delivery.handlers.held_post_rows import recorded_post
from services.delivery.handlers.moderation_mails import ModerationMails
from shared.clock import Clock
from shared.events.moderation import (
    ModeratorNotification,
    ModeratorsNotified,
    ModeratorsToNotify,
    PostHeld,
)
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.ids import IdKind, Ids
from shared.routing.known_lists import KnownList
from shared.rpc.mailfold.directory.v1 import moderators_pb2 as pb
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsStub

DESCRIBED = 20
"""Posts that a notification describes; the others are counted."""
IDLE_SECONDS = 60.0
_SECOND = 1_000_000
_PAGE = 50
_UNNOTICED = (
    "SELECT list, coalesce((SELECT at FROM moderation_notice_time AS last WHERE last.list = held_post.list), 0)"
    " FROM held_post WHERE state = 'held' AND noticed = ? AND list > ? GROUP BY list ORDER BY list LIMIT ?"
)
_POSTS = "SELECT id FROM held_post WHERE state = 'held' AND noticed = ? AND list = ? ORDER BY id"
_PENDING = "SELECT notice, list, version FROM moderation_notice ORDER BY notice LIMIT ?"
_HELD = "SELECT 1 FROM held_post WHERE id = ? AND state = 'held'"
ListById = Callable[[str], KnownList | None]


class ModerationNotices:
    """The notices. Every method raises ServiceError, BlobError or StoreUnavailable."""

    def __init__(
        self, store: EventStore, directory: Channel, mails: ModerationMails, clock: Clock, ids: Ids, interval: int
    ) -> None:
        """`interval` is the time between two notices to the moderators of a list, in seconds."""
        self._store = store
        self._moderators = ModeratorsStub(directory)
        self._mails = mails
        self._clock = clock
        self._ids = ids
        self._interval = interval * _SECOND

    async def send(self, list_by_id: ListById) -> float:
        """Decide and send what is due; returns the seconds until something may be due."""
        seconds = await self._decide_all()
        while rows := await self._store.read(lambda reader: reader.all(_PENDING, (_PAGE,))):
            for row in rows:
                await self._send(row, list_by_id)
        return seconds

    async def _decide_all(self) -> float:
        seconds, after = IDLE_SECONDS, ""
        while rows := await self._unnoticed(after):
            for list_id, last in rows:
                left = last + self._interval - self._clock.now()
                if left <= 0:
                    await self._decide(list_id)
                else:
                    seconds = min(seconds, left / _SECOND)
            after = rows[-1][0]
        return seconds

    async def _unnoticed(self, after: str) -> list[Row]:
        return await self._store.read(lambda reader: reader.all(_UNNOTICED, (False, after, _PAGE)))

    async def _decide(self, list_id: str) -> None:
        try:
            settings = await self._moderators.ShowModeration(pb.ModerationRequested(name=list_id))
        except NotFound:
            return  # its posts expire
        people: Sequence[str] = settings.moderators or settings.owners
        notifications = tuple(
            ModeratorNotification(self._ids.new(IdKind.QUEUE), person, bool(settings.moderators)) for person in people
        )
        notice = self._ids.new(IdKind.QUEUE)

        def work(tx: Transaction) -> None:
            posts = tuple(row[0] for row in tx.all(_POSTS, (False, list_id)))
            if posts:
                event = ModeratorsToNotify(
                    notice, list_id, posts[:DESCRIBED], max(0, len(posts) - DESCRIBED), notifications
                )
                tx.append(_stream(list_id), [event], Provenance(ACTOR), owner=list_id)

        await self._store.write(work)

    async def _send(self, row: Row, list_by_id: ListById) -> None:
        notice, list_id, version = row
        (recorded,) = await self._store.read_stream(_stream(list_id), version - 1, 1)
        event = recorded.event
        if not isinstance(event, ModeratorsToNotify):
            raise TypeError(f"version {version} of {_stream(list_id)} is no notice")
        known, posts = list_by_id(list_id), await self._still_held(event.posts)
        if known is not None and posts:
            for notification in event.notifications:
                with acting(Provenance(ACTOR, correlation=notification.queue_id)):
                    await self._mails.notify(notification, known, posts, event.more)
        sent = [ModeratorsNotified(notice, list_id)]
        await self._store.write(lambda tx: tx.append(_stream(list_id), sent, Provenance(ACTOR), owner=list_id))

    async def _still_held(self, ids: Sequence[str]) -> list[PostHeld]:
        def ask(reader: Reader) -> list[str]:
            return [post for post in ids if reader.first_row(_HELD, (post,)) is not None]

        return [await recorded_post(self._store, post) for post in await self._store.read(ask)]


def _stream(list_id: str) -> str:
    return f"moderation:{list_id}"
