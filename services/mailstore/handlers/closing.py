"""Follows which accounts the directory removes and restores."""

from __future__ import annotations

from services.mailstore.domain import closing
from services.mailstore.handlers import load
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.transaction import Transaction

CURSOR = "closing"
AREAS = ("account.archived", "account.restored", "account.deleted")


def close_or_reopen(tx: Transaction, recorded: Recorded) -> None:
    """Close or reopen the account that an event of the directory is about."""
    account = recorded.stream.removeprefix("account:")
    provenance = Provenance(recorded.provenance.actor, recorded.provenance.cause)
    tx.append(account, closing.follow(load.closing_of(tx, account), recorded.event), provenance)
