"""Carries applications of scripts on, and undoes them: a unit of work of each in turn, until they have ended.

A unit records how far it is together with what it does, so an application that a crash interrupts goes on behind the
last message that was filed, and nothing is done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.domain.script_application import Decided, affordable
from services.mailstore.handlers import load
from services.mailstore.handlers import script_application_rows as rows
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.script_application_rows import ApplicationRow
from services.mailstore.handlers.script_decisions import DecidedPage, ScriptDecisions
from services.mailstore.handlers.script_filing import Order, ScriptFiling
from services.mailstore.handlers.script_undoing import Undoing
from services.mailstore.projections.script_applications import ERRORS_KEPT, RUNNING, UNDOING
from shared.background import BackgroundTask, woken_within
from shared.blobs.errors import BlobError
from shared.events.applying import (
    BY_SCRIPT,
    ApplicationAdvanced,
    ApplicationBegun,
    ApplicationEnded,
    UndoAdvanced,
    UndoBegun,
)
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.failures import Failure, failure_of
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.scripts.script_work import ScriptWork

log = structlog.get_logger("mailstore")
_IDLE_SECONDS = 30.0
_MESSAGES, _WORK = 1000, 200_000_000
"""Messages, and octets of the script's work, after which a unit of work ends."""
_FILED = 2 * _MESSAGES
"""Messages and places into which they are filed, of a unit of work."""
_FEW = 50
"""Messages and places of a unit of work that runs on the event loop."""
WORN_OUT = "scripts that are applied have worked as much as those of an account may within an hour"
_REMOVED = "the account was removed"


class ApplicationRunner:
    """The background task."""

    def __init__(
        self, store: EventStore, decisions: ScriptDecisions, filing: ScriptFiling, quotas: Quotas, work: ScriptWork
    ) -> None:
        """`work` is that of the applications and dry runs of each account."""
        self._store = store
        self._decisions = decisions
        self._filing = filing
        self._quotas = quotas
        self._work = work
        self._wake = asyncio.Event()
        self._news = asyncio.Event()
        self._after = ""
        self._task = BackgroundTask(
            "mailstore",
            "applications",
            self._turn,
            longest=20 * _IDLE_SECONDS,
            not_now=(StoreUnavailable, ServiceError, BlobError),
        )

    def start(self) -> None:
        """Begin, with what an earlier process did not end."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; what runs goes on at the next start."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Begin at once with what has begun, and wake those who wait for progress."""
        if any(isinstance(entry.event, ApplicationBegun | UndoBegun) for entry in recorded):
            self._wake.set()
        if any(isinstance(entry.event, ApplicationAdvanced | ApplicationEnded | UndoAdvanced) for entry in recorded):
            self._news.set()
            self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """Is set when any application has advanced."""
        return self._news

    async def _turn(self) -> None:
        self._wake.clear()
        row = await self._store.read(lambda reader: rows.unended(reader, self._after))
        if row is not None:
            self._after = row.id
            await self._carry_on(row)
        elif self._after:
            self._after = ""
        else:
            await woken_within(self._wake, _IDLE_SECONDS)

    async def _carry_on(self, row: ApplicationRow) -> None:
        """A unit of work of an application."""
        provenance = Provenance(BY_SCRIPT, row.id, row.id, row.id)
        if row.state == UNDOING:
            await self._store.write(lambda tx: _undo(tx, row.id, provenance), long=True)
            return
        try:
            await self._decide_and_file(row, provenance)
        except InvalidScript as error:
            await self._end(row, f"the script cannot run: {error}", provenance)
        except NotFound:
            await self._end(row, _REMOVED, provenance)
        except Exception as error:
            if failure_of(error) is Failure.UNAVAILABLE:
                raise
            log.error("mailstore.application_failed", application=row.id, exc_info=error)
            await self._end(row, "an error of this server; its log says more", provenance)

    async def _decide_and_file(self, row: ApplicationRow, provenance: Provenance) -> None:
        decided = await self._decided(row)
        number = affordable(decided.decided, _FILED)
        if number < len(decided.decided):
            some = decided.decided[:number]
            decided = DecidedPage(some, some[-1].uid, False)
        quota = await self._quotas.of(row.account)
        order = Order(row.account, row.mailbox, quota, provenance)
        filed = sum(1 + len(message.filing.places) for message in decided.decided)
        is_long = filed > _FEW or quota != QuotaLimits()
        await self._store.write(lambda tx: self._file(tx, row, order, decided), long=is_long)

    async def _decided(self, row: ApplicationRow) -> DecidedPage:
        """What the script decides about the messages of the next unit of work."""
        application = await self._decisions.ready(row.account, row.mailbox, row.source, row.choice, row.begun_at)
        most = row.choice.most or 1 << 40
        decided: list[Decided] = []
        through, work, is_last = row.through, 0, False
        while not is_last and len(decided) < _MESSAGES and work < _WORK:
            left = most - row.counts.examined - len(decided)
            page = await self._decisions.page(application, through, left)
            decided += page.decided
            through, work, is_last = page.through, work + page.work, page.is_last
            self._work.add(row.account, page.work)
            self._task.advanced()
        return DecidedPage(decided, through, is_last)

    def _file(self, tx: Transaction, row: ApplicationRow, order: Order, page: DecidedPage) -> None:
        """Carry out a unit of work, unless another has done so, or has ended the application."""
        now = rows.of_id(tx, row.id)
        if now is None or now.state != RUNNING or now.through != row.through:
            return
        if load.closing_of(tx, row.account):
            tx.append(row.account, [ApplicationEnded(row.account, row.id, _REMOVED)], order.provenance)
            return
        try:
            filed = self._filing.carry_out(tx, order, page.decided)
        except MailboxRefused as refused:
            tx.append(row.account, [ApplicationEnded(row.account, row.id, str(refused))], order.provenance)
            return
        errors = filed.errors[: ERRORS_KEPT - len(row.errors)]
        advanced = ApplicationAdvanced(row.account, row.id, page.through, filed.counts, filed.steps, errors)
        tx.append(row.account, [advanced], order.provenance)
        is_worn_out = not page.is_last and self._work.is_spent(row.account)
        if page.is_last or is_worn_out:
            reason = WORN_OUT if is_worn_out else ""
            tx.append(row.account, [ApplicationEnded(row.account, row.id, reason)], order.provenance)

    async def _end(self, row: ApplicationRow, reason: str, provenance: Provenance) -> None:
        def end(tx: Transaction) -> None:
            now = rows.of_id(tx, row.id)
            if now is not None and now.state == RUNNING:
                tx.append(row.account, [ApplicationEnded(row.account, row.id, reason[:500])], provenance)

        await self._store.write(end)


def _undo(tx: Transaction, application: str, provenance: Provenance) -> None:
    """Undo the last steps of an application, unless all are undone or its account was removed."""
    row = rows.of_id(tx, application)
    if row is None or row.state != UNDOING:
        return
    if load.closing_of(tx, row.account):  # the rest can be undone when the account is restored
        tx.append(row.account, [ApplicationEnded(row.account, row.id, _REMOVED)], provenance)
        return
    Undoing(tx, row, provenance).advance()
