"""Commands: each method is the body of a unit of work.

A command id that was already carried out gets the same answer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.directory.domain import decide, names
from services.directory.domain.state import AccountState, DirectoryRefused, GivenLimits, UserState
from services.directory.handlers import load, load_groups
from shared.events.groups import GroupLeft
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

OWNER = "directory"
"""The owner of all configuration events, so that they are in one shard and in one order.

So followers see the removal of an address before it is added again."""


class AccountOwner(NamedTuple):
    """The name of the user or of the group to whom an account is to belong; the other one is empty."""

    user: str = ""
    group: str = ""


class DirectoryCommands:
    """Commands on users and accounts."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def add_user(self, tx: Transaction, name: str, password_hash: str, provenance: Provenance) -> UserState:
        """Add a user."""
        name = names.user_name(name)
        if not tx.answered(provenance.command):
            user = self._ids.new(IdKind.USER)
            append(tx, f"user:{user}", decide.add_user(load.user(tx, name), user, name, password_hash), provenance)
        return _user(tx, name)

    def change_user(
        self, tx: Transaction, name: str, password_hash: str | None, disabled: bool | None, provenance: Provenance
    ) -> UserState:
        """Change a user's password, or disable or enable the user."""
        if not tx.answered(provenance.command):
            user = _user(tx, name)
            append(tx, f"user:{user.id}", decide.change_user(user, password_hash, disabled), provenance)
        return _user(tx, name)

    def remove_user(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a user; returns the name."""
        if not tx.answered(provenance.command):
            user = _user(tx, name)
            removed = decide.remove_user(user)
            for group, _ in load_groups.groups_of(tx, user.id):
                append(tx, f"group:{group}", [GroupLeft(group, user.id)], provenance)
            append(tx, f"user:{user.id}", removed, provenance)
            return user.name
        return name

    def add_account(
        self, tx: Transaction, text: str, owner: AccountOwner, limits: GivenLimits, provenance: Provenance
    ) -> AccountState:
        """Add an account. A limit that is not given is the default of its domain."""
        address = names.account_address(text)
        if not tx.answered(provenance.command):
            account, owner_id = self._ids.new(IdKind.ACCOUNT), _owner_id(tx, owner)
            ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
            whole = limits.or_else(load.default_limits(tx, address.domain))
            events = decide.add_account(holder, ours, owner_id, account, address, whole)
            append(tx, f"account:{account}", events, provenance)
        return _account(tx, str(address))

    def change_account(
        self, tx: Transaction, name: str, disabled: bool | None, limits: GivenLimits, provenance: Provenance
    ) -> AccountState:
        """Disable or enable an account, or change its quota."""
        account = _account(tx, name)
        append(tx, f"account:{account.id}", decide.change_account(account, disabled, limits), provenance)
        return _account(tx, name)


def append(tx: Transaction, stream: str, events: Sequence[Event], provenance: Provenance) -> None:
    """Append events of the directory."""
    tx.append(stream, events, provenance, owner=OWNER)


def user_id(tx: Reader, name: str) -> str:
    """The id of an existing user. Raises DirectoryRefused."""
    if not name:
        raise DirectoryRefused("invalid", "which user? Give a name: `mailfold user list` shows them")
    return load.existing("user", name, load.user_id(tx, name))


def _owner_id(tx: Transaction, owner: AccountOwner) -> str:
    if owner.user and owner.group:
        raise DirectoryRefused("invalid", "an account belongs to a user or to a group: give one of them")
    return load_groups.group_id(tx, owner.group) if owner.group else user_id(tx, owner.user)


def _user(tx: Transaction, name: str) -> UserState:
    return load.existing("user", name, load.user(tx, name))


def _account(tx: Transaction, name: str) -> AccountState:
    return load.existing("account", name, load.account(tx, name))
