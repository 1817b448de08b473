"""Searches the log in its own tables: by keys where a question has one, else by reading a span of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

from services.eventlog.adapters.key_index import ids_by_keys
from services.eventlog.adapters.logged_event import Filter, LoggedEvent, by_ids, in_order
from services.eventlog.adapters.waits import Acceptances
from services.eventlog.domain.charts import CHARTED, WAITED, Bar, bars, counted, wait_class
from services.eventlog.domain.fields import SearchFields, fields_of
from services.eventlog.domain.keys import LIFE, MAIL, WHO, bare, key_of
from services.eventlog.domain.log_id import begin_of
from services.eventlog.domain.names import names_of
from services.eventlog.domain.question import LogQuestion, fits, may_fit, mentions
from services.eventlog.handlers.search_port import EventRange
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.errors import LimitReached

_CHUNK = 200
_KEYED = {"mail": MAIL, "who": WHO}
Passes = Callable[[LoggedEvent], bool]


class EmbeddedSearch:
    """The engine that needs no other program."""

    name = "embedded"

    def __init__(self, store: EventStore, max_scanned: int) -> None:
        self._store = store
        self._max_scanned = max_scanned

    async def events(self, question: LogQuestion, part: EventRange) -> list[LoggedEvent]:
        """The events, in order. Raises LimitReached when too many had to be examined for none."""
        return await self._store.read_long(partial(self._events, question=question, part=part))

    async def chart(self, question: LogQuestion, since: int, until: int, width: int) -> Mapping[int, Bar]:
        """The bars. Raises LimitReached when too many events had to be examined."""
        return await self._store.read_long(
            partial(self._chart, question=question, since=since, until=until, width=width)
        )

    def _events(self, reader: Reader, question: LogQuestion, part: EventRange) -> list[LoggedEvent]:
        keys = _keys_of_terms(question)
        by_key = is_named(reader, question.text)
        passes = passing(question, named=by_key)
        if not keys and by_key:
            keys = keys_of_text(question.text)
        if keys:
            events = _events_with(reader, keys, part)
            return list(islice((event for event in events if passes(event)), part.limit))
        return self._scanned(reader, question, part, passes)

    def _scanned(self, reader: Reader, question: LogQuestion, part: EventRange, passes: Passes) -> list[LoggedEvent]:
        chosen = Filter(question.type, question.service)
        matching: list[LoggedEvent] = []
        for count, event in enumerate(in_order(reader, chosen, part.span, newest_first=part.newest_first), 1):
            if passes(event):
                matching.append(event)
            if len(matching) == part.limit:
                break
            if count >= self._max_scanned:
                if matching:  # the caller can continue after the last of these
                    break
                raise LimitReached(
                    f"looked through {count} events up to {event.event_id}; narrow the time or the type", "scan"
                )
        return matching

    def _chart(self, reader: Reader, question: LogQuestion, since: int, until: int, width: int) -> Mapping[int, Bar]:
        drawn, acceptances = bars(since, until, width), Acceptances()
        passes = passing(question)
        span = EventRange().span._replace(first=begin_of(since), end=begin_of(until))
        charted = (event for name in CHARTED for event in in_order(reader, Filter(name), span, newest_first=False))
        for count, event in enumerate(charted, 1):
            if count > self._max_scanned:
                raise LimitReached(f"a chart of more than {self._max_scanned} events; choose a shorter time", "scan")
            acceptances.learn(event)
            if passes(event):
                add(reader, drawn[event.at - event.at % width], event, acceptances)
        return drawn


def add(reader: Reader, bar: Bar, event: LoggedEvent, acceptances: Acceptances) -> None:
    """Add an event to its bar."""
    wait = acceptances.wait(reader, event) if event.type in WAITED else None
    bar.add(counted(event.type, event.data), None if wait is None else (WAITED[event.type], wait_class(wait)))


def passing(question: LogQuestion, *, named: bool = False) -> Passes:
    """Whether an event passes a question. `named`: its text is a name that the index of keys knows."""
    chosen, terms, text = Filter(question.type, question.service), question.terms(), question.text.strip()
    names = {text.casefold(), bare(text).casefold()}

    def passes(event: LoggedEvent) -> bool:
        if not chosen.passes(event.type, event.service):
            return False
        if terms and not (may_fit(event.actor, event.data, terms) and fits(_fields(event), terms)):
            return False
        if not text:
            return True
        if named:
            return not names.isdisjoint(names_in(event))
        return mentions(event.type, event.stream, event.actor, event.data, text)

    return passes


def names_in(event: LoggedEvent) -> frozenset[str]:
    """Every name by which the index of keys finds the event."""
    fields, mailboxes = _fields(event), names_of(event.type, event.data).mailboxes
    return fields.mail | fields.who | {name.casefold() for name in mailboxes}


def is_named(reader: Reader, text: str) -> bool:
    """Whether some event has this text as a name; then only such events are meant."""
    return bool(text.strip()) and next(ids_by_keys(reader, keys_of_text(text)), None) is not None


def keys_of_text(text: str) -> set[int]:
    """The keys that a name may have."""
    text = text.strip()
    return {key_of(MAIL, bare(text)), key_of(MAIL, text), key_of(WHO, text), key_of(LIFE, text)}


def _fields(event: LoggedEvent) -> SearchFields:
    return fields_of(event.type, event.data, event.actor, event.stream, event.correlation)


def _keys_of_terms(question: LogQuestion) -> set[int]:
    """The key of the first value that has one; the others are compared in the events."""
    keyed = [(name, value) for name, value in question.terms() if name in _KEYED]
    return {key_of(_KEYED[name], value) for name, value in keyed[:1]}


def _events_with(reader: Reader, keys: set[int], part: EventRange) -> Iterator[LoggedEvent]:
    ids = ids_by_keys(reader, keys, part.span, newest_first=part.newest_first)
    while chunk := list(islice(ids, _CHUNK)):
        events = by_ids(reader, chunk)
        yield from reversed(events) if part.newest_first else events
