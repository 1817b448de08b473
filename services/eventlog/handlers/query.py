"""Questions to the whole log: by type, service, time, and a text that may be an address, an id or any word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.logged_event import Filter, LoggedEvent, by_ids, id_of, newest
from services.eventlog.domain.keys import LIFE, MAIL, WHO, bare, key_of
from services.eventlog.domain.log_id import FOLLOWED, LAST, begin_of
from shared.eventstore.connection import Reader
from shared.grpc.errors import Invalid, LimitReached, NotFound
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb

_CHUNK = 200


class Query:
    """A checked question, which `events` answers."""

    def __init__(self, request: pb.QueryRequest, max_results: int, max_scanned: int) -> None:
        if request.service and request.service not in FOLLOWED:
            raise Invalid(f"no service {request.service}; there are {', '.join(FOLLOWED)}", "service")
        self._filter = Filter(request.type, request.service)
        self._text = request.text.strip()
        self._since, self._until, self._before = request.since, request.until, request.before
        self._limit = min(request.limit or max_results, max_results)
        self._max_scanned = max_scanned

    def events(self, reader: Reader) -> list[LoggedEvent]:
        """The events, newest first.

        Raises NotFound when `before` is not in the log, LimitReached when too many events had to be examined.
        """
        span = self._span(reader)
        keys = _keys(self._text)
        if not self._text:
            return list(islice(newest(reader, self._filter, span), self._limit))
        if next(ids_by_keys(reader, keys), None) is not None:
            return list(islice(self._events_with_keys(reader, keys, span), self._limit))
        return self._events_with_text(reader, span)

    def _span(self, reader: Reader) -> Span:
        end = begin_of(self._until) if self._until else LAST
        if self._before:
            before = id_of(reader, self._before)
            if before is None:
                raise NotFound(f"the log has no event {self._before}", "before")
            end = min(end, before)
        return Span(begin_of(self._since), end)

    def _events_with_keys(self, reader: Reader, keys: Iterable[int], span: Span) -> Iterator[LoggedEvent]:
        ids = ids_by_keys(reader, keys, span, newest_first=True)
        while chunk := list(islice(ids, _CHUNK)):
            yield from (
                event for event in reversed(by_ids(reader, chunk)) if self._filter.passes(event.type, event.service)
            )

    def _events_with_text(self, reader: Reader, span: Span) -> list[LoggedEvent]:
        sought, matching = self._text.casefold().encode(), []
        for count, event in enumerate(newest(reader, self._filter, span), 1):
            if _says(event, sought):
                matching.append(event)
            if len(matching) == self._limit:
                break
            if count >= self._max_scanned:
                if matching:  # the caller can continue after the last of these
                    break
                raise LimitReached(
                    f"looked through {count} events back to {event.event_id}; narrow the time or the type", "scan"
                )
        return matching


def _keys(text: str) -> set[int]:
    return {key_of(MAIL, bare(text)), key_of(MAIL, text), key_of(WHO, text), key_of(LIFE, text)}


def _says(event: LoggedEvent, sought: bytes) -> bool:
    return (
        sought in event.data.decode(errors="replace").casefold().encode()
        or sought in f"{event.actor} {event.stream} {event.type}".casefold().encode()
    )
