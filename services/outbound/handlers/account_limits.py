"""Holds what an account sends above its limits, until there is room (or until an operator releases it)."""

from __future__ import annotations

from services.outbound.domain.sending_limits import DAY, CountedMail, LimitExceeded, SendingLimits, exceeded
from services.outbound.projections.sent import recipient_key
from shared.events.outbound import OutboundHeld, OutboundQueued
from shared.eventstore.transaction import Transaction

_MAILS = "SELECT at, recipients, queue_id FROM sent_mail WHERE account = ? AND at > ? ORDER BY at"
_IS_KNOWN = "SELECT 1 FROM known_recipient WHERE account = ? AND recipient = ?"
_MET = "SELECT at FROM known_recipient WHERE account = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?"


class AccountLimits:
    """Applies the limits at the moment a copy is enqueued."""

    def __init__(self, limits: SendingLimits, *, releases: bool) -> None:
        """`releases`: held mail is released by itself when the window has room."""
        self._limits = limits
        self._releases = releases

    def hold_of(self, transaction: Transaction, queued: OutboundQueued, now: int) -> OutboundHeld | None:
        """The event that holds a copy above a limit; None within all limits. Only submitted mail is counted."""
        if not queued.account or not self._limits.has_any:
            return None
        surplus = self._mails(transaction, queued, now) or self._new_recipients(transaction, queued, now)
        if surplus is None:
            return None
        return OutboundHeld(queued.entry, queued.queue_id, surplus.reason, surplus.until if self._releases else 0)

    def _mails(self, transaction: Transaction, queued: OutboundQueued, now: int) -> LimitExceeded | None:
        rows = transaction.all(_MAILS, (queued.account, now - DAY))
        own = next((row for row in rows if row[2] == queued.queue_id), None)
        if own is not None and own[0] > now:
            return LimitExceeded("other recipients of the same mail exceed a limit", own[0])
        others = [CountedMail(row[0], row[1]) for row in rows if row[2] != queued.queue_id]
        return exceeded(self._limits, others, own[1] if own is not None else 0, now)

    def _new_recipients(self, transaction: Transaction, queued: OutboundQueued, now: int) -> LimitExceeded | None:
        limit = self._limits.new_recipients_a_day
        person = (queued.account, recipient_key(queued.forward_path))
        if not limit or transaction.first_row(_IS_KNOWN, person) is not None:
            return None
        row = transaction.first_row(_MET, (queued.account, now - DAY, limit - 1))
        if row is None:
            return None
        return LimitExceeded(f"the account writes to more than {limit} new recipients a day", row[0] + DAY)
