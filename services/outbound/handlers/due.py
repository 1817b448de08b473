"""Reads from the store what is due: by index, in pages, never the whole queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from services.outbound.domain.entry import EntryState, QueueEntry, entry_of
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.projections.queue import domain_of_path
from shared.eventstore.connection import Row
from shared.eventstore.store import EventStore

_DOMAINS = (
    "SELECT domain, next_due FROM destination WHERE next_due <= ? AND (next_due > ? OR (next_due = ? AND domain > ?)) "
    "ORDER BY next_due, domain LIMIT ?"
)
_ENTRIES = "SELECT entry FROM queue WHERE domain = ? AND state = 'waiting' AND due <= ? ORDER BY due LIMIT ?"
_FIRST = "SELECT min(next_due) FROM destination WHERE next_due > ?"
_RELEASED = "SELECT entry FROM queue WHERE state = 'held' AND due <= ? ORDER BY due LIMIT ?"
_NEXT_RELEASE = "SELECT min(due) FROM queue WHERE state = 'held' AND due > ?"
_OLD = "SELECT entry FROM queue WHERE state = 'waiting' AND notified = ? AND since <= ? ORDER BY since LIMIT ?"
_LAST_REASON = "SELECT status, reason FROM queue WHERE domain = ? AND state = 'waiting' AND reason <> '' LIMIT 1"


class DueDomain(NamedTuple):
    """A destination with something to do, and since when."""

    domain: str
    due: int


class DuePage(NamedTuple):
    """Which due mails to read: of a domain, due by `now`, so many entries, with so many recipients each."""

    domain: str
    now: int
    limit: int
    recipients: int


class DueEntries:
    """The reading side of the queue."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def domains(self, now: int, after: DueDomain, limit: int) -> list[DueDomain]:
        """Destinations that are due, behind `after` in the order of their due times."""
        parameters = (now, after.due, after.due, after.domain, limit)
        rows = await self._store.read(lambda reader: reader.all(_DOMAINS, parameters))
        return [DueDomain(row[0], row[1]) for row in rows]

    async def next_time(self, now: int) -> int | None:
        """When the next destination is due, or the next held entry is released; None when nothing waits."""
        times = []
        for sql in (_FIRST, _NEXT_RELEASE):
            row = await self._first(sql, (now,))
            if row is not None and row[0] is not None:
                times.append(int(row[0]))
        return min(times, default=None)

    async def ids(self, page: DuePage, claimed: Collection[str]) -> list[str]:
        """The ids of due entries of a destination, without those that are claimed."""
        ids = await self._ids(_ENTRIES, (page.domain, page.now, page.limit + len(claimed)))
        return [entry for entry in ids if entry not in claimed][: page.limit]

    async def mails(self, ids: Sequence[str], page: DuePage) -> list[ReadyMail]:
        """The mails of claimed entries that are still due; the recipients of a mail are together."""
        due = [entry for entry in waiting(await self.entries(ids)) if entry.due <= page.now]
        return grouped(due, page.recipients)

    async def to_release(self, now: int, limit: int) -> list[QueueEntry]:
        """Held entries whose time of release is reached."""
        return await self.entries(await self._ids(_RELEASED, (now, limit)))

    async def to_notify(self, now: int, schedule: RetrySchedule, limit: int) -> list[QueueEntry]:
        """Entries that wait so long that their senders are to be notified."""
        return await self.entries(await self._ids(_OLD, (0, schedule.last_for_notice(now), limit)))

    async def to_expire(self, now: int, schedule: RetrySchedule, limit: int) -> list[QueueEntry]:
        """Entries whose time for attempts is over."""
        last = schedule.last_for_expiry(now)
        ids = [entry for notified in (1, 0) for entry in await self._ids(_OLD, (notified, last, limit))]
        return await self.entries(ids[:limit])

    async def last_failure(self, entry: QueueEntry) -> tuple[str, str]:
        """Status and reason of the last attempt at an entry, or at another one for the same destination."""
        if entry.reason:
            return entry.status, entry.reason
        row = await self._first(_LAST_REASON, (domain_of_path(entry.queued.forward_path),))
        return (row[0], row[1]) if row else ("4.4.7", "no attempt was possible in time")

    async def entries(self, ids: Iterable[str]) -> list[QueueEntry]:
        """The open entries with these ids, from their streams."""
        entries = [entry_of(await self._store.read_stream(entry)) for entry in ids]
        return [entry for entry in entries if entry is not None and entry.is_open]

    async def _ids(self, sql: str, parameters: Sequence[object]) -> list[str]:
        return [row[0] for row in await self._store.read(lambda reader: reader.all(sql, parameters))]

    async def _first(self, sql: str, parameters: Sequence[object]) -> Row | None:
        return await self._store.read(lambda reader: reader.first_row(sql, parameters))


def grouped(entries: Iterable[QueueEntry], recipients: int) -> list[ReadyMail]:
    """The entries as mails: those of one message for one domain are together, at most so many recipients each."""
    mails = []
    for (queue_id, domain, *_), group in groupby(sorted(entries, key=_mail_key), key=_mail_key):
        members = list(group)
        for start in range(0, len(members), recipients):
            part = tuple(members[start : start + recipients])
            mails.append(ReadyMail(queue_id, domain, _sender(part[0]), part))
    return mails


def waiting(entries: Iterable[QueueEntry]) -> list[QueueEntry]:
    """The entries that wait; held ones are left out."""
    return [entry for entry in entries if entry.state is EntryState.WAITING]


def _mail_key(entry: QueueEntry) -> tuple[str, str, str, str]:
    queued = entry.queued
    return queued.queue_id, domain_of_path(queued.forward_path), queued.blob, queued.reverse_path


def _sender(entry: QueueEntry) -> str:
    return entry.queued.account or entry.queued.reverse_path
