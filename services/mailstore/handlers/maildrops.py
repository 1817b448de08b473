"""INBOX as POP3 clients see it: its messages with their unique ids, and the removal of what they have fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple

from services.mailstore.domain import unique_ids
from services.mailstore.domain.decide import EVENT_MESSAGES
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.quota_warnings import note_decrease
from services.mailstore.listing.summaries import Summaries
from services.mailstore.projections import chosen
from shared.events.maildrop import GivenUniqueId, MessagesFetchedAway, UniqueIdsGiven
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.mailbox_name import INBOX
from shared.protocol.imap.ranges import Ranges, above, count
from shared.turns import Turns

_PAGE = 1000
_PAGE_OF_SUMMARIES = 200
_MESSAGES = (
    "SELECT uid, size, entry.entry, unique_id.unique_id FROM entry LEFT JOIN unique_id"
    " ON unique_id.account = ? AND unique_id.entry = entry.entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?"
)
_PRESENT = (
    "SELECT entry.entry, unique_id.unique_id FROM entry LEFT JOIN unique_id"
    " ON unique_id.account = ? AND unique_id.entry = entry.entry WHERE mailbox = ? AND uid = ?"
)
_EXPIRY = "SELECT days FROM expiring_mailbox WHERE account = ? AND mailbox = ?"
_FIRST_OF_NEWEST = "SELECT uid FROM entry WHERE mailbox = ? ORDER BY uid DESC LIMIT 1 OFFSET ?"


class MaildropMessage(NamedTuple):
    """A message of INBOX."""

    uid: int
    size: int
    entry: str
    given: str | None
    """The unique id from a former server."""

    @property
    def unique_id(self) -> str:
        """What UIDL answers: an id that stays while the message lives, whatever becomes of its mailbox."""
        return self.given or self.entry


class OpenedMaildrop(NamedTuple):
    """An INBOX, and a version of the account that its messages show at least."""

    mailbox: str
    version: int
    first: int
    """The UID from which on its messages count."""
    expire_days: int
    """Days after which messages are forgotten; 0: never."""


class ImportedMessage(NamedTuple):
    """A message with what a list of a former server may name it by."""

    message: MaildropMessage
    message_id: str


class Maildrops:
    """Reads in pages and writes in units of work that do not block the writer for long."""

    def __init__(self, store: EventStore, summaries: Summaries, turns: Turns) -> None:
        self._store = store
        self._summaries = summaries
        self._turns = turns

    async def opened(self, account: str, most: int) -> OpenedMaildrop:
        """INBOX with its newest messages. Raises MailboxRefused NONEXISTENT."""
        return await self._store.read(lambda reader: _opened(reader, account, most))

    async def messages(self, account: str, opened: OpenedMaildrop) -> AsyncIterator[list[MaildropMessage]]:
        """The messages in ascending order of UIDs, in pages."""
        after = opened.first - 1
        while True:
            page = await self._page(account, opened.mailbox, after, _PAGE)
            yield page
            if len(page) < _PAGE:
                return
            after = page[-1].uid

    async def for_import(self, account: str) -> AsyncIterator[list[ImportedMessage]]:
        """The messages of INBOX with their Message-IDs, in pages. Raises MailboxRefused NONEXISTENT."""
        mailbox = await self._store.read(lambda reader: load.mailbox_by_name(reader, account, INBOX))
        after = 0
        while page := await self._page(account, mailbox.id, after, _PAGE_OF_SUMMARIES):
            after = page[-1].uid
            ids = await self._message_ids(mailbox.id, ((page[0].uid, after),))
            yield [ImportedMessage(message, ids.get(message.uid, "")) for message in page]

    async def remove(self, account: str, mailbox: str, uids: Ranges, provenance: Provenance) -> int:
        """Remove messages; returns how many there were. Raises MailboxRefused NONEXISTENT."""
        number = total = 0
        left = uids
        while left:
            unit, by = left, provenance.of_unit(number)
            gone = await self._store.write(
                lambda tx, unit=unit, by=by: _remove(tx, account, mailbox, unit, by),  # type: ignore[misc]
                long=count(unit) > chosen.FEW,
            )
            number, total = number + 1, total + count(gone)
            left = above(left, gone[-1][1]) if count(gone) == EVENT_MESSAGES else ()
        return total

    async def give(self, account: str, given: Mapping[int, GivenUniqueId], provenance: Provenance) -> int:
        """Give messages of INBOX unique ids, by UID; returns how many had another one. Raises MailboxRefused."""
        return await self._store.write(lambda tx: _give(tx, account, given, provenance), long=True)

    async def _page(self, account: str, mailbox: str, after: int, most: int) -> list[MaildropMessage]:
        rows = await self._store.read(lambda reader: reader.all(_MESSAGES, (account, mailbox, after, most)))
        await self._turns.spend(rows=len(rows) + 1)
        return [MaildropMessage(*row) for row in rows]

    async def _message_ids(self, mailbox: str, uids: Ranges) -> dict[int, str]:
        return {
            summary.uid: summary.message_id async for page in self._summaries.read(mailbox, uids) for summary in page
        }


def _opened(reader: Reader, account: str, most: int) -> OpenedMaildrop:
    version = queries.version_of(reader, account)
    mailbox = load.mailbox_by_name(reader, account, INBOX)
    first = reader.first_row(_FIRST_OF_NEWEST, (mailbox.id, most - 1)) if mailbox.messages > most else None
    days = reader.first_row(_EXPIRY, (account, mailbox.id))
    return OpenedMaildrop(mailbox.id, version, first[0] if first else 1, max(days[0], 0) if days else 0)


def _remove(tx: Transaction, account: str, mailbox: str, uids: Ranges, provenance: Provenance) -> Ranges:
    """Remove as many messages as one event names."""
    load.mailbox_by_id(tx, account, mailbox)
    done = [entry.event for entry in tx.answered(provenance.command) if isinstance(entry.event, MessagesFetchedAway)]
    if done:
        return done[0].uids
    gone = chosen.messages(tx, mailbox, uids, most=EVENT_MESSAGES).uids
    if gone:
        tx.append(account, [MessagesFetchedAway(account, mailbox, gone)], provenance)
        note_decrease(tx, account, provenance)
    return gone


def _give(tx: Transaction, account: str, given: Mapping[int, GivenUniqueId], provenance: Provenance) -> int:
    done = [entry.event for entry in tx.answered(provenance.command) if isinstance(entry.event, UniqueIdsGiven)]
    if done:
        return len(done[0].ids)
    mailbox = load.mailbox_by_name(tx, account, INBOX)
    names = tuple(given.values())
    present = _unique_ids(tx, account, mailbox.id, given)
    events = unique_ids.give(account, names, present, _holders(tx, account, names))
    tx.append(account, events, provenance)
    return sum(len(event.ids) for event in events)


def _unique_ids(reader: Reader, account: str, mailbox: str, uids: Iterable[int]) -> dict[str, str]:
    """The unique ids of those of these messages that are in a mailbox, by the ids of their entries."""
    rows = (reader.first_row(_PRESENT, (account, mailbox, uid)) for uid in uids)
    return {entry: given or entry for entry, given in filter(None, rows)}


def _holders(reader: Reader, account: str, given: Sequence[GivenUniqueId]) -> dict[str, str]:
    sql = "SELECT entry FROM unique_id WHERE account = ? AND unique_id = ? LIMIT 1"
    rows = ((name.unique_id, reader.first_row(sql, (account, name.unique_id))) for name in given)
    return {unique_id: row[0] for unique_id, row in rows if row is not None}
