"""Records decisions about entries: one event for each recipient, and the notifications that go with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import structlog

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.handled_signature import signature_event
from services.outbound.domain.outcome import decide
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.reported import EntryDecision, by_mail
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.domain.sent import SentMail
from services.outbound.handlers.reports import Reports
from shared.blobs.errors import BlobError
from shared.clock import Clock
from shared.events.outbound import OutboundBounced, OutboundDelivered, SendingAttempt
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction, VersionConflict

log = structlog.get_logger("outbound")
ACTOR = Actor("service", "outbound")
_RETRY_SECONDS = 1.0
T = TypeVar("T")
_NO_NOTES: Mapping[str, Event] = MappingProxyType({})
_IS_OPEN = "SELECT 1 FROM queue WHERE entry = ?"


class Recorder:
    """Writes decisions.

    It does not give up while the store is away or the disk is full, because the mail would be sent twice.
    """

    def __init__(
        self,
        store: EventStore,
        reports: Reports,
        schedule: RetrySchedule,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._store = store
        self._reports = reports
        self._schedule = schedule
        self._clock = clock
        self._chance = chance

    async def record_attempt(self, mail: ReadyMail, route: str, sent: SentMail, began: int, blocked_until: int) -> None:
        """Record an attempt for every entry of the mail."""
        now, decisions, notes = self._clock.now(), list[EntryDecision](), dict[str, Event]()
        for at, entry in enumerate(mail.entries):
            attempt = SendingAttempt(
                entry.attempts + 1,
                began,
                route,
                sent.hosts.get(entry.id, ()),
                (now - began) // 1000,
                dict(sent.steps),
                sent.transcript if not at else (),
                sent.seal,
            )
            outcome = sent.outcomes[entry.id]
            event = decide(entry, outcome, attempt, now, self._schedule, self._chance(), blocked_until)
            decisions.append((entry, event))
        first = mail.entries[0]
        if note := signature_event(first, sent.signature):
            notes[first.id] = note
        await self.record(decisions, notes=notes)

    async def record(
        self,
        decisions: Sequence[EntryDecision],
        provenance: Provenance | None = None,
        notes: Mapping[str, Event] = _NO_NOTES,
    ) -> None:
        """Append these events with the notifications that their senders asked for; an operator's have `provenance`.

        A note is an event that goes before the event of its entry.

        An entry that changed meanwhile, or whose event was written by a commit without an answer, is left as it is; but
        a mail that was delivered or refused meanwhile is not sent again.
        """
        mails = [(mail, await _until_stored(partial(self._reports.about, mail))) for mail in by_mail(decisions)]

        def work(transaction: Transaction) -> None:
            for mail, reports in mails:
                _append(transaction, mail, reports, provenance, notes)

        await _until_stored(lambda: self._store.write(work))


async def _until_stored(work: Callable[[], Awaitable[T]]) -> T:
    """The result of the work, which is repeated while it cannot be stored."""
    while True:
        try:
            return await work()
        except (StoreUnavailable, BlobError) as error:
            log.warning("outbound.record_waits", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


def _append(
    transaction: Transaction,
    decisions: Sequence[EntryDecision],
    reports: Sequence[tuple[str, Event]],
    provenance: Provenance | None,
    notes: Mapping[str, Event],
) -> None:
    appended = 0
    for entry, event in decisions:
        expected = None if provenance is None and _must_end(transaction, entry, event) else entry.version
        try:
            events = [notes[entry.id], event] if entry.id in notes else [event]
            transaction.append(entry.id, events, _provenance(entry, provenance), expected=expected)
            appended += 1
        except VersionConflict:
            log.info("outbound.changed_meanwhile", entry=entry.id)
    if appended:
        for stream, event in reports:
            transaction.append(stream, [event], _provenance(decisions[0][0], provenance), expected=0)


def _must_end(transaction: Transaction, entry: QueueEntry, event: Event) -> bool:
    """Whether an attempt ended the entry, and the entry is still in the queue.

    Such an event is appended whatever an operator changed during the attempt: the entry would be sent once more.
    """
    is_end = isinstance(event, OutboundDelivered | OutboundBounced)
    return is_end and transaction.first_row(_IS_OPEN, (entry.id,)) is not None


def _provenance(entry: QueueEntry, of_command: Provenance | None) -> Provenance:
    """The provenance of an event about an entry: of the operator's command, or of the queue itself."""
    if of_command is None:
        return Provenance(ACTOR, correlation=entry.queued.queue_id)
    return Provenance(of_command.actor, of_command.cause, entry.queued.queue_id)
