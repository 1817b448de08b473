"""Commands on receptions: accept, settle, hold and resume. Each is durable when it returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from services.ingress.domain.accepted import Accepted
from services.ingress.projections.receptions import HELD, MOVING, WAITING
from shared.events.mail import MailHeld, MailReleased, MailResumed, MailSettled
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction, VersionConflict

_LOOK_SECONDS = 0.1
_PAGE_OF_STATE = "SELECT queue_id, at FROM reception WHERE state = ? AND queue_id > ? ORDER BY queue_id LIMIT ?"
Check = Callable[[Transaction], None]


class Receptions:
    """The receptions: every mail from its acceptance until its last recipient is settled."""

    def __init__(self, store: EventStore, doubt_patience: float) -> None:
        self._store = store
        self._doubt_patience = doubt_patience

    async def accept(self, event: Accepted, provenance: Provenance, check: Check | None = None) -> Recorded:
        """Accept a mail; `check` runs in the same transaction and may raise.

        Raises StoreUnavailable when it was not accepted, as far as could be determined in time.
        """
        try:
            return await self._append(event, provenance, check)
        except StoreUnavailable as error:
            if not error.in_doubt:
                raise
            return await self._cleared(event, provenance, check)

    async def _append(self, event: Accepted, provenance: Provenance, check: Check | None) -> Recorded:
        def work(transaction: Transaction) -> Recorded:
            if check is not None:
                check(transaction)
            return transaction.append(event.queue_id, [event], provenance, expected=0)[0]

        return await self._store.write(work)

    async def _accepted_before(self, event: Accepted, provenance: Provenance, check: Check | None) -> Recorded:
        try:
            return await self._append(event, provenance, check)
        except VersionConflict:
            if (before := await self.accepted(event.queue_id)) is None:
                raise
            return before

    async def _cleared(self, event: Accepted, provenance: Provenance, check: Check | None) -> Recorded:
        """Write the event again after the database failed during its commit, to find out whether it was stored.

        Whether the first attempt or this one succeeds, the event is stored once. If the client were asked to send again
        instead, a mail that was stored after all would exist twice.
        """
        patience = asyncio.get_running_loop().time() + self._doubt_patience
        while True:
            try:
                return await self._accepted_before(event, provenance, check)
            except StoreUnavailable as error:
                if asyncio.get_running_loop().time() >= patience:
                    raise StoreUnavailable(str(error), in_doubt=True) from error
            await asyncio.sleep(_LOOK_SECONDS)

    async def settle(self, event: MailSettled, provenance: Provenance) -> bool:
        """Release a reception; False when it was released before."""

        def work(transaction: Transaction) -> bool:
            if _state(transaction, event.queue_id) is None:
                return False
            transaction.append(event.queue_id, [event], provenance)
            return True

        return await self._store.write(work)

    async def hold(self, queue_id: str, reason: str, provenance: Provenance) -> str | None:
        """Hold a reception, so that its repeats are rare, because a step is a dead letter.

        Returns the state before; None when there is no such reception.
        """

        def work(transaction: Transaction) -> str | None:
            state = _state(transaction, queue_id)
            if state == MOVING:
                transaction.append(queue_id, [MailHeld(queue_id, reason)], provenance)
            return state

        return await self._store.write(work)

    async def resume(self, queue_id: str, provenance: Provenance) -> str | None:
        """Resume a held reception. Returns the state before; None when there is no such reception."""

        def work(transaction: Transaction) -> str | None:
            state = _state(transaction, queue_id)
            if state == HELD:
                transaction.append(queue_id, [MailResumed(queue_id)], provenance)
            return state

        return await self._store.write(work)

    async def acceptance_of(self, queue_id: str, state: str = MOVING) -> Recorded | None:
        """The event of acceptance of a reception in this state; None when it is in another state or settled."""
        row = await self._store.read(
            lambda reader: reader.first_row("SELECT state FROM reception WHERE queue_id = ?", (queue_id,))
        )
        if row is None or row[0] != state:
            return None
        return await self.accepted(queue_id)

    async def last_begun(self, queue_id: str) -> int:
        """When a reception last began to be repeated normally, in UTC microseconds.

        That is its acceptance, its release, or the last time it was resumed.
        """
        history, begins = await self._store.read_stream(queue_id), Accepted | MailReleased | MailResumed
        return max(recorded.at for recorded in history if isinstance(recorded.event, begins))

    async def history(self, queue_id: str) -> list[Recorded]:
        """All events of a mail in the log of the ingress, also after its end; a held mail has few, never many."""
        return await self._store.read_stream(queue_id)

    async def accepted(self, queue_id: str) -> Recorded | None:
        """The event of acceptance."""
        events = await self._store.read_stream(queue_id, 0, 1)
        return events[0] if events else None

    async def page(self, state: str, after: str, limit: int) -> list[tuple[str, int]]:
        """(queue id, time of acceptance) of receptions in this state, oldest first, after the queue id `after`."""
        rows = await self._store.read(lambda reader: reader.all(_PAGE_OF_STATE, (state, after, limit)))
        return [(row[0], row[1]) for row in rows]

    async def oldest(self, state: str) -> tuple[str, int] | None:
        """The queue id and time of acceptance (UTC microseconds) of the oldest reception in this state."""
        page = await self.page(state, "", 1)
        return page[0] if page else None

    async def listed(self, limit: int) -> list[tuple[str, int, str]]:
        """(queue id, time of acceptance, state) of the oldest receptions."""
        sql = "SELECT queue_id, at, state FROM reception ORDER BY queue_id LIMIT ?"
        return [(row[0], row[1], row[2]) for row in await self._store.read(lambda reader: reader.all(sql, (limit,)))]

    async def count(self) -> dict[str, int]:
        """The number of receptions that are repeated normally, that are held, and that wait for their release."""
        rows = await self._store.read(lambda reader: reader.all("SELECT state, count(*) FROM reception GROUP BY state"))
        return {MOVING: 0, HELD: 0, WAITING: 0} | {row[0]: row[1] for row in rows}

    async def blobs(self, generation: str) -> AsyncIterator[list[str]]:
        """The blobs that receptions still need."""
        after = ""
        sql = "SELECT queue_id, blob FROM reception WHERE queue_id > ? ORDER BY queue_id LIMIT 5000"
        while rows := await self._page(sql, after):
            yield [row[1] for row in rows if row[1].startswith(f"{generation}/")]
            after = rows[-1][0]

    async def _page(self, sql: str, after: str) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in await self._store.read(lambda reader: reader.all(sql, (after,)))]


def _state(transaction: Transaction, queue_id: str) -> str | None:
    row = transaction.first_row("SELECT state FROM reception WHERE queue_id = ?", (queue_id,))
    return row[0] if row else None
