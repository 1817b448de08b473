"""The history of a mail, from events alone.

It contains the reception, verdict, plan, deliveries and lessons, and what happened to the copies.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids
from services.eventlog.domain.keys import LIFE, MAIL, bare, key_of
from services.eventlog.domain.life import RESTORED, Arrival, MessagePlace, arrivals, change_at
from services.eventlog.domain.log_id import LAST
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader
from shared.protocol.smtp.reference import as_typed

_LESSONS = "lesson."
_CHUNK = 200


class Trace:
    """Follows one mail, refusal or message through the log."""

    def __init__(self, reader: Reader, identity: str, max_traced: int, max_followed: int) -> None:
        self._reader = reader
        self._sought = {text for text in (identity.strip(), bare(identity), as_typed(identity)) if text}
        self._max_traced = max_traced
        self._budget = max_followed
        self._events: dict[int, LoggedEvent] = {}

    def events(self) -> list[LoggedEvent]:
        """All known events, oldest first; none when the log does not know the mail."""
        named = self._events_naming(self._sought)
        queue_ids = {queue_id for event in named for queue_id in self._queue_ids(event)}
        self._keep(named)
        self._keep(self._events_naming(queue_ids))
        for arrival, since in self._arrivals(queue_ids):
            self._keep(self._lessons(arrival))
            self._follow(arrival.place, since)
        return sorted(self._events.values(), key=lambda event: (event.at, event.id))

    def _events_naming(self, texts: set[str]) -> list[LoggedEvent]:
        if not texts:
            return []
        return self._by_keys({key_of(MAIL, text) for text in texts})

    def _by_keys(self, keys: set[int]) -> list[LoggedEvent]:
        ids = ids_by_keys(self._reader, keys)
        return by_ids(self._reader, [log_id for log_id, _ in zip(ids, range(self._max_traced), strict=False)])

    def _keep(self, events: list[LoggedEvent]) -> None:
        for event in events:
            if len(self._events) < self._max_traced:
                self._events[event.id] = event

    def _queue_ids(self, event: LoggedEvent) -> Iterator[str]:
        """The queue ids that an event names. Its correlation counts only when it names none itself."""
        queue_id = names_of(event.type, event.data).queue_id
        if queue_id:
            yield queue_id
        elif event.correlation in self._sought:
            yield event.correlation

    def _arrivals(self, queue_ids: set[str]) -> list[tuple[Arrival, int]]:
        """The places in which copies of the mail were stored, and the event since which they were there."""
        places = []
        for event in list(self._events.values()):
            delivered = names_of(event.type, event.data).queue_id in queue_ids
            places += [
                (arrival, event.id)
                for arrival in arrivals(event.type, event.data)
                if delivered or self._is_sought(arrival)
            ]
        return places

    def _is_sought(self, arrival: Arrival) -> bool:
        return bool({arrival.entry, arrival.content, bare(arrival.message_id)} & self._sought)

    def _lessons(self, arrival: Arrival) -> list[LoggedEvent]:
        return [
            event
            for event in self._events_naming({text for text in (arrival.content, arrival.entry) if text})
            if event.type.startswith(_LESSONS)
        ]

    def _follow(self, place: MessagePlace, since: int) -> None:
        """Keep the events about the message at a place, and at every place to which it was copied or moved."""
        waiting, seen = [(place, since)], {place}
        while waiting:
            place, since = waiting.pop()
            is_removed = False
            for event in self._in_mailbox(place.mailbox, since):
                step = change_at(event.type, event.data, place)
                if step is None or (is_removed and event.type != RESTORED):
                    continue
                self._keep([event])
                is_removed = step.is_removed
                if step.reached is not None and step.reached not in seen:
                    seen.add(step.reached)
                    waiting.append((step.reached, event.id))
                if step.left:
                    break

    def _in_mailbox(self, mailbox: str, since: int) -> Iterator[LoggedEvent]:
        ids = ids_by_keys(self._reader, {key_of(LIFE, mailbox)}, Span(since + 1, LAST))
        chunk: list[int] = []
        for log_id in ids:
            chunk.append(log_id)
            if len(chunk) == _CHUNK:
                yield from self._spend(chunk)
                chunk = []
        yield from self._spend(chunk)

    def _spend(self, ids: list[int]) -> list[LoggedEvent]:
        ids = ids[: max(0, self._budget)]
        self._budget -= len(ids)
        return by_ids(self._reader, ids)
