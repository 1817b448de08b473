"""The mails that delivery decided on for an account in a span of time, each with the events that tell what it was.

They come in the order of the decisions, in pages, each of which is a short question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids
from services.eventlog.domain.keys import MAIL, WHO, key_of
from services.eventlog.domain.log_id import LAST, begin_of
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader

_DECISIONS = frozenset({"delivery.planned", "delivery.list_expanded"})
_RECEPTIONS = frozenset({"mail.received", "mail.submitted"})
_BEFORE = _RECEPTIONS | {"mail.classified"}
_STORED = "message.delivered"
_IDS = 500
"""Ids of the account's events that a page looks through."""
_MAILS = 100
_OCTETS = 4 << 20
"""Octets of the events of a page; the first mail of a page may be larger."""
_EVENTS = 5_000
"""Events of the mails of a page that are looked through; a post to a large list has many, nearly all of them later."""
_FIRST = 100
"""The first events of a mail, among which its reception and its verdict are."""
_AROUND = begin_of(3_600_000_000)
"""An hour, as a distance of log ids: so near to the decision nearly all events of a mail are."""


class ArrivedMail(NamedTuple):
    """A decision about a mail, the reception and the verdict before it, and the copies that the account got."""

    decision: LoggedEvent
    mail: tuple[LoggedEvent, ...]
    stored: tuple[LoggedEvent, ...]


class ArrivalPage(NamedTuple):
    """Some arrivals, oldest first, and the first log id of the next page; LAST after the last page."""

    arrivals: list[ArrivedMail]
    next_id: int


def oldest(reader: Reader) -> int:
    """The time of the oldest event in the log, in UTC microseconds; 0 for an empty log."""
    row = reader.first_row("SELECT at FROM fact ORDER BY id LIMIT 1")
    return int(row[0]) if row else 0


def page_of(reader: Reader, account: str, span: Span) -> ArrivalPage:
    """The next arrivals of an account in a span of log ids."""
    ids = list(islice(ids_by_keys(reader, [key_of(WHO, account)], span), _IDS))
    decisions = [event for event in by_ids(reader, ids, _DECISIONS) if account in names_of(event.type, event.data).who]
    page = _within_bounds(_with_their_mails(reader, account, decisions[:_MAILS]))
    is_cut = len(page) < len(decisions)
    next_id = page[-1].decision.id + 1 if is_cut else ids[-1] + 1 if len(ids) == _IDS else LAST
    return ArrivalPage(page, next_id)


def _within_bounds(arrivals: Sequence[ArrivedMail]) -> list[ArrivedMail]:
    """The first arrivals, as many as have so many octets, and at least one."""
    page: list[ArrivedMail] = []
    octets = 0
    for arrival in arrivals:
        octets += sum(len(event.data) for event in (arrival.decision, *arrival.mail, *arrival.stored))
        if page and octets > _OCTETS:
            break
        page.append(arrival)
    return page


def _with_their_mails(reader: Reader, account: str, decisions: Sequence[LoggedEvent]) -> list[ArrivedMail]:
    if not decisions:
        return []
    queue_ids = {decision.id: names_of(decision.type, decision.data).queue_id for decision in decisions}
    near = Span(max(0, decisions[0].id - _AROUND), min(LAST, decisions[-1].id + _AROUND))
    events = _events_of(reader, queue_ids.values(), near)
    for decision in decisions:
        queue_id = queue_ids[decision.id]
        if not _has_reception(events[queue_id]):  # it waited for long, or others of the page have very many events
            earlier = _events_of(reader, [queue_id], Span(0, decision.id), _FIRST)
            events[queue_id] = [*earlier[queue_id], *(event for event in events[queue_id] if event.type == _STORED)]
    return [_arrival(account, decision, events[queue_ids[decision.id]]) for decision in decisions]


def _events_of(
    reader: Reader, queue_ids: Iterable[str], span: Span, most: int = _EVENTS
) -> defaultdict[str, list[LoggedEvent]]:
    """The events of mails that tell what they are and where they were stored, by queue id."""
    events: defaultdict[str, list[LoggedEvent]] = defaultdict(list)
    keys = {key_of(MAIL, queue_id) for queue_id in queue_ids if queue_id}
    if keys:
        for event in by_ids(reader, islice(ids_by_keys(reader, keys, span), most), _BEFORE | {_STORED}):
            events[names_of(event.type, event.data).queue_id].append(event)
    return events


def _has_reception(events: Iterable[LoggedEvent]) -> bool:
    return any(event.type in _RECEPTIONS for event in events)


def _arrival(account: str, decision: LoggedEvent, events: Sequence[LoggedEvent]) -> ArrivedMail:
    mail = tuple(event for event in events if event.type in _BEFORE)
    stored = (event for event in events if event.type == _STORED)
    own = tuple(event for event in stored if account in names_of(event.type, event.data).who)
    return ArrivedMail(decision, mail, own)
