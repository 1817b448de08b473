"""The life of a mail, from events alone: its reception, verdict, plan and hand-overs, the lessons about it, and what
became of its copies.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids
from services.eventlog.domain.keys import LIFE, MAIL, bare, key_of
from services.eventlog.domain.life import Arrival, MessagePlace, arrivals, change_at
from services.eventlog.domain.log_id import LAST
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader
from shared.protocol.smtp.reference import as_typed

_LESSONS = "lesson."
_CHUNK = 200


class Trace:
    """One mail, refusal or message, followed through the log."""

    def __init__(self, reader: Reader, identity: str, max_traced: int, max_followed: int) -> None:
        self._reader = reader
        self._sought = {text for text in (identity.strip(), bare(identity), as_typed(identity)) if text}
        self._max_traced = max_traced
        self._budget = max_followed
        self._events: dict[int, LoggedEvent] = {}

    def events(self) -> list[LoggedEvent]:
        """Everything that is known, oldest first; nothing when nobody has heard of it."""
        named = self._named(self._sought)
        queue_ids = {queue_id for event in named for queue_id in self._queue_ids(event)}
        self._keep(named)
        self._keep(self._named(queue_ids))
        for arrival, since in self._arrivals(queue_ids):
            self._keep(self._lessons(arrival))
            self._follow(arrival.place, since)
        return sorted(self._events.values(), key=lambda event: (event.at, event.id))

    def _named(self, texts: set[str]) -> list[LoggedEvent]:
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
        """The mails that an event is about. What an event is correlated with counts only where it names none itself."""
        queue_id = names_of(event.type, event.data).queue_id
        if queue_id:
            yield queue_id
        elif event.correlation in self._sought:
            yield event.correlation

    def _arrivals(self, queue_ids: set[str]) -> list[tuple[Arrival, int]]:
        """Where copies of the mail came to lie, and since which event."""
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
            for event in self._named({text for text in (arrival.content, arrival.entry) if text})
            if event.type.startswith(_LESSONS)
        ]

    def _follow(self, place: MessagePlace, since: int) -> None:
        """Keep what happened to the message at a place, and at every place it reached from there."""
        waiting, seen = [(place, since)], {place}
        while waiting:
            place, since = waiting.pop()
            for event in self._in_mailbox(place.mailbox, since):
                step = change_at(event.type, event.data, place)
                if step is None:
                    continue
                self._keep([event])
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
