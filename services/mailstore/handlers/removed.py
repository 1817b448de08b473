"""Questions about removed messages, within the undelete window."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from services.mailstore.handlers import load
from services.mailstore.projections.conditions import conditions
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.mailbox_name import canonical_name
from shared.protocol.imap.ranges import Ranges, ranges
from shared.protocol.message.headers import header_value, unfold
from shared.protocol.message.words import decode_words, without_controls
from shared.turns import Turns

ALL_UIDS: Ranges = ((1, 1 << 40),)
_PAGE = 200
"""Rows of a read, most of which a choice may leave out."""
_HEADER_OCTETS = 16 * 1024
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_TEXT = 200
"""Characters of From and of Subject."""
_SCANNED = (
    "SELECT mailbox, uid, version, entry, blob, size, internal_date FROM removed_entry"
    " WHERE account = ? AND (version, uid) < (?, ?) ORDER BY version DESC, uid DESC LIMIT ?"
)
_SHOWN = (
    "SELECT page.mailbox, page.uid, page.version, page.entry, page.blob, page.size, page.internal_date,"  # noqa: S608
    f" removal.at, removal.name, removal.cause, removal.command FROM ({_SCANNED}) AS page"
    " JOIN removal ON removal.account = ? AND removal.version = page.version"
    " ORDER BY page.version DESC, page.uid DESC"
)
_JOINED = (
    "FROM removal JOIN removed_entry"
    " ON removed_entry.account = removal.account AND removed_entry.version = removal.version"
)
_BY_UID, _BY_VERSION = " ORDER BY uid LIMIT ?", " ORDER BY removal.version LIMIT 1"
_NEWEST = (1 << 62, 1 << 62)


class RemovedChoice(NamedTuple):
    """Which removed messages of an account; an empty value leaves none out."""

    account: str
    mailbox: str = ""
    """The name that the mailbox had, or has now."""
    cause: str = ""
    command: str = ""
    """The id of the command, or of the run of expiry, that removed them."""
    since: int = 0
    """Removed since this time, in UTC microseconds."""
    uids: Ranges = ALL_UIDS


class RemovedMessage(NamedTuple):
    """A removed message."""

    mailbox_id: str
    uid: int
    removal: int
    """The version of the event that removed it."""
    entry: str
    blob: str
    size: int
    internal_date: int
    removed_at: int
    mailbox: str
    """The name that the mailbox had."""
    cause: str
    command: str


class ShownHeader(NamedTuple):
    """What people recognise a message by, decoded; empty when its body cannot be read."""

    author: str
    subject: str


class ChosenUids(NamedTuple):
    """Removed messages of one mailbox."""

    mailbox_id: str
    name: str
    uids: Ranges
    size: int


class RemovedMessages:
    """Reads in pages and counts its share of each turn of the event loop."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns

    async def listed(self, choice: RemovedChoice, most: int) -> AsyncIterator[list[RemovedMessage]]:
        """At most `most` messages in pages, those that were removed last first."""
        identity = await self._store.read(lambda reader: mailbox_id(reader, choice))
        after, left = _NEWEST, most
        while left > 0:
            page = await self._store.read(lambda reader, after=after: _page(reader, choice.account, after))  # type: ignore[misc]
            await self._turns.spend(rows=2 * len(page) + 1)
            chosen = [message for message in page if _matches(message, choice, identity)][:left]
            if chosen:
                yield chosen
            if len(page) < _PAGE or page[-1].removed_at < choice.since:
                return
            left -= len(chosen)
            after = page[-1].removal, page[-1].uid

    async def header(self, message: RemovedMessage) -> ShownHeader:
        """Who wrote a message and about what."""
        try:
            stored = await self._blobs.read(BlobId(message.blob))
            head = _END_OF_HEADER.split(stored.read(0, _HEADER_OCTETS), 1)[0]
        except BlobError:  # `verify` reports it
            head = b""
        await self._turns.spend(files=1, octets=4 * len(head))
        return ShownHeader(_text(head, b"From"), _text(head, b"Subject"))


def mailbox_id(reader: Reader, choice: RemovedChoice) -> str:
    """The id of the mailbox that now has the name of a choice; empty when there is none."""
    there = load.mailbox_if_any(reader, choice.account, "", choice.mailbox) if choice.mailbox else []
    return there[0].id if there else ""


def next_of(reader: Reader, choice: RemovedChoice, most: int, through: int) -> ChosenUids | None:
    """The first mailbox with removed messages of a choice, and at most `most` of them by UID; None: there are none.

    `through` is the last version whose removals count. It reads long.
    """
    where, parameters = _removals(reader, choice, through)
    first = _first(reader, choice, where, parameters)
    if first is None:
        return None
    mailbox, name = first
    rows: list[tuple[int, int]] = []
    for condition, uids in conditions(choice.uids):
        sql = f"SELECT uid, size {_JOINED} WHERE removed_entry.mailbox = ? AND {condition} AND {where}{_BY_UID}"
        rows += [(uid, size) for uid, size in reader.all(sql, (mailbox, *uids, *parameters, most - len(rows)))]
        if len(rows) >= most:
            break
    return ChosenUids(mailbox, name, ranges(uid for uid, _ in rows), sum(size for _, size in rows))


def _first(reader: Reader, choice: RemovedChoice, where: str, parameters: tuple[object, ...]) -> tuple[str, str] | None:
    for condition, uids in conditions(choice.uids):
        sql = f"SELECT removal.mailbox, name {_JOINED} WHERE {condition} AND {where}{_BY_VERSION}"
        row = reader.first_row(sql, (*uids, *parameters))
        if row is not None:
            return row[0], row[1]
    return None


def _removals(reader: Reader, choice: RemovedChoice, through: int) -> tuple[str, tuple[object, ...]]:
    """The condition on removals, and its parameters."""
    text, parameters = (
        "removal.account = ? AND removal.version <= ? AND at >= ?",
        [choice.account, through, choice.since],
    )
    for given, column in ((choice.cause, "cause"), (choice.command, "command")):
        if given:
            text += f" AND {column} = ?"
            parameters.append(given)
    if choice.mailbox:
        text += " AND (name = ? OR removal.mailbox = ?)"
        parameters += [canonical_name(choice.mailbox), mailbox_id(reader, choice)]
    return text, tuple(parameters)


def _matches(message: RemovedMessage, choice: RemovedChoice, identity: str) -> bool:
    return (
        message.removed_at >= choice.since
        and choice.cause in ("", message.cause)
        and choice.command in ("", message.command)
        and (not choice.mailbox or message.mailbox == canonical_name(choice.mailbox) or message.mailbox_id == identity)
    )


def _page(reader: Reader, account: str, after: tuple[int, int]) -> list[RemovedMessage]:
    return [RemovedMessage(*row) for row in reader.all(_SHOWN, (account, *after, _PAGE, account))]


def _text(head: bytes, name: bytes) -> str:
    value = header_value(head, name)
    return without_controls(decode_words(unfold(value[: 8 * _TEXT])))[:_TEXT].strip() if value else ""
