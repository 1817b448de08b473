"""Submissions that wait: accepted durably, and kept by the ingress until they are released or cancelled.

Neither classifier, delivery nor the outbound queue sees such a mail before. The release is an event; from then on the
mail is a reception like any other, which is published again until it is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.ingress.domain.accepted import Accepted
from services.ingress.domain.release_time import Hold, ReleaseTime, is_too_late, release_time
from services.ingress.domain.waiting_filter import WaitingSelection
from services.ingress.handlers.receptions import Check
from shared.clock import Clock
from shared.events.mail import MailCancelled, MailReleased, MailSubmitted
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply

_SECONDS_A_DAY = 86_400
# It walks the index as far as the limit and no further. The mail itself does not count, because it may be written again
# after a doubtful commit.
_LAST_PLACE = "SELECT 1 FROM waiting_submission WHERE account = ? AND requested = 1 AND queue_id <> ? LIMIT 1 OFFSET ?"
_NEXT = "SELECT queue_id, release_at FROM waiting_submission ORDER BY release_at, queue_id LIMIT ?"
_IS_WAITING = "SELECT 1 FROM waiting_submission WHERE queue_id = ?"
_ROWS = "SELECT queue_id, release_at, at, account, sender, size, requested FROM waiting_submission WHERE queue_id > ?"

_Ending = Callable[[str], MailReleased | MailCancelled]


class NoRoomToWait(Exception):
    """The account has as many waiting mails as it may have."""


class WaitingRow(NamedTuple):
    """A waiting submission; the times are UTC microseconds."""

    queue_id: str
    release_at: int
    at: int
    account: str
    sender: str
    size: int
    is_requested: bool


class WaitingSubmissions:
    """The submissions that wait for their release. Each change is durable when it returns."""

    def __init__(
        self, store: EventStore, clock: Clock, undo_seconds: float, future_release_days: float, most_of_account: int
    ) -> None:
        """`undo_seconds` is the time in which each submission can be cancelled.

        `future_release_days` and `most_of_account` limit what senders ask for.
        """
        self._store = store
        self._clock = clock
        self._undo_seconds = undo_seconds
        self._most = most_of_account
        self.longest = int(future_release_days * _SECONDS_A_DAY)
        """The longest time that a sender may ask for, in seconds; 0: FUTURERELEASE is not offered."""

    async def refusal_of(self, hold: Hold, account: str) -> Reply | None:
        """The refusal of a hold that MAIL asks for, or None. Raises StoreUnavailable."""
        if hold is None:
            return None
        if is_too_late(hold, self._clock.now(), self.longest):
            return replies.hold_too_long(self.longest)
        is_full = await self._store.read(lambda reader: self._is_full(reader, account, ""))
        return replies.too_many_held() if is_full else None

    def release_of(self, hold: Hold) -> ReleaseTime:
        """When a mail that is accepted now is released."""
        return release_time(hold, self._clock.now(), self._undo_seconds)

    def check_of(self, event: Accepted) -> Check | None:
        """The check of the limit in the transaction of acceptance, which raises NoRoomToWait; None: it has none."""
        if not isinstance(event, MailSubmitted) or not event.hold_requested:
            return None
        account, queue_id = event.account, event.queue_id

        def check(transaction: Transaction) -> None:
            if self._is_full(transaction, account, queue_id):
                raise NoRoomToWait(f"{self._most} mails of the account wait for their release")

        return check

    def _is_full(self, reader: Reader | Transaction, account: str, queue_id: str) -> bool:
        return reader.first_row(_LAST_PLACE, (account, queue_id, self._most - 1)) is not None

    async def soonest(self, limit: int) -> list[tuple[str, int]]:
        """(queue id, time of release) of those that are released first. Raises StoreUnavailable."""
        rows = await self._store.read(lambda reader: reader.all(_NEXT, (limit,)))
        return [(row[0], row[1]) for row in rows]

    async def release(self, queue_ids: Sequence[str], provenance: Provenance) -> list[str]:
        """Release those that still wait; returns them. Raises StoreUnavailable."""
        return await self._end(queue_ids, MailReleased, provenance)

    async def cancel(self, queue_ids: Sequence[str], reason: str, provenance: Provenance) -> list[str]:
        """Take back those that still wait; returns them. Raises StoreUnavailable."""
        return await self._end(queue_ids, lambda queue_id: MailCancelled(queue_id, reason), provenance)

    async def _end(self, queue_ids: Sequence[str], ending: _Ending, provenance: Provenance) -> list[str]:
        def work(transaction: Transaction) -> list[str]:
            ended = [queue_id for queue_id in queue_ids if transaction.first_row(_IS_WAITING, (queue_id,)) is not None]
            for queue_id in ended:
                by = Provenance(provenance.actor, provenance.cause, queue_id, provenance.command)
                transaction.append(queue_id, [ending(queue_id)], by)
            return ended

        return await self._store.write(work)

    async def page(self, selection: WaitingSelection, after: str, limit: int) -> list[WaitingRow]:
        """Those that fit, oldest first, behind the queue id `after`. Raises StoreUnavailable."""
        condition, parameters = selection.condition()
        sql = f"{_ROWS} AND {condition} ORDER BY queue_id LIMIT ?"
        rows = await self._store.read_long(lambda reader: reader.all(sql, (after, *parameters, limit)))
        return [WaitingRow._make((*row[:-1], bool(row[-1]))) for row in rows]
