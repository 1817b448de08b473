"""Submissions that wait: accepted durably, and kept by the ingress until they are released or cancelled.

Neither classifier, delivery nor the outbound queue sees such a mail before. The release is an event; from then on the
mail is a reception like any other, which is published again until it is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.ingress.domain.accepted import Accepted
from services.ingress.domain.release_time import Hold, ReleaseTime, is_too_late, release_time
from services.ingress.domain.waiting_filter import WaitingSelection
from services.ingress.handlers.receptions import Check
from shared.clock import Clock
from shared.events.mail import MailCancelled, MailReleased, MailSubmitted
from shared.events.suspended import SubmissionResumed, SubmissionSuspended
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply

_SECONDS_A_DAY = 86_400
# It reads no more rows than an account may have, from the index alone. The mail itself does not count, because it may
# be written again after a doubtful commit.
_HELD_FOR_ACCOUNT = (
    "SELECT count(*), coalesce(sum(size), 0) FROM waiting_submission WHERE account = ? AND requested = 1"
    " AND queue_id <> ?"
)
_NEXT = "SELECT queue_id, release_at FROM waiting_submission WHERE suspended = 0 ORDER BY release_at, queue_id LIMIT ?"
_ACCOUNT = "SELECT account FROM waiting_submission WHERE queue_id = ?"
_SUSPENDED_ACCOUNTS = (
    "SELECT DISTINCT account FROM waiting_submission WHERE suspended = 1 AND account > ? ORDER BY account LIMIT ?"
)
_SUSPENDED = "SELECT queue_id FROM waiting_submission WHERE suspended = 1 AND account = ? LIMIT ?"
_IS_WAITING = "SELECT suspended FROM waiting_submission WHERE queue_id = ?"
_ROWS = (
    "SELECT queue_id, release_at, at, account, sender, size, requested, suspended FROM waiting_submission"
    " WHERE queue_id > ?"
)

_Change = Callable[[str], MailReleased | MailCancelled | SubmissionSuspended | SubmissionResumed]


class NoRoomToWait(Exception):
    """The account has as much waiting mail as it may have."""


class WaitingLimits(NamedTuple):
    """What senders may ask for."""

    days: float
    """The longest time; 0: FUTURERELEASE is not offered."""
    mails: int
    """Mails of an account that wait at once."""
    octets: int
    """The size of these mails together."""


class WaitingRow(NamedTuple):
    """A waiting submission; the times are UTC microseconds."""

    queue_id: str
    release_at: int
    at: int
    account: str
    sender: str
    size: int
    is_requested: bool
    is_suspended: bool
    """Whether it waits longer than it should, because its account is not in use."""


class WaitingSubmissions:
    """The submissions that wait for their release. Each change is durable when it returns."""

    def __init__(self, store: EventStore, clock: Clock, undo_seconds: float, limits: WaitingLimits) -> None:
        """`undo_seconds` is the time in which each submission can be cancelled."""
        self._store = store
        self._clock = clock
        self._undo_seconds = undo_seconds
        self._limits = limits
        self.longest = int(limits.days * _SECONDS_A_DAY)
        """The longest time that a sender may ask for, in seconds; 0: FUTURERELEASE is not offered."""

    async def refusal_of(self, hold: Hold, account: str, size: int = 0) -> Reply | None:
        """The refusal of a hold that MAIL asks for, or None; `size` is that of the mail in octets, if it is known.

        Raises StoreUnavailable.
        """
        if hold is None:
            return None
        if is_too_late(hold, self._clock.now(), self.longest):
            return replies.hold_too_long(self.longest)
        has_room = await self._store.read(lambda reader: self._has_room(reader, account, "", size))
        return None if has_room else replies.too_much_held()

    def release_of(self, hold: Hold) -> ReleaseTime:
        """When a mail that is accepted now is released."""
        return release_time(hold, self._clock.now(), self._undo_seconds)

    def check_of(self, event: Accepted) -> Check | None:
        """The check of the limit in the transaction of acceptance, which raises NoRoomToWait; None: it has none."""
        if not isinstance(event, MailSubmitted) or not event.hold_requested:
            return None
        account, queue_id, size = event.account, event.queue_id, event.message.size

        def check(transaction: Transaction) -> None:
            if not self._has_room(transaction, account, queue_id, size):
                raise NoRoomToWait("the account may have no further mail that waits for its release")

        return check

    def _has_room(self, reader: Reader | Transaction, account: str, queue_id: str, size: int) -> bool:
        row = reader.first_row(_HELD_FOR_ACCOUNT, (account, queue_id))
        mails, octets = (int(row[0]), int(row[1])) if row is not None else (0, 0)
        return mails < self._limits.mails and octets + size <= self._limits.octets

    async def soonest(self, limit: int) -> list[tuple[str, int]]:
        """(queue id, time of release) of those that are released first. Raises StoreUnavailable."""
        rows = await self._store.read(lambda reader: reader.all(_NEXT, (limit,)))
        return [(row[0], row[1]) for row in rows]

    async def release(self, queue_ids: Sequence[str], provenance: Provenance) -> list[str]:
        """Release those that still wait; returns them. Raises StoreUnavailable."""
        return await self._change(queue_ids, MailReleased, provenance)

    async def cancel(self, queue_ids: Sequence[str], reason: str, provenance: Provenance) -> list[str]:
        """Take back those that still wait; returns them. Raises StoreUnavailable."""
        return await self._change(queue_ids, lambda queue_id: MailCancelled(queue_id, reason), provenance)

    async def accounts_of(self, queue_ids: Sequence[str]) -> dict[str, str]:
        """The account of each mail that still waits. Raises StoreUnavailable."""

        def ask(reader: Reader) -> dict[str, str]:
            rows = [(queue_id, reader.first_row(_ACCOUNT, (queue_id,))) for queue_id in queue_ids]
            return {queue_id: row[0] for queue_id, row in rows if row is not None}

        return await self._store.read(ask)

    async def suspended_accounts(self, after: str, limit: int) -> list[str]:
        """A page of the accounts whose mail is suspended, by id. Raises StoreUnavailable."""
        rows = await self._store.read(lambda reader: reader.all(_SUSPENDED_ACCOUNTS, (after, limit)))
        return [account for (account,) in rows]

    async def suspend(self, accounts: Mapping[str, str], provenance: Provenance) -> list[str]:
        """Let mails (queue id → account) wait until their accounts are in use again. Raises StoreUnavailable."""
        return await self._change(
            list(accounts),
            lambda queue_id: SubmissionSuspended(queue_id, accounts[queue_id]),
            provenance,
            only_if=0,
        )

    async def resume(self, account: str, limit: int, provenance: Provenance) -> list[str]:
        """Let mails of an account that is in use again be released at their time. Raises StoreUnavailable."""
        rows = await self._store.read(lambda reader: reader.all(_SUSPENDED, (account, limit)))
        queue_ids = [queue_id for (queue_id,) in rows]
        return await self._change(
            queue_ids, lambda queue_id: SubmissionResumed(queue_id, account), provenance, only_if=1
        )

    async def _change(
        self, queue_ids: Sequence[str], change: _Change, provenance: Provenance, *, only_if: int | None = None
    ) -> list[str]:
        """Append an event for each of those that still wait; with `only_if`, that are (1) or are not (0) suspended."""

        def work(transaction: Transaction) -> list[str]:
            rows = [(queue_id, transaction.first_row(_IS_WAITING, (queue_id,))) for queue_id in queue_ids]
            changed = [queue_id for queue_id, row in rows if row is not None and only_if in (None, row[0])]
            for queue_id in changed:
                by = Provenance(provenance.actor, provenance.cause, queue_id, provenance.command)
                transaction.append(queue_id, [change(queue_id)], by)
            return changed

        return await self._store.write(work)

    async def page(self, selection: WaitingSelection, after: str, limit: int) -> list[WaitingRow]:
        """Those that fit, oldest first, behind the queue id `after`. Raises StoreUnavailable."""
        condition, parameters = selection.condition()
        sql = f"{_ROWS} AND {condition} ORDER BY queue_id LIMIT ?"
        rows = await self._store.read_long(lambda reader: reader.all(sql, (after, *parameters, limit)))
        return [WaitingRow._make((*row[:-2], bool(row[-2]), bool(row[-1]))) for row in rows]
