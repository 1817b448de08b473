"""Serves the contract of the event log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial
from itertools import islice, starmap
from typing import Any

from services.eventlog.adapters.embedded_search import passing
from services.eventlog.adapters.key_index import EVER, Span
from services.eventlog.adapters.logged_event import Filter, LoggedEvent, newest
from services.eventlog.adapters.wire import logged, to_wire
from services.eventlog.domain.log_id import LAST, begin_of, time_of
from services.eventlog.handlers import arrivals
from services.eventlog.handlers.asking import Asking, checked
from services.eventlog.handlers.tail import Tail
from services.eventlog.handlers.trace import Trace
from services.eventlog.settings import EventlogSettings
from shared.eventstore.store import EventStore
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogServicer


class EventLogEndpoint(EventLogServicer):
    """Serves Query, Chart, Trace and Tail."""

    def __init__(self, store: EventStore, settings: EventlogSettings, tail: Tail, asking: Asking) -> None:
        self._store = store
        self._settings = settings
        self._tail = tail
        self._asking = asking

    async def Query(self, request: pb.QueryRequest, context: Any) -> pb.LoggedEvents:
        """Send the matching events, newest first; `before` with the id of the last one requests the next page."""
        return await self._asking.query(request)

    async def Chart(self, request: pb.ChartRequest, context: Any) -> pb.ChartReply:
        """Send the bars of hours or days."""
        return await self._asking.chart(request)

    async def Trace(self, request: pb.TraceRequest, context: Any) -> pb.LoggedEvents:
        """Send the history of a mail, oldest first; nothing when the log does not know it."""
        if not request.id.strip():
            raise Invalid("a trace needs a queue id, a Message-ID or a reference", "id")
        limits = self._settings.max_traced, self._settings.max_followed
        return _logged_events(await self._store.read_long(lambda reader: Trace(reader, request.id, *limits).events()))

    async def Tail(self, request: pb.TailRequest, context: Any) -> AsyncIterator[pb.LoggedEvents]:
        """Send the latest `backlog` events, oldest first, then every new event.

        The first message is sent even when it has no event: it tells the caller that it misses nothing from now on.
        """
        event_filter, passes = Filter(request.type), passing(checked(request.events, sees_everything=True))
        with self._tail.reading(event_filter) as reader:
            backlog = await self._latest(event_filter, request.backlog) if request.backlog else []
            seen = {event.event_id for event in backlog}
            yield _logged_events(event for event in backlog if passes(event))
            async for batch in reader.batches():
                incoming = [event for event in starmap(logged, batch) if event.event_id not in seen and passes(event)]
                if incoming:
                    yield _logged_events(incoming)

    async def ReadArrivals(self, request: pb.ReadArrivalsRequest, context: Any) -> AsyncIterator[pb.ArrivalBatch]:
        """Send the arrivals of an account in pages; each page is a question of its own, so nothing waits for long."""
        if not request.account:
            raise Invalid("whose arrivals?", "account")
        oldest = await self._store.read_long(arrivals.oldest)
        first, end = begin_of(request.since), begin_of(request.until) if request.until else LAST
        while first < end:
            page_of = partial(arrivals.page_of, account=request.account, span=Span(first, end))
            page = await self._store.read_long(page_of)
            first = min(page.next_id, end)
            yield _arrival_batch(page, time_of(first), oldest)

    async def _latest(self, event_filter: Filter, count: int) -> list[LoggedEvent]:
        limit = min(count, self._settings.max_results)
        events = await self._store.read_long(lambda reader: list(islice(newest(reader, event_filter, EVER), limit)))
        return events[::-1]


def _logged_events(events: Iterable[LoggedEvent]) -> pb.LoggedEvents:
    return pb.LoggedEvents(events=[to_wire(event) for event in events])


def _arrival_batch(page: arrivals.ArrivalPage, read_to: int, oldest: int) -> pb.ArrivalBatch:
    return pb.ArrivalBatch(
        arrivals=[
            pb.Arrival(
                decision=to_wire(arrival.decision),
                mail=map(to_wire, arrival.mail),
                stored=map(to_wire, arrival.stored),
            )
            for arrival in page.arrivals
        ],
        read_to=read_to,
        oldest=oldest,
    )
