"""Loads the moderation of lists."""

from __future__ import annotations

from services.directory.domain.moderators import Moderate, ModerationState
from services.directory.domain.names import key_of
from services.directory.handlers import load
from shared.events.moderation import ListModerationSet
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event

BOOK_SQL = (
    "SELECT list, moderate, most_posts, most_bytes, days FROM moderated_list WHERE list > ? ORDER BY list LIMIT ?"
)
"""The moderated lists as the address book needs them, a page at a time, after the lists themselves."""
_OPENED = (
    "SELECT address FROM account WHERE person = ? OR person IN (SELECT user_group FROM group_member WHERE person = ?)"
    " ORDER BY address"
)


def book_rows(row: Row) -> list[Event]:
    """The event that would set the moderation in the address book."""
    return [ListModerationSet(*row)]


def moderation(reader: Reader, identity: str) -> ModerationState:
    """The moderation of the list with this id."""
    sql = "SELECT moderate, most_posts, most_bytes, days FROM moderated_list WHERE list = ?"
    row = reader.first_row(sql, (identity,))
    rows = reader.all("SELECT address FROM list_moderator WHERE list = ? ORDER BY place", (identity,))
    moderators = tuple(address for (address,) in rows)
    if row is None:
        return ModerationState(identity, moderators=moderators)
    moderate, most_posts, most_bytes, days = row
    return ModerationState(identity, Moderate(moderate), moderators, most_posts, most_bytes, days)


def moderating_users(reader: Reader, name: str) -> frozenset[str]:
    """The ids of the users who moderate the list with this address or id by an own account or by one of a group."""
    row = reader.first_row("SELECT id FROM mailing_list WHERE key = ? OR id = ?", (key_of(name), name))
    if row is None:
        return frozenset()
    accounts = (load.account(reader, address) for address in moderation(reader, row[0]).moderators)
    users = set[str]()
    for account in accounts:
        if account is not None and not account.disabled:
            members = reader.all("SELECT person FROM group_member WHERE user_group = ?", (account.user,))
            users |= {account.user, *(person for (person,) in members)}
    return frozenset(users)


def own_addresses(reader: Reader, user: str) -> list[str]:
    """The addresses of the accounts of a user, and of those of the user's groups."""
    return [address for (address,) in reader.all(_OPENED, (user, user))]


def is_active_account(reader: Reader, address: str) -> bool:
    """Whether there is an account with this address that is in use; that of a group has no user."""
    account = load.account(reader, address)
    if account is None or account.disabled:
        return False
    return bool(account.group_name) or is_active_user(reader, account.user)


def is_active_user(reader: Reader, user: str) -> bool:
    """Whether there is a user with this id who is not disabled."""
    row = reader.first_row("SELECT disabled FROM person WHERE id = ?", (user,))
    return row is not None and not row[0]
