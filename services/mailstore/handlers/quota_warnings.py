"""Warns the owners of accounts that use much of their quota, once each time that a warning is reached.

What an account uses is compared in the unit of work that changes it, so that no two changes miss or repeat a warning.
"""

from __future__ import annotations

from services.mailstore.domain.quota import QuotaLimits, Usage, warning_after
from services.mailstore.handlers import load
from shared.events.quota import QuotaEased, QuotaWarned
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

_WARNING = "SELECT percent, report, limit_bytes, limit_messages FROM quota_warning WHERE account = ?"
_PAGE = 1000


def note_growth(tx: Transaction, account: str, limits: QuotaLimits, used: Usage, ids: Ids, by: Provenance) -> None:
    """Append what a larger use changes about the warning of an account. Nothing is read when it has no limit."""
    if not limits.is_set:
        return
    row = tx.first_row(_WARNING, (account,))
    previous = row[0] if row is not None else 0
    percent = warning_after(previous, limits.percent(used))
    if percent > previous:
        report = ids.new(IdKind.QUEUE)
        _append(tx, QuotaWarned(account, percent, report, *used, limits.octets, limits.messages), account, by)
    elif percent < previous:
        _append(tx, QuotaEased(account, percent), account, by)


def note_decrease(tx: Transaction, account: str, by: Provenance) -> None:
    """Append what a smaller use changes about the warning of an account, with the limits of the warning."""
    row = tx.first_row(_WARNING, (account,))
    if row is None:
        return
    previous, _, octets, messages = row
    percent = warning_after(previous, QuotaLimits(octets, messages).percent(load.used(tx, account)))
    if percent < previous:
        _append(tx, QuotaEased(account, percent), account, by)


def is_notification(reader: Reader, account: str, queue_id: str) -> bool:
    """Whether a mail is the notification of the account's own warning, which no quota refuses."""
    row = reader.first_row(_WARNING, (account,))
    return row is not None and row[1] == queue_id


def nearly_full(reader: Reader, after: str) -> list[str]:
    """A page of the accounts with a warning, by id."""
    sql = "SELECT account FROM quota_warning WHERE account > ? ORDER BY account LIMIT ?"
    return [account for (account,) in reader.all(sql, (after, _PAGE))]


def _append(tx: Transaction, event: Event, account: str, by: Provenance) -> None:
    """Append without the command's id, by which a repeated command finds its own events."""
    tx.append(account, [event], Provenance(by.actor, by.cause, by.correlation))
