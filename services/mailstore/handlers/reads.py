"""Records who read mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from shared.clock import Clock
from shared.events.reading import BodiesRead, MailSearched
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction


class MailboxRead(msgspec.Struct, frozen=True):
    """The bodies that a user read in a mailbox; ids."""

    account: str
    mailbox: str
    protocol: str
    messages: int
    user: str
    credential: str
    address: str


class ReadRecords:
    """Writes the events. Their streams are not those of accounts, so that reading changes no MODSEQ."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note(self, reads: Sequence[MailboxRead], command: str) -> None:
        """Record reads; a repeat of the command changes nothing."""
        stream = self._stream()
        if reads:
            await self._store.write(lambda tx: _append(tx, stream, reads, command))

    async def note_search(self, account: str, messages: int, actor: Actor) -> None:
        """Record that somebody searched an account and was shown so many messages."""
        stream, event = self._stream(), MailSearched(account, messages)
        await self._store.write(lambda tx: tx.append(stream, [event], Provenance(actor)))

    def _stream(self) -> str:
        return f"reads:{datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC):%Y-%m-%d}"


def _append(tx: Transaction, stream: str, reads: Sequence[MailboxRead], command: str) -> None:
    if tx.answered(command):
        return
    for read in reads:
        actor = Actor("user", id=read.user, credential=read.credential, address=read.address)
        event = BodiesRead(read.account, read.mailbox, read.protocol, read.messages)
        tx.append(stream, [event], Provenance(actor, command=command))
