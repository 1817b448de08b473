"""The contract of the event log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Any

from services.eventlog.adapters.facts import Filter, Stored, newest
from services.eventlog.adapters.key_index import EVER
from services.eventlog.adapters.wire import fact_of, fact_that_came
from services.eventlog.handlers.query import Query
from services.eventlog.handlers.tail import Tail
from services.eventlog.handlers.trace import Trace
from services.eventlog.settings import EventlogSettings
from shared.eventstore.store import EventStore
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogServicer


class EventLogEndpoint(EventLogServicer):
    """Query, trace and tail."""

    def __init__(self, store: EventStore, settings: EventlogSettings, tail: Tail) -> None:
        self._store = store
        self._settings = settings
        self._tail = tail

    async def Query(self, request: pb.QueryRequest, context: Any) -> pb.FactList:
        """The facts that match, newest first; `before` with the last one's id gives the next page."""
        query = Query(request, self._settings.max_results, self._settings.max_scanned)
        return _listed(await self._store.read_long(query.facts))

    async def Trace(self, request: pb.TraceRequest, context: Any) -> pb.FactList:
        """The life of a mail, oldest first; empty when the log knows nothing of it."""
        if not request.id.strip():
            raise Invalid("a trace needs a queue id, a Message-ID or a reference", "id")
        limits = self._settings.max_traced, self._settings.max_followed
        return _listed(await self._store.read_long(lambda reader: Trace(reader, request.id, *limits).facts()))

    async def Tail(self, request: pb.TailRequest, context: Any) -> AsyncIterator[pb.FactList]:
        """The latest `backlog` facts, oldest first, then every fact as it comes."""
        wanted, seen = Filter(request.type), set[str]()
        with self._tail.looking(wanted) as onlooker:
            if request.backlog:
                backlog = await self._latest(wanted, request.backlog)
                seen = {fact.fact_id for fact in backlog}
                yield _listed(backlog)
            async for batch in onlooker.batches():
                facts = [fact for fact in (fact_that_came(lane, event) for lane, event in batch) if fact.id not in seen]
                if facts:
                    yield pb.FactList(facts=facts)

    async def _latest(self, wanted: Filter, count: int) -> list[Stored]:
        limit = min(count, self._settings.max_results)
        found = await self._store.read_long(lambda reader: list(islice(newest(reader, wanted, EVER), limit)))
        return found[::-1]


def _listed(facts: Iterable[Stored]) -> pb.FactList:
    return pb.FactList(facts=[fact_of(fact) for fact in facts])
