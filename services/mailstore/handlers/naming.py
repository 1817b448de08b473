"""What CREATE, DELETE and RENAME look at: names, and which mailbox had them. The work of a CREATE does not grow with
the account."""

from __future__ import annotations

from collections.abc import Iterable

from services.mailstore.domain.state import MailboxPlace, Tree
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.protocol.imap.mailbox_name import SEPARATOR, ancestors, canonical_name

_UID_VALIDITY_EPOCH = 1_500_000_000
_BELOW = "substr(name, 1, ?) = ?"
"""A prefix of the name. A range of names would depend on the database's collation, and LIKE on its case."""


def next_uid_validity(reader: Reader, clock: Clock) -> int:
    """Above every UIDVALIDITY of this store, so that none repeats, and near the clock's seconds, so that a mailbox of
    an account that was removed and made anew does not repeat either (RFC 3501 §2.3.1.1)."""
    row = reader.first_row("SELECT max(uid_validity) FROM borne_name")
    highest = int(row[0] or 0) if row else 0
    return max(clock.now() // 1_000_000 - _UID_VALIDITY_EPOCH, highest + 1)


def place(reader: Reader, account: str, name: str, use: str) -> MailboxPlace:
    """Where a mailbox of this name and special use would be made."""
    names = [*ancestors(canonical_name(name)), canonical_name(name)]
    taken = (
        reader.first_row("SELECT 1 FROM mailbox WHERE account = ? AND special_use = ? LIMIT 1", (account, use))
        if use
        else None
    )
    return MailboxPlace(_existing(reader, account, names), _total(reader, account), taken is not None)


def tree(reader: Reader, account: str, name: str, new_name: str) -> Tree:
    """A mailbox, its inferiors, and what a new name meets."""
    name, new_name = canonical_name(name), canonical_name(new_name)
    below = new_name + SEPARATOR
    at_or_below = (
        f"SELECT name, id, uid_validity FROM mailbox WHERE account = ? AND (name = ? OR {_BELOW}) ORDER BY name"  # noqa: S608
    )
    moved = reader.all(at_or_below, (account, name, len(name) + 1, name + SEPARATOR))
    there = reader.all(at_or_below, (account, new_name, len(below), below))
    existing = {row[0] for row in there} | _existing(reader, account, ancestors(new_name))
    return Tree(
        tuple(sorted(moved, key=lambda row: row[0] != name)),
        frozenset(existing),
        _total(reader, account),
        _borne(reader, account, new_name, below),
    )


def subscribed(reader: Reader, account: str, name: str) -> bool:
    """Whether the account is subscribed to a name."""
    return reader.first_row("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, name)) is not None


def subscriptions(reader: Reader, account: str) -> int:
    """How many names the account is subscribed to."""
    row = reader.first_row("SELECT count(*) FROM subscription WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def _existing(reader: Reader, account: str, names: Iterable[str]) -> frozenset[str]:
    sql = "SELECT 1 FROM mailbox WHERE account = ? AND name = ?"
    return frozenset(name for name in names if reader.first_row(sql, (account, name)) is not None)


def _total(reader: Reader, account: str) -> int:
    row = reader.first_row("SELECT count(*) FROM mailbox WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def _borne(reader: Reader, account: str, name: str, below: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """By name, at and below a name: the mailboxes that have or had it, as (id, UIDVALIDITY)."""
    sql = f"SELECT name, mailbox, uid_validity FROM borne_name WHERE account = ? AND (name = ? OR {_BELOW})"  # noqa: S608
    borne: dict[str, tuple[tuple[str, int], ...]] = {}
    for bearer, mailbox, validity in reader.all(sql, (account, name, len(below), below)):
        borne[bearer] = (*borne.get(bearer, ()), (mailbox, validity))
    return borne
