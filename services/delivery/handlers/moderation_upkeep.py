"""The background work for held posts: it notifies moderators, ends what waits too long, and carries out decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.delivery.domain.held_posts import approved, stream_of
from services.delivery.handlers.deliver import ACTOR, Deliverer
from services.delivery.handlers.held_post_rows import HeldRow, decided_rows, expired_rows, held_row, recorded_post
from services.delivery.handlers.moderation_mails import ModerationMails
from services.delivery.handlers.moderation_notices import ModerationNotices
from shared.background import BackgroundTask, woken_within
from shared.blobs.errors import BlobError
from shared.clock import Clock
from shared.events.moderation import PostApproved, PostClosed, PostExpired, PostHeld, PostRefused
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import acting
from shared.grpc.errors import ServiceError, Unavailable
from shared.owner.followed_book import FollowedBook
from shared.routing.known_lists import KnownList

log = structlog.get_logger("moderation")
_PAGE = 50
_IDLE_SECONDS = 60.0
_WAKING = (PostHeld, PostApproved, PostRefused, PostExpired)
_NOT_NOW = (StoreUnavailable, ServiceError, BlobError)


class ModerationUpkeep:
    """The background task. A post that cannot be carried out now waits, and does not keep others from it."""

    def __init__(
        self,
        store: EventStore,
        book: FollowedBook,
        deliverer: Deliverer,
        notices: ModerationNotices,
        mails: ModerationMails,
        clock: Clock,
    ) -> None:
        self._store = store
        self._book = book
        self._deliverer = deliverer
        self._notices = notices
        self._mails = mails
        self._clock = clock
        self._wake = asyncio.Event()
        self._task = BackgroundTask("delivery", "moderation", self._turn, longest=_IDLE_SECONDS * 4, not_now=_NOT_NOW)

    def start(self) -> None:
        """Begin, with what was left undone."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; what is left is done after the next start."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Begin at once when a post is held or decided about."""
        if any(isinstance(entry.event, _WAKING) for entry in recorded):
            self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        await self._expire()
        errors = await self._all_decided(self._carry_out)
        try:
            seconds = await self._notices.send(self._copy)
        except _NOT_NOW as error:
            errors.append(error)
            seconds = _IDLE_SECONDS
        if errors:
            raise errors[0]
        await woken_within(self._wake, min(seconds, _IDLE_SECONDS))

    async def _expire(self) -> None:
        now = self._clock.now()
        while rows := await self._store.read(lambda reader: expired_rows(reader, now, _PAGE)):
            for row in rows:
                await self._record(
                    row, "held", PostExpired(row.id, row.queue_id, row.list_id, "nobody decided in time")
                )
            self._task.advanced()

    async def _all_decided(self, carry_out: Callable[[HeldRow], Awaitable[None]]) -> list[Exception]:
        """Carry out every decision, also after one has failed; returns the errors."""
        errors: list[Exception] = []
        after = ""
        while rows := await self._decided(after):
            for row in rows:
                try:
                    await carry_out(row)
                except Exception as error:  # the next turn tries again, and `mailfold list held` shows the post
                    log.warning("moderation.waits", post=row.id, state=row.state, error=repr(error))
                    errors.append(error)
            after = rows[-1].id
            self._task.advanced()
        return errors

    async def _decided(self, after: str) -> list[HeldRow]:
        return await self._store.read(lambda reader: decided_rows(reader, after, _PAGE))

    async def _carry_out(self, row: HeldRow) -> None:
        post = await recorded_post(self._store, row.id)
        with acting(Provenance(ACTOR, correlation=row.queue_id)):
            result = await self._distribute(row, post) if row.state == "approved" else await self._notify(row, post)
        if result:
            await self._record(row, row.state, PostClosed(row.id, row.queue_id, row.list_id, result))

    async def _distribute(self, row: HeldRow, post: PostHeld) -> str:
        """Give an approved post to the members; empty while its list is disabled."""
        known = self._copy(row.list_id)
        if known is None:
            return "the mailing list is gone"
        if known.disabled:
            return "" if self._clock.now() < row.expires_at else "the mailing list is disabled"
        await self._deliverer.deliver(approved(post))
        return "distributed"

    async def _notify(self, row: HeldRow, post: PostHeld) -> str:
        """Notify the author of a post that is not distributed; nobody when the author is not proven."""
        if not post.poster:
            return "nobody notified"
        history = await self._store.read_stream(stream_of(row.id))
        text = next((entry.event.text for entry in history if isinstance(entry.event, PostRefused)), "")
        await self._mails.notify_author(post, text, expired=row.state == "expired")
        return "author notified"

    async def _record(self, row: HeldRow, state: str, event: Event) -> None:
        """Append an event about a post that is still in this state."""
        provenance = Provenance(ACTOR, correlation=row.queue_id)

        def work(tx: Transaction) -> None:
            if _state(tx, row) == state:
                tx.append(stream_of(row.id), [event], provenance, owner=row.list_id)

        await self._store.write(work)

    def _copy(self, list_id: str) -> KnownList | None:
        copy = self._book.copy
        if copy is None:
            raise Unavailable("the address book is being read", "lists")
        return copy.names.lists.by_id(list_id)


def _state(reader: Reader, row: HeldRow) -> str:
    present = held_row(reader, row.list_id, row.id)
    return present.state if present is not None else ""
