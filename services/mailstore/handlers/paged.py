"""Commands on any number of messages, split into units of work that do not block the writer for long.

A unit takes as many messages as one event names. Its command id is the command's id with the number of the unit, so
that a repeat recognises each unit that is done. COPY alone is one unit, because RFC 3501 §6.4.7 requires all copies or
none.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, TypeVar

from services.mailstore.domain.decide import EVENT_MESSAGES, MailboxRefused
from services.mailstore.domain.flags import Flags
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.domain.state import MailboxState, Selection
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.messages import MessageCommands, Placed, Stored
from services.mailstore.projections import chosen
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.ranges import Ranges, above, count, joined

T = TypeVar("T")
ALL: Ranges = ((1, 1 << 40),)
_MESSAGES_AT_ONCE = 50
"""Messages of an APPEND whose threads may be looked up on the event loop."""


class Moved(NamedTuple):
    """Where messages were moved, and why the rest was not; None when all were moved."""

    placed: Placed
    refused: MailboxRefused | None


class PagedCommands:
    """Runs units of work; long ones run beside the event loop."""

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
        """STORE in several units. Raises MailboxRefused."""
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
        self,
        account: str,
        mailbox: str,
        uids: Ranges,
        asked: int,
        target: str,
        quota: QuotaLimits,
        provenance: Provenance,
    ) -> Placed:
        """COPY of all messages or none. Raises MailboxRefused.

        When there are many messages, they are read before the unit of work, beside the writer.
        """
        selection: Selection | None = None
        if count(uids) > chosen.FEW:
            with contextlib.suppress(MailboxRefused):  # an earlier attempt may have copied them, which the unit knows
                selection = await self._store.read_long(
                    lambda reader: self._messages.selection(reader, account, mailbox, uids)
                )
        return await self._run(
            lambda tx, provenance: self._messages.copy(
                tx, account, mailbox, uids, asked, target, quota, provenance, selection
            ),
            uids,
            provenance,
        )

    async def move(
        self, account: str, mailbox: str, uids: Ranges, asked: int, target: str, provenance: Provenance
    ) -> Moved:
        """MOVE (RFC 6851), in several units when there are many messages.

        When a later unit is refused, the messages of the earlier units have been moved. Raises MailboxRefused when the
        first unit is refused.
        """
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
                return Moved(together(done), refused)
            done.append(placed)
            asked -= count(placed.source)
            left = above(left, placed.source[-1][1]) if placed.source else ()
        return Moved(together(done), None)

    async def expunge(self, account: str, mailbox: str, uids: Ranges, provenance: Provenance) -> tuple[int, int]:
        """EXPUNGE; returns the version afterwards and the number of messages removed. Raises MailboxRefused."""
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
        """DELETE. A mailbox with many messages is emptied first, in several units. Raises MailboxRefused."""
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
        """RENAME. A rename of INBOX moves its messages, in several units when there are many. Raises MailboxRefused."""
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
        """APPEND in one unit, which looks up the threads of its messages."""
        return await self._store.write(
            lambda transaction: work(transaction, provenance), long=messages > _MESSAGES_AT_ONCE
        )

    async def _holds_many(self, account: str, name: str) -> bool:
        """Whether the mailbox has many messages.

        False when it does not exist; an earlier attempt at the command may have deleted it.
        """
        mailbox = await self._store.read(lambda reader: load.mailbox_if_any(reader, account, "", name))
        return any(state.messages > EVENT_MESSAGES for state in mailbox)

    async def _run(
        self, work: Callable[[Transaction, Provenance], T], uids: Ranges, provenance: Provenance, number: int = 0
    ) -> T:
        by = provenance.of_unit(number)
        return await self._store.write(lambda transaction: work(transaction, by), long=count(uids) > chosen.FEW)


def together(done: Sequence[Placed]) -> Placed:
    """The results of several units as one."""
    source = joined(span for placed in done for span in placed.source)
    target = joined(span for placed in done for span in placed.target)
    return Placed(done[0].uid_validity, source, target, done[-1].version)
