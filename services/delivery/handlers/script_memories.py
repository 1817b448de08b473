"""What scripts remember of an account's mails: answered senders, seen mails, notices, and what was sent on in a day.

A memory is written in the transaction that checks it, so two mails at the same time never both find it free. It names
the mail and the step that wrote it: a repeat of that step finds its own memory, and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from shared.clock import Clock
from shared.events.delivery import DeliveryMemoriesForgotten, DeliveryRemembered
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

_ACTOR = Actor("service", "delivery")
_SECOND = 1_000_000
DAY = 86_400
_HOLDER = "SELECT queue_id, step FROM script_memory WHERE account = ? AND kind = ? AND memory = ? AND until > ?"
_USED = "SELECT count(*) FROM script_memory WHERE account = ? AND kind = ? AND until > ?"


class MemoryKind(StrEnum):
    """What a memory is of. The values are stored in events."""

    VACATION = "vacation"
    """A sender has had a response."""
    ANSWER = "answer"
    """A response was sent, to whomever."""
    DUPLICATE = "duplicate"
    """A mail was seen (RFC 7352)."""
    NOTICE = "notice"
    """The owner has had a notice of a kind."""
    REDIRECT = "redirect"
    """A mail was sent on."""
    NOTIFY = "notify"
    """A notification was sent."""


class Holder(NamedTuple):
    """The mail and its step to which a memory belongs."""

    queue_id: str
    step: int = 0


class ScriptMemories:
    """The memories. Every method raises StoreUnavailable."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def is_duplicate(self, account: str, memory: str) -> bool:
        """Whether a mail has left this memory, and it has not expired (RFC 7352 §3)."""
        return await self.is_held(account, MemoryKind.DUPLICATE, memory)

    async def is_held(self, account: str, kind: MemoryKind, memory: str, but: str = "") -> bool:
        """Whether there is a memory that has not expired, other than one of the mail `but`."""
        values = (account, kind.value, _key(memory), self._clock.now())
        row = await self._store.read(lambda reader: reader.first_row(_HOLDER, values))
        return row is not None and row[0] != but

    async def claim(self, account: str, kind: MemoryKind, memory: str, seconds: int, holder: Holder) -> bool:
        """Write a memory for a step. False: another step has it already, so this one has nothing to do."""
        key, now = _key(memory), self._clock.now()

        def work(tx: Transaction) -> bool:
            row = tx.first_row(_HOLDER, (account, kind.value, key, now))
            if row is not None:
                return (row[0], row[1]) == holder
            self._append(tx, account, kind, key, now + seconds * _SECOND, holder)
            return True

        return await self._store.write(work)

    async def remember(self, account: str, memory: str, seconds: int, holder: Holder, *, anew: bool = False) -> None:
        """Remember a mail that was seen; one that is remembered already is so for longer only `anew` (RFC 7352 §3.2).

        A repeat of the same step changes nothing.
        """
        key, now = _key(memory), self._clock.now()

        def work(tx: Transaction) -> None:
            row = tx.first_row(_HOLDER, (account, MemoryKind.DUPLICATE.value, key, now))
            if row is None or (anew and (row[0], row[1]) != holder):
                self._append(tx, account, MemoryKind.DUPLICATE, key, now + seconds * _SECOND, holder)

        await self._store.write(work)

    async def admitted(
        self, account: str, kind: MemoryKind, wishes: Sequence[str], queue_id: str, most: int
    ) -> frozenset[str]:
        """Those of the wishes of one mail that are within the limit of a day; each counts once for the mail."""
        keys = {wish: _key(f"{queue_id} {wish}") for wish in wishes}

        def work(tx: Transaction) -> frozenset[str]:
            now, admitted = self._clock.now(), set[str]()
            row = tx.first_row(_USED, (account, kind.value, now))
            used = int(row[0]) if row else 0
            for wish, key in keys.items():
                is_counted = tx.first_row(_HOLDER, (account, kind.value, key, now)) is not None
                if not is_counted and used < most:
                    self._append(tx, account, kind, key, now + DAY * _SECOND, Holder(queue_id))
                    used += 1
                    is_counted = True
                if is_counted:
                    admitted.add(wish)
            return frozenset(admitted)

        return await self._store.write(work) if wishes else frozenset()

    async def forget(self, account: str) -> None:
        """Forget everything of an account that is erased."""

        def work(tx: Transaction) -> None:
            if tx.first_row("SELECT 1 FROM script_memory WHERE account = ? LIMIT 1", (account,)) is not None:
                tx.append(_stream(account), [DeliveryMemoriesForgotten(account)], Provenance(_ACTOR), owner=account)

        await self._store.write(work)

    @staticmethod
    def _append(tx: Transaction, account: str, kind: MemoryKind, key: str, until: int, holder: Holder) -> None:
        event = DeliveryRemembered(account, kind.value, key, until, *holder)
        tx.append(_stream(account), [event], Provenance(_ACTOR, correlation=holder.queue_id), owner=account)


def _stream(account: str) -> str:
    return f"sieve:{account}"


def _key(memory: str) -> str:
    """What is remembered as a hash of 128 bits: bounded, and without the addresses and ids of other people."""
    return blake2b(memory.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
