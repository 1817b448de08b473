r"""Questions about the \Seen that a user of a shared mailbox has alone, and its changes.

The owner's \Seen is a flag of the messages, as everywhere. A message's MODSEQ for a user is the higher one of that of
its flags and that of the user's own \Seen, so that nobody is notified of what others have read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from services.mailstore.domain.decide import EVENT_MESSAGES, MailboxRefused
from services.mailstore.handlers import load
from services.mailstore.handlers.messages import Stored
from services.mailstore.projections import chosen
from services.mailstore.projections.own_seen_rows import (
    SeenRun,
    counted_of,
    gone_after,
    is_own,
    runs_within,
    seen_among,
    seen_of,
)
from shared.events.own_seen import OwnSeenChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.ranges import Ranges, common, count, joined, without
from shared.turns import Turns

_RUNS_A_PAGE = 1000
_PAGE = (
    "SELECT first, last, seen, modseq FROM own_seen WHERE mailbox = ? AND reader = ? AND first > ? ORDER BY first"
    " LIMIT ?"
)
_CHANGED = (
    "SELECT first, last, modseq FROM own_seen WHERE mailbox = ? AND reader = ? AND (modseq, first) > (?, ?)"
    " ORDER BY modseq, first LIMIT ?"
)
_HIGHEST = "SELECT max(modseq) FROM own_seen WHERE mailbox = ? AND reader = ?"


class SeenMessages:
    r"""The \Seen of a user for some messages."""

    def __init__(self, runs: Sequence[SeenRun]) -> None:
        self._runs = runs
        self._firsts = [run.first for run in runs]

    def of(self, uid: int) -> tuple[bool, int]:
        r"""Whether the user has \Seen on a message, and the MODSEQ of that; 0 when he has never changed it."""
        at = bisect_right(self._firsts, uid) - 1
        if at < 0 or self._runs[at].last < uid:
            return False, 0
        return self._runs[at].is_seen, self._runs[at].modseq

    def split(self, first: int, last: int) -> Iterator[SeenRun]:
        """A range of messages in parts that are alike for the user."""
        at = max(0, bisect_right(self._firsts, first) - 1)
        while first <= last:
            run = self._runs[at] if at < len(self._runs) else None
            if run is None or run.first > last:
                yield SeenRun(first, last, False, 0)
                return
            if first < run.first:
                yield SeenRun(first, run.first - 1, False, 0)
                first = run.first
            if first <= run.last:
                end = min(run.last, last)
                yield SeenRun(first, end, run.is_seen, run.modseq)
                first = end + 1
            at += 1


def seen_messages(reader: Reader, mailbox: str, account: str, uids: Ranges) -> SeenMessages:
    r"""The \Seen of a user for messages with these UIDs."""
    name = counted_of(reader, mailbox, account).name
    return SeenMessages(runs_within(reader, mailbox, name, uids))


class OwnSeen:
    """Reads in pages, so that others are served in between."""

    def __init__(self, store: EventStore, turns: Turns) -> None:
        self.store = store
        self._turns = turns

    async def messages(self, mailbox: str, account: str, uids: Ranges) -> SeenMessages:
        r"""The \Seen of a user for a page of messages."""
        seen = await self.store.read(lambda reader: seen_messages(reader, mailbox, account, uids))
        await self._turns.spend(rows=count(uids) // 4)
        return seen

    async def counted(self, mailbox: str, account: str) -> tuple[int, int]:
        r"""The number of messages on which a user has \Seen, and the highest MODSEQ of his own changes."""
        counted = await self.store.read(lambda reader: counted_of(reader, mailbox, account))
        row = await self.store.read(lambda reader: reader.first_row(_HIGHEST, (mailbox, account)))
        seen, until, full = counted.seen, counted.until, True
        while full:
            page = await self.store.read(partial(_gone, mailbox=mailbox, name=counted.name, until=until))
            seen, until, full = seen - page.seen, page.until, page.is_full
            await self._turns.spend(rows=page.rows)
        return seen, (row[0] if row else None) or 0

    async def seen(self, mailbox: str, account: str) -> Ranges:
        r"""All messages on which a user has \Seen."""
        name = (await self.store.read(lambda reader: counted_of(reader, mailbox, account))).name
        runs: list[tuple[int, int]] = []
        async for page in self._pages(mailbox, name):
            runs += [(run.first, run.last) for run in page if run.is_seen]
        return joined(runs)

    async def changed(self, mailbox: str, account: str, since: int, until: int = 1 << 62) -> Ranges:
        r"""The messages whose \Seen the user has changed after a version, up to another one."""
        spans: list[tuple[int, int]] = []
        full, after = True, (since, 1 << 40)
        while full:
            asked = (mailbox, account, *after, _RUNS_A_PAGE)
            rows = await self.store.read(lambda reader, asked=asked: reader.all(_CHANGED, asked))  # type: ignore[misc]
            spans += [(row[0], row[1]) for row in rows if row[2] <= until]
            await self._turns.spend(rows=len(rows) // 2)
            full, after = len(rows) == _RUNS_A_PAGE, (rows[-1][2], rows[-1][0]) if rows else after
        return joined(sorted(spans))

    async def _pages(self, mailbox: str, name: str) -> AsyncIterator[list[SeenRun]]:
        after, full = 0, True
        while full:
            asked = (mailbox, name, after, _RUNS_A_PAGE)
            rows = await self.store.read(lambda reader, asked=asked: reader.all(_PAGE, asked))  # type: ignore[misc]
            await self._turns.spend(rows=len(rows) // 2)
            yield [SeenRun(row[0], row[1], bool(row[2]), row[3]) for row in rows]
            full, after = len(rows) == _RUNS_A_PAGE, rows[-1][0] if rows else after


def set_seen(
    tx: Transaction,
    owner: str,
    mailbox: str,
    account: str,
    uids: Ranges,
    seen: bool,
    since: int | None,
    provenance: Provenance,
) -> Stored:
    r"""STORE of a user's own \Seen on as many messages as one event names. Raises MailboxRefused."""
    load.mailbox_by_id(tx, owner, mailbox)
    runs = chosen.flag_runs(tx, mailbox, uids, since, EVENT_MESSAGES)
    there = joined((run.first, run.last) for run in runs)
    last = runs[-1].last if count(there) == EVENT_MESSAGES else 0
    if not is_own(tx, mailbox):
        raise MailboxRefused("CANNOT", r"the owner has just made \Seen the same for all; try again")
    name = counted_of(tx, mailbox, account).name
    own = runs_within(tx, mailbox, name, there)
    newer = [(run.first, run.last) for run in runs if run.is_newer]
    newer += [(run.first, run.last) for run in own if since is not None and run.modseq > since]
    refused = common(joined(sorted(newer)), there)
    done = [entry for entry in tx.answered(provenance.command) if isinstance(entry.event, OwnSeenChanged)]
    if done:
        refused = without(refused, done[0].event.uids)  # type: ignore[attr-defined]
        return Stored(tx.version(owner), without(there, refused), refused, done[0].version, last)
    stored = without(there, refused)
    touched = without(stored, seen_of(own)) if seen else common(stored, seen_of(own))
    events = [OwnSeenChanged(owner, mailbox, account, touched, seen)] if touched else []
    recorded = tx.append(owner, events, provenance)
    return Stored(tx.version(owner), stored, refused, recorded[-1].version if recorded else 0, last)


def note_seen(tx: Transaction, owner: str, mailbox: str, account: str, uids: Ranges, provenance: Provenance) -> None:
    r"""Set a user's \Seen on messages that he has just put into the mailbox, once."""
    done = any(isinstance(entry.event, OwnSeenChanged) for entry in tx.answered(provenance.command))
    if uids and not done and is_own(tx, mailbox):
        tx.append(owner, [OwnSeenChanged(owner, mailbox, account, uids, True)], provenance)


class _Gone(NamedTuple):
    """A page of what left a mailbox."""

    seen: int
    """How much of it a reader had seen."""
    until: tuple[int, int]
    rows: int
    is_full: bool


def _gone(reader: Reader, mailbox: str, name: str, until: tuple[int, int]) -> _Gone:
    rows = gone_after(reader, mailbox, until, _RUNS_A_PAGE)
    seen = seen_among(reader, mailbox, name, rows)
    return _Gone(seen, rows[-1][:2] if rows else until, len(rows), len(rows) == _RUNS_A_PAGE)
