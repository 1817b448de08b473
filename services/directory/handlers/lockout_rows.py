"""Loads the lockouts in force and the networks that accounts know, and records them."""

from __future__ import annotations

from collections.abc import Iterable

from services.directory.domain.lockouts import Lockout, LockoutNotes
from services.directory.handlers.commands import append
from shared.clock import Clock
from shared.events.lockouts import (
    LockoutEnded,
    LockoutLifted,
    LockoutStarted,
    LockoutsUncounted,
    LoginNetworkKnown,
)
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.transaction import Transaction

STREAM = "lockouts"
AGAIN_AFTER = 86_400_000_000
"""Microseconds after which it is recorded again that an account knows a network."""
_NAMES = "SELECT id, key FROM account UNION ALL SELECT id, key FROM application"
_OPEN = (
    "SELECT kind, named.key, network, protocol, mistakes, since, until, lockout.account FROM lockout"  # noqa: S608
    f" LEFT JOIN ({_NAMES}) named ON named.id = lockout.account ORDER BY since"
)
_KEYED = "SELECT id FROM account WHERE key = ? UNION ALL SELECT id FROM application WHERE key = ?"
_SEEN = "SELECT seen_at FROM known_network WHERE account = ? AND network = ?"
_ITSELF = Provenance(Actor("system", id="lockouts"))


class WallTimes:
    """Converts between seconds of the clock that never goes back and UTC microseconds."""

    def __init__(self, clock: Clock) -> None:
        self._now, self._monotonic = clock.now(), clock.monotonic()

    def at(self, seconds: float) -> int:
        """The time in UTC microseconds."""
        return self._now + round((seconds - self._monotonic) * 1_000_000)

    def seconds(self, at: int) -> float:
        """The time in seconds."""
        return self._monotonic + (at - self._now) / 1_000_000


def open_lockouts(reader: Reader, times: WallTimes) -> list[Lockout]:
    """The lockouts that were recorded and have not ended, the oldest first."""
    return [
        Lockout(kind, key or "", network, protocol, mistakes, times.seconds(since), times.seconds(until))
        for kind, key, network, protocol, mistakes, since, until, account in reader.all(_OPEN)
        if key is not None or not account
    ]


def knows_network(reader: Reader, key: str, network: str, since: int) -> bool:
    """Whether somebody logged in to the account with this lookup key from the network since then."""
    account = account_id(reader, key)
    row = reader.first_row(_SEEN, (account, network)) if account else None
    return row is not None and row[0] >= since


def last_login_at(reader: Reader, account: str) -> int:
    """When somebody logged in to the account, to the day, in UTC microseconds; 0: never."""
    row = reader.first_row("SELECT max(seen_at) FROM known_network WHERE account = ?", (account,))
    return row[0] or 0 if row else 0


def account_id(reader: Reader, key: str) -> str:
    """The id of the account or application with this lookup key; empty when there is none."""
    row = reader.first_row(_KEYED, (key, key)) if key else None
    return str(row[0]) if row else ""


def record_notes(tx: Transaction, notes: LockoutNotes, times: WallTimes) -> None:
    """Record what began and ended; of an account that has been removed meanwhile nothing."""
    events: list[Event] = []
    for lockout in notes.begun:
        account = account_id(tx, lockout.account)
        if account or not lockout.account:
            kind, network, protocol = lockout.kind, lockout.network, lockout.protocol
            events.append(LockoutStarted(kind, account, network, protocol, lockout.mistakes, times.at(lockout.until)))
    for lockout, reason in notes.ended:
        account = account_id(tx, lockout.account)
        if account or not lockout.account:
            events.append(LockoutEnded(lockout.kind, account, lockout.network, reason))
    if notes.uncounted:
        events.append(LockoutsUncounted(notes.uncounted))
    append(tx, STREAM, events, _ITSELF)


def record_lifted(tx: Transaction, lockouts: Iterable[Lockout], provenance: Provenance) -> None:
    """Record that lockouts were lifted."""
    events = [LockoutLifted(entry.kind, account_id(tx, entry.account), entry.network) for entry in lockouts]
    append(tx, STREAM, events, provenance)


def record_known_networks(tx: Transaction, seen: Iterable[tuple[str, str]], now: int) -> None:
    """Record from which networks somebody logged in to accounts, by id, but not more than once a day."""
    for account, network in seen:
        row = tx.first_row(_SEEN, (account, network))
        if (row is None or now - row[0] >= AGAIN_AFTER) and tx.first_row(_EXISTS, (account, account)):
            append(tx, f"known-networks:{account}", [LoginNetworkKnown(account, network)], _ITSELF)


_EXISTS = "SELECT 1 FROM account WHERE id = ? UNION ALL SELECT 1 FROM application WHERE id = ?"
