"""The views that sessions have of mailboxes, put together from pages; other requests are served between pages.

An answer describes the version at which its first page was read. Later commits show in it only as missing messages; the
next question returns them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.queries import PAGE, ChangedFlags, FlagRunAt, Gone
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, count, pages, ranges
from shared.turns import Turns

T = TypeVar("T")
_SHORT = 16
"""Runs of fewer messages in the mean cost more than rows."""
_LAST = 1 << 40
"""Above every UID and every version."""
_MAILBOXES_A_PAGE = 200
FLAGS_A_PAGE = 200
"""Messages whose flags are read at a time; each becomes a message of the contract and a response."""


class OpenedMailbox(NamedTuple):
    """The state of a mailbox that is being opened; its UIDs follow in pages."""

    mailbox: MailboxState
    version: int
    keywords: tuple[str, ...]
    whole: Ranges | None


class Changes(NamedTuple):
    """The changes of a mailbox after a version, as far as they fit into one page; the rest follows in pages."""

    mailbox: MailboxState
    version: int
    keywords: tuple[str, ...]
    added: list[int]
    vanished: list[Gone]
    changed: list[ChangedFlags] | None


class Views:
    """Reads in pages and counts its share of each turn of the event loop."""

    def __init__(self, store: EventStore, turns: Turns) -> None:
        self._store = store
        self._turns = turns

    async def opened(self, account: str, name: str) -> OpenedMailbox:
        """The state of a mailbox. Raises MailboxRefused NONEXISTENT."""

        def ask(reader: Reader, version: int) -> OpenedMailbox:
            state = load.mailbox_by_name(reader, account, name)
            return OpenedMailbox(state, version, queries.keywords(reader, state.id), queries.whole(reader, state.id))

        return await self._in_single_version(account, ask)

    async def uids(self, opened: OpenedMailbox) -> AsyncIterator[Ranges]:
        """All UIDs of a mailbox, in pages."""
        if opened.whole is not None:
            yield opened.whole
            return
        async for page in self._uids(opened.mailbox.id, 1, opened.mailbox.uid_next):
            yield page

    async def first_unseen(self, mailbox: MailboxState) -> int:
        """The lowest UID without \\Seen; 0 when all are seen."""
        unseen, first = 0, 1 if mailbox.unseen else 0
        while first and not unseen:
            unseen, first = await self._read(queries.first_unseen, mailbox.id, first)
            if not unseen:
                await self._turns.spend(rows=PAGE // 5)  # a row that SQL skips costs little
        return unseen

    async def changes(self, account: str, mailbox: str, since: int, uid_next: int, known: int) -> Changes:
        """The changes for a session that knows version `since`, UIDs below `uid_next`, and a number of keywords.

        Raises MailboxRefused NONEXISTENT.
        """

        def ask(reader: Reader, version: int) -> Changes:
            state = load.mailbox_by_id(reader, account, mailbox)
            return Changes(
                state,
                version,
                queries.other_keywords(reader, mailbox, known),
                queries.uids(reader, mailbox, uid_next, state.uid_next),
                queries.vanished(reader, mailbox, (since, _LAST), version, uid_next),
                queries.changed(reader, mailbox, since, version, uid_next),
            )

        return await self._in_single_version(account, ask)

    async def added(self, changes: Changes) -> AsyncIterator[Ranges]:
        """The UIDs of new messages, in pages."""
        if changes.added:
            yield ranges(changes.added)
        if len(changes.added) == PAGE:
            async for page in self._uids(changes.mailbox.id, changes.added[-1] + 1, changes.mailbox.uid_next):
                yield page

    async def vanished(self, mailbox: str, first: list[Gone], version: int, below: int) -> AsyncIterator[list[Gone]]:
        """A page of the UIDs that left a mailbox, then the following pages."""
        page = first
        while page:
            await self._turns.spend(rows=len(page))
            yield page
            if len(page) < PAGE:
                return
            page = await self._read(queries.vanished, mailbox, page[-1][:2], version, below)

    async def vanished_since(self, mailbox: str, since: int, version: int) -> AsyncIterator[list[Gone]]:
        """All UIDs that left a mailbox after a version, in pages."""
        first = await self._read(queries.vanished, mailbox, (since, _LAST), version, _LAST)
        async for page in self.vanished(mailbox, first, version, _LAST):
            yield page

    async def changed(self, changes: Changes, since: int, uid_next: int) -> AsyncIterator[list[ChangedFlags]]:
        """The flags that changed, in pages."""
        if changes.changed is not None:
            for start in range(0, len(changes.changed), FLAGS_A_PAGE):
                yield changes.changed[start : start + FLAGS_A_PAGE]
                await self._turns.spend(rows=FLAGS_A_PAGE)
            return
        mailbox, version = changes.mailbox.id, changes.version
        uids = await self._store.read_long(lambda reader: queries.changed_uids(reader, mailbox, since, uid_next))
        async for page in self.flags(mailbox, uids, version):
            yield page

    async def flags(self, mailbox: str, uids: Ranges, version: int = _LAST) -> AsyncIterator[list[ChangedFlags]]:
        """The flags of messages with these UIDs that did not change after a version, in pages."""
        for spans in pages(uids, FLAGS_A_PAGE):
            yield await self._read(queries.flags_of, mailbox, spans, version)
            await self._turns.spend(rows=2 * FLAGS_A_PAGE)

    async def flag_runs(self, mailbox: str, uids: Ranges) -> AsyncIterator[list[FlagRunAt]]:
        """The flags of messages with these UIDs as runs, in pages."""
        for spans in pages(uids, PAGE):
            yield await self._read(queries.flag_runs, mailbox, spans)
            await self._turns.spend(rows=PAGE // 2)

    async def long_flag_runs(
        self, mailbox: str, uids: Ranges, *, by_modseq: bool
    ) -> AsyncIterator[list[FlagRunAt] | Ranges]:
        """Like `flag_runs`, perhaps whatever the MODSEQ; where the runs are short, the UIDs of a page instead."""
        for spans in pages(uids, PAGE):
            runs = await self._read(partial(queries.flag_runs, by_modseq=by_modseq), mailbox, spans)
            await self._turns.spend(rows=PAGE // 4)
            yield runs if len(runs) * _SHORT <= count(spans) or len(runs) <= 1 else spans

    async def changed_since(self, mailbox: str, since: int) -> Ranges:
        """The UIDs of messages that were added or changed after a version.

        The work grows with their number and not with the mailbox.
        """
        few = await self._read(queries.few_changed_uids, mailbox, since)
        if few is not None:
            return few
        return await self._store.read_long(lambda reader: queries.changed_uids(reader, mailbox, since, _LAST))

    async def mailboxes(self, account: str) -> AsyncIterator[list[MailboxState]]:
        """All mailboxes of an account, in pages."""
        after = ""
        while page := await self._read(load.mailboxes, account, after, _MAILBOXES_A_PAGE):
            yield page
            await self._turns.spend(rows=len(page))
            after = page[-1].name

    async def subscriptions(self, account: str) -> AsyncIterator[list[str]]:
        """All names that an account is subscribed to, in pages."""
        after = ""
        while page := await self._read(queries.subscriptions, account, after):
            yield page
            await self._turns.spend(rows=len(page))
            after = page[-1]

    async def _uids(self, mailbox: str, first: int, below: int) -> AsyncIterator[Ranges]:
        while page := await self._read(queries.uids, mailbox, first, below):
            yield ranges(page)
            await self._turns.spend(rows=len(page) // 2)  # these rows come from the index alone
            if len(page) < PAGE:
                return
            first = page[-1] + 1

    async def _in_single_version(self, account: str, ask: Callable[[Reader, int], T]) -> T:
        return await self._store.read(
            lambda reader: queries.in_single_version(reader, account, lambda version: ask(reader, version))
        )

    async def _read(self, ask: Callable[..., T], *about: Any) -> T:
        return await self._store.read(lambda reader: ask(reader, *about))
