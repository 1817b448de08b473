"""Erases the content of accounts that the directory deleted.

An erasure is many small units of work: the messages go a page at a time, as events like those of a user, then the
mailboxes, then `AccountErased` ends what is left, and last the account's events are deleted, the newest first. Whatever
part of them is left gives no row, because `AccountErased` follows it, so `verify` finds nothing at any moment. Where a
process ends in between, the next one goes on.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

import structlog

from services.mailstore.domain import closing
from services.mailstore.domain.closing import ERASED, ERASING
from services.mailstore.handlers import load
from services.mailstore.handlers.forgetting import forget, has_removals
from services.mailstore.projections import chosen
from services.mailstore.projections.all_mail import of_account
from shared.background import BackgroundTask, woken_within
from shared.events.all_mail_mailbox import AllMailEnded
from shared.events.closing import AccountClosed
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.ranges import Ranges

log = structlog.get_logger("mailstore")
_PAGE = 500
"""Messages, or events, of a unit of work."""
_MAILBOXES = 50
_IDLE_SECONDS = 30.0
_LONGEST_PAUSE = 30.0
_ALL: Ranges = ((1, 1 << 40),)
_ACTOR = Actor("service", "mailstore")
_NEXT = "SELECT account FROM closed_account WHERE state = ? ORDER BY account LIMIT 1"
_WITH_EVENTS = (
    "SELECT account, version FROM closed_account WHERE state = ? AND EXISTS (SELECT 1 FROM event WHERE"
    " event.stream = closed_account.account AND event.version < closed_account.version) LIMIT 1"
)
_OLDEST_OF_PAGE = (
    "SELECT min(version) FROM (SELECT version FROM event WHERE stream = ? AND version < ? ORDER BY version DESC"
    " LIMIT ?) AS page"
)


class Closure(NamedTuple):
    """How far the end of an account is."""

    state: str
    """Empty for an account in use, else `archived`, `erasing` or `erased`."""
    messages: int
    """Messages that it still has."""
    events: int
    """Events about its content that are still to be deleted."""


def closure(reader: Reader, account: str) -> Closure:
    """How far the end of an account is."""
    row = reader.first_row("SELECT state, version FROM closed_account WHERE account = ?", (account,))
    state, version = row or ("", 0)
    left = reader.first_row("SELECT count(*) FROM event WHERE stream = ? AND version < ?", (account, version))
    events = left[0] if left and state in (ERASING, ERASED) else 0
    return Closure(state, load.used(reader, account)[1], events)


class Eraser:
    """The background task."""

    def __init__(self, service: str, store: EventStore) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._task = BackgroundTask(
            service,
            "erasure",
            self._turn,
            longest=4 * _IDLE_SECONDS,
            not_now=(StoreUnavailable,),
            longest_pause=_LONGEST_PAUSE,
        )

    def start(self) -> None:
        """Begin, with erasures that an earlier process did not end."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; an erasure goes on at the next start."""
        await self._task.stop()

    def committed(self, recorded: list[Recorded]) -> None:
        """Begin at once with the erasure of an account."""
        if any(isinstance(entry.event, AccountClosed) and entry.event.erase for entry in recorded):
            self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        account = await self._store.read(lambda reader: reader.first_row(_NEXT, (ERASING,)))
        if account is not None:
            await self._store.write(partial(erase_page, account=account[0]), long=True)
            return
        left = await self._store.read(lambda reader: reader.first_row(_WITH_EVENTS, (ERASED,)))
        if left is not None:
            await self._forget(*left)
            return
        await woken_within(self._wake, _IDLE_SECONDS)

    async def _forget(self, account: str, version: int) -> None:
        """Delete the account's events before the one that says that it is erased, the newest first."""
        while await self._store.write(partial(forget_page, account=account, before=version), long=True):
            self._task.advanced()
        log.info("mailstore.account_erased", account=account)


def erase_page(tx: Transaction, account: str) -> None:
    """One step of an erasure. It does nothing when another step has ended the erasure."""
    if load.closing_of(tx, account) != ERASING:
        return
    if has_removals(tx, account):  # also those of the step before
        forget(tx, account)
        return
    shown = of_account(tx, account)
    if shown:  # it shows messages of the other mailboxes, which are erased there
        tx.append(account, [AllMailEnded(account, shown, "")], Provenance(_ACTOR))
        return
    full = load.mailbox_with_messages(tx, account)
    messages = chosen.messages(tx, full.id, _ALL, most=_PAGE).uids if full is not None else ()
    empty = load.mailboxes(tx, account, most=_MAILBOXES)
    tx.append(account, closing.erase(account, full, messages, empty), Provenance(_ACTOR))


def forget_page(tx: Transaction, account: str, before: int) -> bool:
    """Delete a page of events; returns whether there may be more."""
    row = tx.first_row(_OLDEST_OF_PAGE, (account, before, _PAGE))
    if row is None or row[0] is None:
        tx.connection.execute("DELETE FROM snapshot WHERE stream = ?", (account,))
        return False
    tx.connection.execute(
        "DELETE FROM event WHERE stream = ? AND version >= ? AND version < ?", (account, row[0], before)
    )
    return True
