"""Commands on any number of messages, as units of work of which none keeps the writer long.

A unit takes as many messages as one event names; its command id is that of the command and the unit's number, so that a
repeat finds what each of them did. COPY alone is one unit: RFC 3501 6.4.7 wants all copies or none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar

import msgspec

from services.mailstore.domain.decide import EVENT_MESSAGES, MailboxRefused
from services.mailstore.domain.flags import Flags
from services.mailstore.domain.state import MailboxState
from services.mailstore.domain.uids import Ranges, above, count, joined
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.messages import MessageCommands, Placed, Stored
from services.mailstore.projections import chosen
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

T = TypeVar("T")
ALL: Ranges = ((1, 1 << 40),)
_MESSAGES_AT_ONCE = 50
"""Messages of an APPEND whose threads are looked for on the loop."""


class Moved(NamedTuple):
    """Where messages went, and why the rest did not; None when all went."""

    placed: Placed
    refused: MailboxRefused | None


class PagedCommands:
    """Runs units of work; those that are long do not keep the loop."""

    def __init__(self, store: EventStore, mailboxes: MailboxCommands, messages: MessageCommands) -> None:
        self._store = store
        self._mailboxes = mailboxes
        self._messages = messages

    async def store(
        self,
        account: str,
        mailbox: str,
        uids: Ranges,
        mode: str,
        flags: Flags,
        since: int | None,
        provenance: Provenance,
    ) -> AsyncIterator[Stored]:
        """STORE, unit by unit. Raises MailboxRefused."""
        number, left = 0, uids
        while left:
            unit = left
            done = await self._run(
                lambda tx, provenance, unit=unit: self._messages.store(
                    tx, account, mailbox, unit, mode, flags, since, provenance
                ),  # type: ignore[misc]
                unit,
                provenance,
                number,
            )
            yield done
            number, left = number + 1, above(left, done.last) if done.last else ()

    async def copy(
        self, account: str, mailbox: str, uids: Ranges, asked: int, target: str, quota: int, provenance: Provenance
    ) -> Placed:
        """COPY, all of the messages or none. Raises MailboxRefused."""
        return await self._run(
            lambda tx, provenance: self._messages.copy(tx, account, mailbox, uids, asked, target, quota, provenance),
            uids,
            provenance,
        )

    async def move(
        self, account: str, mailbox: str, uids: Ranges, asked: int, target: str, provenance: Provenance
    ) -> Moved:
        """MOVE (RFC 6851). Many messages go in several units: when one of these is refused, the messages of those
        before it have moved. Raises MailboxRefused when the first one is."""
        done: list[Placed] = []
        left = uids
        while not done or asked > 0:
            unit, some = left, asked
            try:
                placed = await self._run(
                    lambda tx, provenance, unit=unit, some=some: self._messages.move(
                        tx, account, mailbox, unit, some, target, provenance
                    ),  # type: ignore[misc]
                    unit,
                    provenance,
                    len(done),
                )
            except MailboxRefused as refused:
                if not done:
                    raise
                return Moved(_together(done), refused)
            done.append(placed)
            asked -= count(placed.source)
            left = above(left, placed.source[-1][1]) if placed.source else ()
        return Moved(_together(done), None)

    async def expunge(self, account: str, mailbox: str, uids: Ranges, provenance: Provenance) -> tuple[int, int]:
        """EXPUNGE; the version after it and how many messages went. Raises MailboxRefused."""
        number = total = 0
        while True:
            version, gone = await self._run(
                lambda tx, provenance: self._messages.expunge(tx, account, mailbox, uids, provenance),
                uids,
                provenance,
                number,
            )
            number, total = number + 1, total + count(gone)
            if count(gone) < EVENT_MESSAGES:
                return version, total

    async def delete(self, account: str, name: str, provenance: Provenance) -> MailboxState:
        """DELETE. A mailbox of many messages is emptied first, unit by unit. Raises MailboxRefused."""
        number = 0
        while await self._holds_many(account, name):
            number += 1
            await self._run(
                lambda tx, provenance: self._mailboxes.empty(tx, account, name, provenance), ALL, provenance, number
            )
        return await self._run(
            lambda tx, provenance: self._mailboxes.delete(tx, account, name, provenance), ALL, provenance
        )

    async def rename(self, account: str, name: str, new_name: str, provenance: Provenance) -> MailboxState:
        """RENAME. Of INBOX its messages go, many of them in several units. Raises MailboxRefused."""
        renamed, left = await self._run(
            lambda tx, provenance: self._mailboxes.rename(tx, account, name, new_name, provenance), ALL, provenance
        )
        number = 0
        while left:
            unit, number = left, number + 1
            left = await self._run(
                lambda tx, provenance, unit=unit: self._mailboxes.empty_inbox(
                    tx, account, renamed.id, unit, provenance
                ),  # type: ignore[misc]
                ALL,
                provenance,
                number,
            )
        return await self._store.read(lambda reader: load.mailbox_by_id(reader, account, renamed.id))

    async def append(self, work: Callable[[Transaction, Provenance], T], messages: int, provenance: Provenance) -> T:
        """One unit, whose messages look for their threads."""
        return await self._store.write(
            lambda transaction: work(transaction, provenance), long=messages > _MESSAGES_AT_ONCE
        )

    async def _holds_many(self, account: str, name: str) -> bool:
        """False when there is no such mailbox: perhaps an earlier try of the command has deleted it."""
        mailbox = await self._store.read(lambda reader: load.mailbox_if_any(reader, account, "", name))
        return any(state.messages > EVENT_MESSAGES for state in mailbox)

    async def _run(
        self, work: Callable[[Transaction, Provenance], T], uids: Ranges, provenance: Provenance, number: int = 0
    ) -> T:
        if number and provenance.command:
            provenance = msgspec.structs.replace(provenance, command=f"{provenance.command}/{number}")
        return await self._store.write(lambda transaction: work(transaction, provenance), long=count(uids) > chosen.FEW)


def _together(done: list[Placed]) -> Placed:
    """What several units placed."""
    source = joined(span for placed in done for span in placed.source)
    target = joined(span for placed in done for span in placed.target)
    return Placed(done[0].uid_validity, source, target, done[-1].version)
