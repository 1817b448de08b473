"""Copies the log to OpenSearch. Nothing waits for it: what is not copied yet is in a table, and the log answers it.

A round sends the waiting events, refreshes, and only then takes them from the table. After a failure, at the start, and
for events that are sent again, it asks first which of them OpenSearch has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.documents import document_of
from services.eventlog.adapters.event_stream import EventStream
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids, oldest_id
from services.eventlog.adapters.waits import Acceptances
from services.eventlog.domain.charts import DAY, WAITED
from services.eventlog.domain.log_id import LAST
from services.eventlog.handlers.retention import Retention
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.opensearch.bulk import BulkOutcome
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchBlocked, OpenSearchError, OpenSearchUnavailable

log = structlog.get_logger("eventlog")
_PAGE = 2_000
_FORGOTTEN_AT_ONCE = 500
_IDLE_SECONDS = 30.0
_GATHER_SECONDS = 0.5
"""Seconds in which events collect for the next round."""
_EARLY = 120_000_000
"""Microseconds for which a delivery waits for its reception, which another service logs."""


class Copier:
    """Keeps OpenSearch's copy of the log complete."""

    def __init__(
        self, service: str, store: EventStore, client: OpenSearchClient, retention: Retention, ids: Ids, clock: Clock
    ) -> None:
        self._store = store
        self._client = client
        self._retention = retention
        self._clock = clock
        self._new_token = partial(ids.new, IdKind.CONTENT)
        self._stream = EventStream(client)
        self._acceptances = Acceptances()
        self._has_events = asyncio.Event()
        self._is_doubtful = True
        """Whether OpenSearch may have events that are still in the table."""
        self.task = BackgroundTask(
            service, "copier", self._turn, not_now=(OpenSearchError, StoreUnavailable), longest_pause=10.0
        )

    async def start(self) -> None:
        """Open the client and begin. What a former run did not copy is copied now."""
        self._client.open()
        self.task.start()

    async def stop(self) -> None:
        """End; the table keeps what was not copied."""
        await self.task.stop()
        await self._client.close()

    async def forgotten(self) -> str:
        """Let OpenSearch forget what was erased; returns why it has not yet, empty when it has.

        What left the log goes as well: it is in OpenSearch until its generation is dropped.
        """
        if await self._store.read(partial(copy_rows.unforgotten, limit=1)):
            self.wake()
            return "OpenSearch does not have forgotten every copy yet"
        oldest = await self._store.read_long(oldest_id)
        try:
            await self._stream.forget({"range": {"log_id": {"lt": oldest or LAST}}})
            await self._stream.expunge()
        except OpenSearchError as error:
            return str(error)
        return ""

    def wake(self) -> None:
        """There are events to send or to forget."""
        self._has_events.set()

    async def _turn(self) -> None:
        self._has_events.clear()
        try:
            await self._round()
        except OpenSearchError as error:
            self._is_doubtful = True
            self.task.complaint = await self._described(error)
            if isinstance(error, OpenSearchBlocked):
                await self._retention.make_room()
            raise
        self.task.complaint = self._retention.warning
        self.task.advanced()
        await woken_within(self._has_events, min(_IDLE_SECONDS, self._retention.seconds))
        await asyncio.sleep(_GATHER_SECONDS)

    async def _round(self) -> None:
        await self._ensure()
        await self._forget()
        after = 0
        while ids := await self._store.read(partial(copy_rows.unsent, limit=_PAGE, after=after)):
            await self._send(ids)
            after = ids[-1]
        self._is_doubtful = False
        if await self._retention.keep():
            self._is_doubtful = True
            self.wake()

    async def _ensure(self) -> None:
        """Make the stream where it is missing, and send everything again when it was there before."""
        token, made, reset = await self._store.read(copy_rows.states)
        owner = await self._stream.owner()
        if owner and owner != token:
            raise OpenSearchUnavailable(
                f"the data stream {self._stream.name} is the copy of another log; delete it, or choose another"
                " opensearch.prefix"
            )
        if owner != token or not made or reset:
            await self._begin(token or self._new_token())

    async def _begin(self, token: str) -> None:
        """Make an empty stream and send everything."""
        await self._store.write(partial(_note, values={copy_rows.TOKEN: token}))
        if await self._stream.owner() is not None:
            await self._stream.remove()
        await self._stream.make(token)
        self._is_doubtful = True
        first = 0
        while first := await self._store.write(partial(_send_span, first=first), long=True):
            self.task.advanced()
        await self._store.write(partial(_note, values={copy_rows.MADE: "1", copy_rows.RESET: ""}))
        log.info("eventlog.copy_begun", stream=self._stream.name)

    async def _forget(self) -> None:
        """Let OpenSearch forget what was erased or changed; what was changed is sent afterwards."""
        forgot = False
        while ids := await self._store.read(partial(copy_rows.unforgotten, limit=_FORGOTTEN_AT_ONCE)):
            await self._stream.forget({"terms": {"log_id": ids}})
            await self._stream.expunge()
            await self._store.write(partial(_forgotten, ids=ids))
            self.task.advanced()
            forgot = True
        self._is_doubtful = self._is_doubtful or forgot

    async def _send(self, ids: Sequence[int]) -> None:
        known = await self._stream.known(ids) if self._is_doubtful else set()
        unknown = [log_id for log_id in ids if log_id not in known]
        documents, early = await self._store.read_long(partial(self._documents, ids=unknown))
        outcome = await self._stream.write([(event.event_id, source) for event, source in documents])
        await self._stream.refresh()
        self._judge(outcome, {event.event_id: event.at for event, _ in documents})
        await self._store.write(partial(_sent, ids=[log_id for log_id in ids if log_id not in early]))
        self.task.advanced()

    def _documents(self, reader: Reader, ids: Sequence[int]) -> tuple[list[tuple[LoggedEvent, bytes]], set[int]]:
        """The documents of events, and the ids of those that come before the log knows when their mail was accepted."""
        events, settled = by_ids(reader, ids), self._clock.now() - _EARLY
        for event in events:
            self._acceptances.learn(event)
        early = {
            event.id
            for event in events
            if event.at > settled and event.type in WAITED and self._acceptances.wait(reader, event) is None
        }
        rest = [event for event in events if event.id not in early]
        return [(event, document_of(reader, event, self._acceptances)) for event in rest], early

    def _judge(self, outcome: BulkOutcome, at: Mapping[str, int]) -> None:
        if outcome.unavailable is not None:
            raise outcome.unavailable
        for refusal in outcome.refused:
            day = at[refusal.write.id]
            self._retention.refused_on[day - day % DAY] += 1
            log.error("eventlog.copy_refused", event_id=refusal.write.id, error=str(refusal.error))

    async def _described(self, error: OpenSearchError) -> str:
        """What is wrong, in words."""
        try:
            waiting = await self._store.read(copy_rows.count_unsent)
        except StoreUnavailable:
            return str(error)
        return f"{error}; {waiting} events wait for it, mail is not concerned, and the log itself answers"


def _note(tx: Transaction, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        copy_rows.set_state(tx.connection, name, value)


def _sent(tx: Transaction, ids: Sequence[int]) -> None:
    copy_rows.sent(tx.connection, ids)


def _forgotten(tx: Transaction, ids: Sequence[int]) -> None:
    copy_rows.forgotten(tx.connection, ids)


def _send_span(tx: Transaction, first: int) -> int:
    return copy_rows.send_span(tx.connection, first, LAST)
