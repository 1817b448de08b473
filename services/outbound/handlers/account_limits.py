"""Holds what an account sends above its limits, until there is room (or until an operator releases it)."""

from __future__ import annotations

from services.outbound.domain.sending_limits import DAY, Counted, LimitExceeded, SendingLimits, exceeded
from services.outbound.projections.sent import recipient_key
from shared.clock import Clock
from shared.events.outbound import OutboundHeld, OutboundLimitExceeded, OutboundQueued
from shared.eventstore.event import Event
from shared.eventstore.transaction import Transaction

# Each walks the index as far as the limit and no further, however much the account submits.
_NTH_MAIL = (
    "SELECT counts_at FROM sent_mail WHERE account = ? AND counts_at > ? AND queue_id <> ? "
    "ORDER BY counts_at DESC LIMIT 1 OFFSET ?"
)
_NTH_RECIPIENT = (
    "SELECT counts_at FROM sent_entry WHERE account = ? AND counts_at > ? ORDER BY counts_at DESC LIMIT 1 OFFSET ?"
)
_IS_KNOWN = "SELECT 1 FROM known_recipient WHERE account = ? AND recipient = ?"
_IS_HELD = "SELECT 1 FROM limit_held WHERE account = ? LIMIT 1"
_NOTICED = "SELECT at FROM limit_notice WHERE account = ?"
_NTH_NEW_RECIPIENT = (
    "SELECT counts_at FROM sent_entry WHERE account = ? AND is_new = 1 AND counts_at > ? "
    "ORDER BY counts_at DESC LIMIT 1 OFFSET ?"
)


class AccountLimits:
    """Applies the limits at the moment a copy is enqueued."""

    def __init__(self, limits: SendingLimits, clock: Clock, *, releases: bool) -> None:
        """`releases`: held mail is released by itself when the window has room."""
        self._limits = limits
        self._clock = clock
        self._releases = releases

    def hold_of(self, transaction: Transaction, queued: OutboundQueued, now: int) -> OutboundHeld | None:
        """The event that holds a copy above a limit; None within all limits. Only submitted mail is counted."""
        if not queued.account or not self._limits.has_any:
            return None
        surplus = self._mails(transaction, queued, now) or self._new_recipients(transaction, queued, now)
        if surplus is None:
            return None
        until = surplus.until if self._releases else 0
        return OutboundHeld(queued.entry, queued.queue_id, surplus.reason, until, queued.account)

    def crossing_of(self, transaction: Transaction, queued: OutboundQueued, hold: OutboundHeld) -> Event | None:
        """The event by which the owner is notified: of the first entry that a limit holds, and not twice in a day."""
        if not (hold.account and queued.reverse_path):
            return None
        if transaction.first_row(_IS_HELD, (hold.account,)) is not None:
            return None
        row = transaction.first_row(_NOTICED, (hold.account,))
        if row is not None and row[0] > self._clock.now() - DAY:
            return None
        return OutboundLimitExceeded(
            hold.account, queued.queue_id, queued.reverse_path, queued.sending_domain, hold.reason
        )

    def _mails(self, transaction: Transaction, queued: OutboundQueued, now: int) -> LimitExceeded | None:
        def nth_newest(counted: Counted, after: int, number: int) -> int | None:
            if counted is Counted.OTHER_MAILS:
                row = transaction.first_row(_NTH_MAIL, (queued.account, after, queued.queue_id, number))
            else:
                row = transaction.first_row(_NTH_RECIPIENT, (queued.account, after, number))
            return row[0] if row is not None else None

        return exceeded(self._limits, nth_newest, now)

    def is_new_recipient(self, transaction: Transaction, copy: OutboundQueued) -> bool:
        """Whether the account is not known to have written to the recipient; False where nothing limits that."""
        if not copy.account or not self._limits.new_recipients_a_day:
            return False
        person = (copy.account, recipient_key(copy.forward_path))
        return transaction.first_row(_IS_KNOWN, person) is None

    def _new_recipients(self, transaction: Transaction, queued: OutboundQueued, now: int) -> LimitExceeded | None:
        limit = self._limits.new_recipients_a_day
        if not queued.is_new_recipient:
            return None
        row = transaction.first_row(_NTH_NEW_RECIPIENT, (queued.account, now - DAY, limit - 1))
        if row is None:
            return None
        return LimitExceeded(f"the account writes to more than {limit} new recipients a day", row[0] + DAY)
