"""Makes and ends All Mail mailboxes as the directory says: at the start, for new accounts, and when a switch changes.

Existing messages are shown in units of work of a bounded number of messages; after a crash the next start goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from services.mailstore.handlers import all_mail
from shared.background import BackgroundTask, woken_within
from shared.bus.bus import Bus
from shared.clock import Clock
from shared.events.all_mail_mailbox import AllMailMade
from shared.events.closing import AccountReopened
from shared.events.mailbox import AccountOpened
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.ids import Ids
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource
from shared.rpc.mailfold.directory.v1.allmail_pb2 import AllMailOfRequest
from shared.rpc.mailfold.directory.v1.allmail_pb2_grpc import AllMailStub
from shared.rpc.mailfold.events.v1 import events_pb2

_AREAS = ("account.all_mail_changed", "domain.value_changed", "account.changed")
_BY = Provenance(Actor("service", "mailstore", "all mail"))
_ACCOUNTS = 500
_QUIET = 300.0
_PASSES = 5
"""Passes over the mailboxes of an account; a client that goes on moving its messages ends them."""
_PAGE = "SELECT account, all_mail FROM account WHERE account > ? ORDER BY account LIMIT ?"
_HAS = "SELECT 1 FROM all_mailbox LIMIT 1"


class AllMailUpkeep:
    """The background task and the follower that wakes it."""

    def __init__(
        self, service: str, store: EventStore, directory: Channel, bus: Bus, ids: Ids, clock: Clock, name: str
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._name = name
        self._directory = AllMailStub(directory)
        self._source = RemoteSource(directory)
        self._follower = Follower(
            service, self._source, bus, "directory", self._effect, areas=_AREAS, begin=self._begin
        )
        self._is_due = True
        """Whether all accounts are looked at in the next turn."""
        self._accounts: set[str] = set()
        """Accounts that are looked at in the next turn."""
        self._wake = asyncio.Event()
        self._task = BackgroundTask(
            service, "all-mail", self._turn, longest=2 * _QUIET, not_now=(StoreUnavailable, ServiceError)
        )

    async def start(self) -> None:
        """Begin to look."""
        await self._follower.start()
        self._task.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._follower.stop()
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Look at accounts that are new or restored."""
        opened = {
            entry.stream for entry in recorded if isinstance(entry.event, AccountOpened | AccountReopened | AllMailMade)
        }
        if opened:
            self._accounts |= opened
            self._wake.set()

    async def _begin(self) -> Places:
        self._is_due = True
        self._wake.set()
        return await self._source.heads()

    async def _effect(self, events: Sequence[events_pb2.Event], _after: Places) -> None:
        for event in events:
            if event.type == "account.all_mail_changed":
                self._accounts.add(event.stream.removeprefix("account:"))
            else:
                self._is_due = True
        if events:
            self._wake.set()

    async def _turn(self) -> None:
        await woken_within(self._wake, _QUIET)
        self._wake.clear()
        accounts, self._accounts = self._accounts, set()
        is_due, self._is_due = self._is_due, False
        try:
            await self._look(accounts, everything=is_due)
        except BaseException:
            self._accounts |= accounts
            self._is_due |= is_due
            self._wake.set()
            raise

    async def _look(self, accounts: set[str], *, everything: bool) -> None:
        """Make and end what these accounts, or all, are to have. Raises ServiceError, StoreUnavailable."""
        if not accounts and not everything:
            return
        has_any = await self._store.read(lambda reader: reader.first_row(_HAS)) is not None
        if not has_any and not (await self._directory.AllMailOf(AllMailOfRequest())).any:
            return
        if everything:
            await self._look_at_all()
            return
        known = sorted(accounts)
        for start in range(0, len(known), _ACCOUNTS):
            await self._look_at(known[start : start + _ACCOUNTS])

    async def _look_at_all(self) -> None:
        after = ""
        while page := await self._store.read(lambda reader, after=after: reader.all(_PAGE, (after, _ACCOUNTS))):  # type: ignore[misc]
            await self._look_at([account for account, _ in page])
            after = page[-1][0]
            self._task.advanced()

    async def _look_at(self, accounts: Sequence[str]) -> None:
        reply = await self._directory.AllMailOf(AllMailOfRequest(accounts=accounts))
        chosen = frozenset(reply.accounts)
        present = await self._store.read(lambda reader: _present(reader, accounts))
        for account, has_it in present.items():
            if account in chosen:
                await self._make(account, has_it=has_it)
            elif has_it:
                await self._store.write(lambda tx, account=account: all_mail.end(tx, account, _BY), long=True)  # type: ignore[misc]

    async def _make(self, account: str, *, has_it: bool) -> None:
        """Make the mailbox unless it is there, and show what it does not show yet."""
        if not has_it:
            await self._store.write(lambda tx: all_mail.make(tx, account, self._name, self._ids, self._clock, _BY))
        async for _ in filled(self._store, account):
            self._task.advanced()


async def filled(store: EventStore, account: str) -> AsyncIterator[None]:
    """Show messages, a unit of work at a time.

    Messages may move behind the place that a pass has reached, so there may be another one.
    """
    for _ in range(_PASSES):
        if not await store.read(lambda reader: all_mail.lacks_messages(reader, account)):
            return
        after: str | None = ""
        while after is not None:
            after = await store.write(lambda tx, after=after: all_mail.fill(tx, account, after, _BY), long=True)  # type: ignore[misc]
            yield


def _present(reader: Reader, accounts: Sequence[str]) -> dict[str, bool]:
    """The accounts that are open here, and whether each has the mailbox."""
    marks = ", ".join("?" * len(accounts))
    sql = f"SELECT account, all_mail FROM account WHERE account IN ({marks})"  # noqa: S608
    return {account: bool(mailbox) for account, mailbox in reader.all(sql, tuple(accounts))}
