"""Searches the log by its copy in OpenSearch: it finds ids and counts; the events come from the log itself.

What OpenSearch does not have yet, or must still forget, is left out of its answer and is answered from the log, so an
answer is right at any moment. The text of an event is verified as in the embedded engine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.embedded_search import Passes, add, is_named, passing
from services.eventlog.adapters.key_index import Span
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids, oldest_id
from services.eventlog.adapters.waits import Acceptances
from services.eventlog.domain.charts import CHARTED, Bar, bars
from services.eventlog.domain.keys import bare
from services.eventlog.domain.log_id import begin_of
from services.eventlog.domain.question import LogQuestion
from services.eventlog.domain.words import needles_of
from services.eventlog.handlers.search_port import EventRange
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.errors import LimitReached
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchUnavailable
from shared.opensearch.searching import pages, search

_MOST_PENDING = 5_000
_PAGE = 1_000
_CLASSES = 400
_REASONS = 1_000
_WAITS = ("stored", "sent")


class OpenSearchSearch:
    """The engine for logs of many events."""

    name = "opensearch"

    def __init__(self, store: EventStore, client: OpenSearchClient, max_scanned: int) -> None:
        self._store = store
        self._client = client
        self._max_scanned = max_scanned
        self._index = client.name("events")

    async def events(self, question: LogQuestion, part: EventRange) -> list[LoggedEvent]:
        """The events, in order. Raises OpenSearchUnavailable when too many are not copied yet."""
        named = await self._store.read_long(partial(is_named, text=question.text))
        passes = passing(question, named=named)
        pending = await self._pending()
        events = await self._waiting(pending, part, passes)
        query = _query(question, named, part.span, pending.excluded)
        sort = [{"log_id": "desc" if part.newest_first else "asc"}]
        body = {"size": min(_PAGE, part.limit + 1), "_source": False, "query": query, "sort": sort}
        async with aclosing(self._copied(body, passes)) as copied:
            count = 0
            async for event in copied:
                events.append(event)
                count += 1
                if count >= part.limit:
                    break
        return sorted(events, reverse=part.newest_first)[: part.limit]

    async def chart(self, question: LogQuestion, since: int, until: int, width: int) -> Mapping[int, Bar]:
        """The bars; OpenSearch counts, and what it does not have yet is added."""
        pending, drawn = await self._pending(), bars(since, until, width)
        # OpenSearch has older events for some time: a generation is dropped as a whole.
        span = Span(max(begin_of(since), await self._store.read_long(oldest_id)), begin_of(until))
        query = _query(question, False, span, pending.excluded)
        query["bool"]["filter"].append({"terms": {"type": list(CHARTED)}})
        body = {"size": 0, "query": query, "aggs": {"bars": _bars(width)}}
        answer = await search(self._client, self._index, body)
        for bucket in answer["aggregations"]["bars"]["buckets"]:
            if bucket["key"] * 1000 in drawn:
                _fill(drawn[bucket["key"] * 1000], bucket)
        waiting = await self._waiting(pending, EventRange(span), passing(question))
        await self._store.read_long(partial(_add_all, drawn=drawn, events=waiting, width=width))
        return drawn

    async def _pending(self) -> copy_rows.PendingCopies:
        """What OpenSearch lacks. Raises OpenSearchUnavailable when it is too much, or the copy is not complete."""
        token, made, reset = await self._store.read(copy_rows.states)
        pending = await self._store.read_long(partial(copy_rows.pending, limit=_MOST_PENDING))
        if not (token and made) or reset or max(len(pending.unsent), len(pending.unforgotten)) >= _MOST_PENDING:
            raise OpenSearchUnavailable("OpenSearch does not have all events yet")
        return pending

    async def _waiting(self, pending: copy_rows.PendingCopies, part: EventRange, passes: Passes) -> list[LoggedEvent]:
        events = await self._store.read_long(partial(by_ids, ids=pending.unsent))
        return [event for event in events if part.span.first <= event.id < part.span.end and passes(event)]

    async def _copied(self, body: dict[str, Any], passes: Passes) -> AsyncGenerator[LoggedEvent, None]:
        """The events that OpenSearch finds, read from the log and verified."""
        examined = 0
        async with aclosing(pages(self._client, self._index, body)) as read:
            async for hits in read:
                ids = [int(hit["sort"][0]) for hit in hits]
                known = await self._store.read_long(partial(_passing, ids=ids, passes=passes))
                for log_id in ids:
                    if log_id in known:
                        yield known.pop(log_id)
                examined += len(ids)
                if examined > self._max_scanned:
                    raise LimitReached(f"looked through {examined} events; narrow the time or the type", "scan")


def _passing(reader: Reader, ids: list[int], passes: Passes) -> dict[int, LoggedEvent]:
    return {event.id: event for event in by_ids(reader, ids) if passes(event)}


def _add_all(reader: Reader, drawn: Mapping[int, Bar], events: list[LoggedEvent], width: int) -> None:
    acceptances = Acceptances()
    for event in events:
        if event.type in CHARTED:
            add(reader, drawn[event.at - event.at % width], event, acceptances)


def _query(question: LogQuestion, named: bool, span: Span, excluded: list[int]) -> dict[str, Any]:
    """The question in terms, values and prefixes; nothing of it is read as a query language."""
    filters: list[dict[str, Any]] = [{"range": {"log_id": {"gte": span.first, "lt": span.end}}}]
    if question.type:
        area = question.type if question.type.endswith(".") else f"{question.type}."
        filters.append(_any({"term": {"type": question.type}}, {"prefix": {"type": area}}))
    if question.service:
        filters.append({"term": {"service": question.service}})
    filters += [{"term": {name: value}} for name, value in question.terms()]
    if text := question.text.strip():
        names = sorted({text.casefold(), bare(text).casefold()})
        filters += (
            [_any(*({"terms": {name: names}} for name in ("mail", "who", "mailboxes")))]
            if named
            else [{"prefix": {"words": word}} for word in needles_of(text)]
        )
    return {"bool": {"filter": filters, "must_not": [{"terms": {"log_id": excluded}}]}}


def _any(*queries: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _bars(width: int) -> dict[str, Any]:
    """The aggregation of a chart."""
    inner: dict[str, Any] = {
        "counted": {"terms": {"field": "counted", "size": 20}, "aggs": {"number": {"sum": {"field": "number"}}}},
        "reasons": {"terms": {"field": "reasons", "size": _REASONS}},
    }
    inner |= {name: {"terms": {"field": f"until_{name}", "size": _CLASSES}} for name in _WAITS}
    histogram = {"field": "@timestamp", "fixed_interval": f"{width // 1000}ms", "min_doc_count": 1}
    return {"date_histogram": histogram, "aggs": inner}


def _fill(bar: Bar, bucket: dict[str, Any]) -> None:
    bar.counts.update({row["key"]: int(row["number"]["value"]) for row in bucket["counted"]["buckets"]})
    bar.reasons.update({row["key"]: row["doc_count"] for row in bucket["reasons"]["buckets"]})
    for name in _WAITS:
        bar.waits[name].update({int(row["key"]): row["doc_count"] for row in bucket[name]["buckets"]})
