"""Forgets the oldest rows of the tables that would grow without end, some hundred rows at a time.

What is forgotten is an event, so that a rebuild and `mailfold verify` have the same rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from services.outbound.domain.kept_rows import KeptRows
from services.outbound.handlers.record import ACTOR
from services.outbound.projections.sent import place_of
from services.outbound.projections.transport_security import day_of
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.events.outbound import OutboundRowsForgotten
from shared.eventstore.connection import Row, StoreUnavailable
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore

_PAGE = 200
"""Rows that one event forgets; more would block the writer. A domain has fewer counts a day."""
_LOOK_SECONDS = 21_600.0
_DAY = 86_400_000_000
_OLDEST = {
    "sent_entry": "SELECT entry, counts_at FROM sent_entry ORDER BY entry LIMIT ?",
    "sent_mail": "SELECT queue_id, counts_at FROM sent_mail ORDER BY queue_id LIMIT ?",
}
_NTH = {
    "sts_policy": "SELECT ends FROM sts_policy WHERE ends < ? ORDER BY ends LIMIT 1 OFFSET ?",
    "sts_failure": "SELECT at FROM sts_failure WHERE at < ? ORDER BY at LIMIT 1 OFFSET ?",
}
_RESULTS = "SELECT day, domain FROM tls_result WHERE day < ? ORDER BY day, domain{order} LIMIT 1 OFFSET ?"
_NEXT_ACCOUNT = "SELECT account FROM known_recipient WHERE account > ? ORDER BY account LIMIT 1"
_LAST_KEPT = (
    "SELECT day, recipient FROM known_recipient WHERE account = ? ORDER BY day DESC, recipient DESC LIMIT 1 OFFSET ?"
)
_END_OF_PAGE = "SELECT day, recipient FROM known_recipient WHERE account = ? ORDER BY day, recipient LIMIT 1 OFFSET ?"


class Forgetting:
    """Looks a few times a day for rows that need not be kept."""

    def __init__(self, store: EventStore, clock: Clock, kept: KeptRows) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self._task = BackgroundTask(
            "outbound", "forgetting", every(_LOOK_SECONDS, self.look), not_now=(StoreUnavailable,)
        )

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    async def stop(self) -> None:
        """No more looks."""
        await self._task.stop()

    async def look(self) -> None:
        """Forget what is too old or too much."""
        for table in _OLDEST:
            while await self._forget(table, await self._sent_before(table)):
                continue
        for table in _NTH:
            while await self._forget(table, await self._security_before(table)):
                continue
        while await self._forget("tls_result", await self._results_before()):
            continue
        async for account in self._accounts():
            while await self._forget("known_recipient", await self._recipients_before(account), account):
                continue

    async def _forget(self, table: str, before: str, account: str = "") -> bool:
        """Record that rows are forgotten; False when there is nothing to forget."""
        if not before:
            return False
        event = OutboundRowsForgotten(table, before, account)
        stream = f"forgotten/{table}/{account}" if account else f"forgotten/{table}"
        await self._store.write(lambda transaction: transaction.append(stream, [event], Provenance(ACTOR)))
        self._task.advanced()
        return True

    async def _sent_before(self, table: str) -> str:
        """The id of the first row that is kept, or of the last one of a page of old rows; empty when none is old.

        What is held until a time counts then, so it is kept, and what came after it as well.
        """
        until = self._clock.now() - int(self._kept.sent_days * _DAY)
        rows = await self._rows(_OLDEST[table], (_PAGE + 1,))
        kept = next((row for row in rows if row[1] >= until), rows[-1] if len(rows) > _PAGE else None)
        if kept is None:  # the newest row stays, so that its id is the limit
            kept = rows[-1] if rows else None
        return str(kept[0]) if kept is not None and kept is not rows[0] else ""

    async def _security_before(self, table: str) -> str:
        until = self._clock.now() - int(self._kept.sts_days * _DAY)
        rows = await self._rows(_NTH[table], (until, 0))
        if not rows:
            return ""
        page = await self._rows(_NTH[table], (until, _PAGE - 1))
        return str(page[0][0] + 1 if page else until)

    async def _results_before(self) -> str:
        until = day_of(self._clock.now() - self._kept.tls_result_days * _DAY)
        if not await self._results(until, 0):
            return ""
        page = await self._results(until, _PAGE)
        return f"{page[0][0]} {page[0][1]}" if page else f"{until} "

    async def _results(self, until: str, offset: int) -> Sequence[Row]:
        return await self._store.read(
            lambda reader: reader.all(_RESULTS.format(order=reader.octet_order), (until, offset))
        )

    async def _recipients_before(self, account: str) -> str:
        last_kept = await self._rows(_LAST_KEPT, (account, self._kept.known_recipients - 1))
        oldest = await self._rows(_END_OF_PAGE, (account, 0))
        if not last_kept or last_kept == oldest:
            return ""
        page = await self._rows(_END_OF_PAGE, (account, _PAGE))
        return min(place_of(*row) for row in (*last_kept, *page))

    async def _accounts(self) -> AsyncIterator[str]:
        account = ""
        while rows := await self._rows(_NEXT_ACCOUNT, (account,)):
            account = str(rows[0][0])
            yield account

    async def _rows(self, sql: str, parameters: Sequence[object]) -> Sequence[Row]:
        return await self._store.read(lambda reader: reader.all(sql, parameters))
