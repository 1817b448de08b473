"""Begins applications of scripts to mailboxes, and their undoing, one at a time for each account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.handlers import load
from services.mailstore.handlers import script_application_rows as rows
from services.mailstore.handlers.all_mail import as_goal
from services.mailstore.handlers.script_answers import SourceOf
from services.mailstore.handlers.script_application_rows import ApplicationRow, MessageChoice
from services.mailstore.handlers.script_application_runner import WORN_OUT, ApplicationRunner
from services.mailstore.handlers.script_decisions import ScriptDecisions
from services.mailstore.projections.script_applications import RUNNING, UNDOING, UNDONE
from shared.background import woken_within
from shared.clock import Clock
from shared.events.applying import ApplicationBegun, ApplicationEnded, UndoBegun
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.ranges import Ranges
from shared.scripts.script_work import ScriptWork

_PROGRESS_SECONDS = 5.0
"""Seconds after which progress is reported although there is none, so that a caller who is gone is noticed."""


class ScriptOrder(NamedTuple):
    """Which script is applied to which messages."""

    account: str
    mailbox: str
    """A name."""
    script: str
    """The name of a stored script, or empty."""
    source: bytes
    """The script, when it is not a stored one."""
    uids: Ranges = ()
    since: int = 0
    most: int = 0


class ApplicationOrder(NamedTuple):
    """A script with the messages that it finds."""

    order: ScriptOrder
    mailbox: str
    mailbox_name: str
    source: str
    choice: MessageChoice
    total: int


class ScriptApplications:
    """The commands."""

    def __init__(
        self,
        store: EventStore,
        decisions: ScriptDecisions,
        runner: ApplicationRunner,
        source_of: SourceOf,
        ids: Ids,
        clock: Clock,
        work: ScriptWork,
        kept: int,
    ) -> None:
        """`kept` is the number of applications of an account that may still be undone."""
        self._store = store
        self._decisions = decisions
        self._runner = runner
        self._source_of = source_of
        self._ids = ids
        self._clock = clock
        self._work = work
        self._kept = kept

    async def prepared(self, order: ScriptOrder) -> ApplicationOrder:
        """The script and its messages. Raises MailboxRefused, InvalidScript, NotFound, ServiceError."""
        if self._work.is_spent(order.account):
            raise MailboxRefused("LIMIT", f"{WORN_OUT}; try again later")
        source = order.source
        if order.script:
            stored = await self._store.read(lambda reader: self._source_of(reader, order.account, order.script))
            if stored is None:
                raise MailboxRefused("NONEXISTENT", f"there is no script {order.script}")
            source = stored
        await self._decisions.ready(order.account, "", source.decode(), MessageChoice(0), self._clock.now())
        return await self._store.read_long(lambda reader: _looked_up(reader, order, source.decode()))

    async def begin(self, prepared: ApplicationOrder, provenance: Provenance) -> str:
        """Begin an application; returns its id. Raises MailboxRefused CANNOT while another one runs."""
        application = self._ids.new(IdKind.COMMAND)
        kept = await self.of_account(prepared.order.account)
        forgets = len(kept) >= self._kept  # with its steps, of which there may be one for each message
        return await self._store.write(lambda tx: self._begun(tx, application, prepared, provenance), long=forgets)

    async def undo(self, application: str, provenance: Provenance) -> None:
        """Begin to undo an application, which is stopped if it runs. Raises MailboxRefused.

        One that is undone, or is being undone, stays as it is.
        """
        await self._store.write(lambda tx: self._undo(tx, application, provenance))

    async def of_account(self, account: str) -> list[ApplicationRow]:
        """The applications of an account that are kept, the latest first."""
        return await self._store.read(lambda reader: rows.of_account(reader, account))

    async def application(self, application: str) -> ApplicationRow:
        """An application. Raises MailboxRefused NONEXISTENT."""
        return await self._store.read(lambda reader: _existing(reader, application))

    async def progress(self, application: str) -> AsyncIterator[ApplicationRow]:
        """The application as it advances, until it has ended or is undone. Raises MailboxRefused NONEXISTENT."""
        while True:
            news = self._runner.news
            row = await self.application(application)
            yield row
            if row.state not in (RUNNING, UNDOING):
                return
            await woken_within(news, _PROGRESS_SECONDS)

    def _begun(self, tx: Transaction, application: str, prepared: ApplicationOrder, provenance: Provenance) -> str:
        earlier = [entry.event for entry in tx.answered(provenance.command)]
        for event in earlier:
            if isinstance(event, ApplicationBegun):
                return event.application
        account, choice = prepared.order.account, prepared.choice
        _check_idle(tx, account)
        kept = rows.of_account(tx, account)[max(self._kept - 1, 0) :]
        event = ApplicationBegun(
            account,
            application,
            prepared.mailbox,
            prepared.mailbox_name,
            prepared.order.script,
            prepared.source,
            choice.last_uid,
            prepared.total,
            choice.uids,
            choice.since,
            choice.most,
            tuple(row.id for row in kept),
        )
        tx.append(account, [event], provenance)
        return application

    def _undo(self, tx: Transaction, application: str, provenance: Provenance) -> None:
        row = _existing(tx, application)
        if row.state in (UNDOING, UNDONE):
            return
        if row.state == RUNNING:
            tx.append(row.account, [ApplicationEnded(row.account, row.id, "it was undone")], provenance)
        _check_idle(tx, row.account)
        tx.append(row.account, [UndoBegun(row.account, row.id)], provenance)


def _looked_up(reader: Reader, order: ScriptOrder, source: str) -> ApplicationOrder:
    """The messages that are there now. Raises MailboxRefused."""
    if not load.is_open(reader, order.account):
        raise MailboxRefused("NONEXISTENT", "the account has never had any mail")
    mailbox = as_goal(load.mailbox_by_name(reader, order.account, order.mailbox))
    choice = MessageChoice(mailbox.uid_next - 1, order.uids, order.since, order.most)
    total = choice.total(reader, mailbox.id)
    return ApplicationOrder(order, mailbox.id, mailbox.name, source, choice, total)


def _check_idle(reader: Reader, account: str) -> None:
    """Check that no application of an account runs. Raises MailboxRefused."""
    if load.closing_of(reader, account):
        raise MailboxRefused("CLOSED", "the account was removed")
    busy = rows.unended_of(reader, account)
    if busy:
        raise MailboxRefused("CANNOT", f"{busy} runs or is being undone: an account has one application at a time")


def _existing(reader: Reader, application: str) -> ApplicationRow:
    row = rows.of_id(reader, application)
    if row is None:
        raise MailboxRefused("NONEXISTENT", f"there is no application {application}, or it cannot be undone any more")
    return row
