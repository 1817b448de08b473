"""Erases an account from the event log of a service, a page of events at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from shared.erasure.former_addresses import FormerAddresses
from shared.erasure.mail_marks import MailMarks, Mark
from shared.events.deadletters import DeadLetterBuried, DeadLetterFailedAgain
from shared.eventstore.connection import Connection, Row
from shared.eventstore.event import Actor, Event, UnknownEvent, decode, decode_actor, encode, encode_actor
from shared.eventstore.rewriting import Rewritten, drop_former_pages, page_after, rewrite
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import SHARDS

PAGE = 200
"""Events of a page: some ten milliseconds, beside the event loop."""
Blank = Callable[[Event], Event | None]
"""An event of a mail that was only the account's, without anything personal; None for an event that has nothing of it.
"""
Rows = Callable[[Connection, Event], None]
"""Lets the rows say what a rewritten event says, where rows keep it after the end of a mail."""
Advanced = Callable[[int], None]
_PAYLOAD = "UPDATE dead_letter SET payload = ? WHERE id = ?"
_ERROR = "UPDATE dead_letter SET error = ? WHERE id = ? AND error = ?"


class Erased(NamedTuple):
    """The account that is erased, and what belongs to it."""

    account: str
    addresses: FormerAddresses
    marks: MailMarks


class _Change(NamedTuple):
    """An event that changes, with its type, and its schema and data before."""

    event: Rewritten
    name: str
    schema: int
    data: bytes


class _Named(msgspec.Struct, frozen=True):
    queue_id: str = ""


_named = msgspec.json.Decoder(_Named)


class LogErasure:
    """The log of one service. How far it is, is stored with each page, so that a restart goes on there."""

    def __init__(self, store: EventStore, blank: Blank, rows: Rows | None = None) -> None:
        self._store = store
        self._blank = blank
        self._rows = rows

    async def run(self, erased: Erased, advanced: Advanced) -> None:
        """Erase the account from all events that were there at the beginning; `advanced` gets the number of events."""
        cursor, heads, count = f"erasure {erased.account}", await self._store.heads(), 0
        reached = await self._store.cursor(cursor)
        for shard in range(SHARDS):
            after = reached[shard]
            while after < heads.get(shard, 0):
                rows = await self._store.read(partial(page_after, shard=shard, after=after, limit=PAGE))
                if not rows:
                    break
                after = rows[-1][1]
                changed = await asyncio.to_thread(self._page, rows, erased)
                await self._store.write(partial(self._keep, cursor=cursor, shard=shard, after=after, changed=changed))
                count += len(rows)
                advanced(count)
        await self._store.write(lambda tx: tx.connection.execute("DELETE FROM cursor WHERE name = ?", (cursor,)))
        await drop_former_pages(self._store)

    def _keep(self, tx: Transaction, cursor: str, shard: int, after: int, changed: list[_Change]) -> None:
        rewrite(tx.connection, [change.event for change in changed])
        for change in changed:
            if change.name.startswith("deadletter."):
                _keep_dead_letter(tx, change)
            elif self._rows is not None:
                self._rows(tx.connection, decode(change.name, change.event.schema, change.event.data))
        tx.set_cursor(cursor, {shard: after})

    def _page(self, rows: list[Row], erased: Erased) -> list[_Change]:
        """The events of a page that change."""
        changed = []
        for row in rows:
            event = rewritten(row, erased, self._blank)
            if event is not None:
                changed.append(_Change(event, str(row[4]), int(row[5]), bytes(row[-1])))
        return changed


def rewritten(row: Row, erased: Erased, blank: Blank) -> Rewritten | None:
    """What an event says without the account; None when it says nothing of it."""
    shard, position, stream, _, name, schema, at, _, correlation, _, actor, data = row
    data = bytes(data)
    mark = Mark.WHOLE if is_own(stream, erased.account) else erased.marks.of(stream, correlation, _queue_id(data))
    event = blanked(name, schema, data, blank) if mark is Mark.WHOLE else None
    if event is not None:
        schema, changed = event.schema, encode(event)
    else:
        changed = erased.addresses.data(data, None if mark else at)
    nobody = without_place(actor, erased.account, whole=mark is Mark.WHOLE)
    if changed == data and nobody == actor:
        return None
    return Rewritten(shard, position, schema, nobody, changed)


def blanked(name: str, schema: int, data: bytes, blank: Blank) -> Event | None:
    """The event without anything personal; None when it has nothing of it, or is of another release."""
    try:
        event = decode(name, schema, data)
    except (UnknownEvent, msgspec.DecodeError):
        return None
    match event:
        case DeadLetterBuried():
            return msgspec.structs.replace(event, error="", payload=b"")
        case DeadLetterFailedAgain():
            return msgspec.structs.replace(event, error="")
        case _:
            return blank(event)


def without_place(actor: str, account: str, *, whole: bool) -> str:
    """The actor without the session and the address of the client, where it acted for the account."""
    known = decode_actor(actor)
    if (whole or known.credential == account) and (known.session or known.address):
        return encode_actor(Actor(known.kind, known.id, known.credential))
    return actor


def is_own(stream: str, account: str) -> bool:
    """Whether a stream is the account's own, such as `lessons:<id>`."""
    return stream == account or stream.endswith((f":{account}", f"/{account}"))


def _queue_id(data: bytes) -> str:
    try:
        return _named.decode(data).queue_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _keep_dead_letter(tx: Transaction, change: _Change) -> None:
    """Let the row of a dead letter say what its events say: the error is that of the last of them."""
    new = decode(change.name, change.event.schema, change.event.data)
    old = decode(change.name, change.schema, change.data)
    if isinstance(new, DeadLetterBuried):
        tx.connection.execute(_PAYLOAD, (new.payload, new.id))
    if isinstance(new, DeadLetterBuried | DeadLetterFailedAgain):
        assert isinstance(old, DeadLetterBuried | DeadLetterFailedAgain)
        tx.connection.execute(_ERROR, (new.error, new.id, old.error))
