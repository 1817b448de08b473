"""Loads what CREATE, DELETE and RENAME need: names, and the mailboxes that had them.

The work of a CREATE does not grow with the account.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.mailstore.domain.state import MailboxPlace, NamedMailbox, Tree
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.protocol.imap.mailbox_name import SEPARATOR, ancestors, canonical_name

_UID_VALIDITY_EPOCH = 1_500_000_000
_BELOW = "substr(name, 1, ?) = ?"
"""Names that begin with a prefix. A range of names would depend on the database's collation, and LIKE on its case
rules."""


def next_uid_validity(reader: Reader, clock: Clock) -> int:
    """A UIDVALIDITY above all in this store and at least the clock's seconds (RFC 3501 §2.3.1.1).

    So no number is used twice, even when an account is removed and created again.
    """
    row = reader.first_row("SELECT max(uid_validity) FROM borne_name")
    highest = int(row[0] or 0) if row else 0
    return max(clock.now() // 1_000_000 - _UID_VALIDITY_EPOCH, highest + 1)


def place(reader: Reader, account: str, name: str, use: str) -> MailboxPlace:
    """The surroundings of a mailbox of this name and special use."""
    names = [*ancestors(canonical_name(name)), canonical_name(name)]
    taken = (
        reader.first_row("SELECT 1 FROM mailbox WHERE account = ? AND special_use = ? LIMIT 1", (account, use))
        if use
        else None
    )
    return MailboxPlace(_existing(reader, account, names), _total(reader, account), taken is not None)


def tree(reader: Reader, account: str, name: str, new_name: str) -> Tree:
    """A mailbox with its inferiors, and the mailboxes near its new name."""
    name, new_name = canonical_name(name), canonical_name(new_name)
    below = new_name + SEPARATOR
    at_or_below = (
        f"SELECT name, id, uid_validity FROM mailbox WHERE account = ? AND (name = ? OR {_BELOW}) ORDER BY name"  # noqa: S608
    )
    moved = map(NamedMailbox._make, reader.all(at_or_below, (account, name, len(name) + 1, name + SEPARATOR)))
    there = map(NamedMailbox._make, reader.all(at_or_below, (account, new_name, len(below), below)))
    existing = {mailbox.name for mailbox in there} | _existing(reader, account, ancestors(new_name))
    return Tree(
        tuple(sorted(moved, key=lambda mailbox: mailbox.name != name)),
        frozenset(existing),
        _total(reader, account),
        _former(reader, account, new_name, below),
    )


def subscribed(reader: Reader, account: str, name: str) -> bool:
    """Whether the account is subscribed to a name."""
    return reader.first_row("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, name)) is not None


def subscriptions(reader: Reader, account: str) -> int:
    """The number of names to which the account is subscribed."""
    row = reader.first_row("SELECT count(*) FROM subscription WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def _existing(reader: Reader, account: str, names: Iterable[str]) -> frozenset[str]:
    sql = "SELECT 1 FROM mailbox WHERE account = ? AND name = ?"
    return frozenset(name for name in names if reader.first_row(sql, (account, name)) is not None)


def _total(reader: Reader, account: str) -> int:
    row = reader.first_row("SELECT count(*) FROM mailbox WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def _former(reader: Reader, account: str, name: str, below: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """For each name at and below `name` the mailboxes that have it or had it, as (id, UIDVALIDITY)."""
    sql = f"SELECT name, mailbox, uid_validity FROM borne_name WHERE account = ? AND (name = ? OR {_BELOW})"  # noqa: S608
    former: dict[str, tuple[tuple[str, int], ...]] = {}
    for former_name, mailbox, validity in reader.all(sql, (account, name, len(below), below)):
        former[former_name] = (*former.get(former_name, ()), (mailbox, validity))
    return former
