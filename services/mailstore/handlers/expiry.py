"""Removes messages that have been in a mailbox for as long as its rule says.

A timer looks, in pages, at the mailboxes that may have a rule. UIDs of a mailbox ascend with the arrival of messages,
so what is due are its first messages, and a look costs one row of a mailbox in which nothing is due. Each page of
messages is read again in its unit of work: a second process, or a repeat after a crash, removes nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from services.mailstore.domain.state import JUNK, TRASH
from services.mailstore.handlers.quota_warnings import note_decrease
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.events.expiry import MailboxExpiryChanged, MessagesExpired
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.expiry import NEVER, ExpiryRule
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.ids import IdKind, Ids
from shared.protocol.imap.ranges import ranges
from shared.rpc.mailfold.directory.v1.expiry_pb2 import RulesRequest
from shared.rpc.mailfold.directory.v1.expiry_pb2_grpc import ExpiryRulesStub

_ACTOR = Actor("service", "mailstore", "expiry")
_MAILBOXES, _MESSAGES = 200, 500
"""Mailboxes of a page, and messages of a unit of work."""
_PAGE = (
    "SELECT account, mailbox, use, days, since FROM expiring_mailbox WHERE (account, mailbox) > (?, ?)"
    " ORDER BY account, mailbox LIMIT ?"
)
_FIRST = "SELECT uid, saved FROM entry WHERE mailbox = ? ORDER BY uid LIMIT ?"
Rules = dict[str, dict[str, ExpiryRule]]
"""The rules by account and special use."""


class ExpiringMailbox(NamedTuple):
    """A mailbox that may have a rule."""

    account: str
    mailbox: str
    use: str
    days: int
    since: int

    def rule(self, wider: dict[str, ExpiryRule]) -> ExpiryRule:
        """The rule in force, from the rules of its account by special use."""
        return ExpiryRule(self.days, self.since).within(wider.get(self.use, ExpiryRule()))


class Due(NamedTuple):
    """Messages of a mailbox whose time has come: those that came into it until then."""

    mailbox: ExpiringMailbox
    until: int
    days: int
    """The rule in force."""


class ExpiryRules:
    """The rules of domains and of the server, which belong to the directory."""

    def __init__(self, channel: Channel) -> None:
        self._stub = ExpiryRulesStub(channel)

    async def any(self) -> bool:
        """Whether there is any. Raises ServiceError."""
        return (await self._stub.RulesOf(RulesRequest())).any

    async def of(self, accounts: Sequence[str]) -> Rules:
        """The rules for at most 500 accounts; accounts that no longer exist are left out. Raises ServiceError."""
        reply = await self._stub.RulesOf(RulesRequest(accounts=accounts))
        return {
            rules.account: {
                TRASH: ExpiryRule(rules.trash_days, rules.trash_since),
                JUNK: ExpiryRule(rules.spam_days, rules.spam_since),
            }
            for rules in reply.accounts
        }


class Expiry:
    """The background task."""

    def __init__(self, store: EventStore, rules: ExpiryRules, clock: Clock, seconds: float, ids: Ids) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._seconds = seconds
        self._changed = asyncio.Event()
        self._task = BackgroundTask(
            "mailstore", "expiry", self._turn, longest=4 * seconds + 60, not_now=(StoreUnavailable, ServiceError)
        )

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    async def stop(self) -> None:
        """Remove no more."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Look again when the rule of a mailbox was changed."""
        if any(isinstance(entry.event, MailboxExpiryChanged) for entry in recorded):
            self._changed.set()

    async def look(self) -> int:
        """Remove what is due; returns how many messages that were. Raises ServiceError, StoreUnavailable."""
        has_own = await self._store.read(
            lambda reader: reader.first_row("SELECT 1 FROM expiring_mailbox WHERE days > 0 LIMIT 1")
        )
        if has_own is None and not await self._rules.any():
            return 0
        removed, after, run = 0, ("", ""), self._run()
        while page := await self._store.read(lambda reader, after=after: _page(reader, after)):  # type: ignore[misc]
            removed += await self._look_at(page, run)
            after = page[-1].account, page[-1].mailbox
            self._task.advanced()
        return removed

    async def _turn(self) -> None:
        self._changed.clear()
        await self.look()
        await woken_within(self._changed, self._seconds)

    def _run(self) -> Iterator[Provenance]:
        """The provenance of each unit of work of a look: all have one command id, by which they can be undone."""
        command = self._ids.new(IdKind.COMMAND)
        return (Provenance(_ACTOR, command=f"{command}/{number}") for number in count())

    async def _look_at(self, page: Sequence[ExpiringMailbox], run: Iterator[Provenance]) -> int:
        removed = 0
        rules = await self._rules.of(sorted({mailbox.account for mailbox in page}))
        for mailbox in page:
            # An account that no longer exists keeps its mail.
            rule = mailbox.rule(rules[mailbox.account]) if mailbox.account in rules else ExpiryRule(NEVER)
            until = rule.saved_until(self._clock.now())
            while until and await self._has_due(mailbox.mailbox, until):
                due, by = Due(mailbox, until, rule.days), next(run)
                removed += await self._store.write(lambda tx, due=due, by=by: _remove(tx, due, by))  # type: ignore[misc]
        return removed

    async def _has_due(self, mailbox: str, until: int) -> bool:
        row = await self._store.read(lambda reader: reader.first_row(_FIRST, (mailbox, 1)))
        return row is not None and row[1] <= until


def _page(reader: Reader, after: tuple[str, str]) -> list[ExpiringMailbox]:
    return [ExpiringMailbox(*row) for row in reader.all(_PAGE, (*after, _MAILBOXES))]


def _remove(tx: Transaction, due: Due, by: Provenance) -> int:
    """Remove a page of due messages; returns how many."""
    account, mailbox = due.mailbox.account, due.mailbox.mailbox
    uids = [uid for uid, saved in tx.all(_FIRST, (mailbox, _MESSAGES)) if saved <= due.until]
    if uids:
        tx.append(account, [MessagesExpired(account, mailbox, tuple(ranges(uids)), due.days)], by)
        note_decrease(tx, account, by)
    return len(uids)
