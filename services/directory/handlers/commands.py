"""Commands: each method is the body of a unit of work.

A command id that was already carried out gets the same answer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.directory.domain import decide, dkim, names
from services.directory.domain.dkim import NewDkimKey
from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, DomainState, UserState
from services.directory.handlers import load
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address

OWNER = "directory"
"""The owner of all configuration events, so that they are in one shard and in one order.

So followers see the removal of an address before it is added again."""


class NewDomain(NamedTuple):
    """The id and the DKIM keys of a domain that is to be added."""

    id: str
    keys: tuple[NewDkimKey, ...]


class DirectoryCommands:
    """Commands on domains, users, accounts and aliases."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def add_domain(
        self, tx: Transaction, name: str, incoming: bool, new: NewDomain, provenance: Provenance
    ) -> DomainState:
        """Add a domain with its DKIM keys."""
        name = names.domain_name(name)
        if not tx.answered(provenance.command):
            events = decide.add_domain(load.domain(tx, name), new.id, name, incoming)
            _append(tx, f"domain:{new.id}", events + dkim.add_keys((), new.keys, new.id), provenance)
        return _domain(tx, name)

    def change_domain(
        self, tx: Transaction, name: str, incoming: bool | None, disabled: bool | None, provenance: Provenance
    ) -> DomainState:
        """Change a domain; no event is written when nothing changes."""
        domain = _domain(tx, name)
        _append(tx, f"domain:{domain.id}", decide.change_domain(domain, incoming, disabled), provenance)
        return _domain(tx, name)

    def remove_domain(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a domain; returns its name."""
        if not tx.answered(provenance.command):
            domain = _domain(tx, name)
            _append(tx, f"domain:{domain.id}", decide.remove_domain(domain), provenance)
            return domain.name
        return name

    def add_user(self, tx: Transaction, name: str, password_hash: str, provenance: Provenance) -> UserState:
        """Add a user."""
        name = names.user_name(name)
        if not tx.answered(provenance.command):
            user = self._ids.new(IdKind.USER)
            _append(tx, f"user:{user}", decide.add_user(load.user(tx, name), user, name, password_hash), provenance)
        return _user(tx, name)

    def change_user(
        self, tx: Transaction, name: str, password_hash: str | None, disabled: bool | None, provenance: Provenance
    ) -> UserState:
        """Change a user's password, or disable or enable the user."""
        if not tx.answered(provenance.command):
            user = _user(tx, name)
            _append(tx, f"user:{user.id}", decide.change_user(user, password_hash, disabled), provenance)
        return _user(tx, name)

    def remove_user(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a user; returns the name."""
        if not tx.answered(provenance.command):
            user = _user(tx, name)
            _append(tx, f"user:{user.id}", decide.remove_user(user), provenance)
            return user.name
        return name

    def add_account(
        self, tx: Transaction, text: str, user_name: str, quota_bytes: int, provenance: Provenance
    ) -> AccountState:
        """Add an account."""
        address = names.account_address(text)
        if not tx.answered(provenance.command):
            account, user = self._ids.new(IdKind.ACCOUNT), _user_id(tx, user_name)
            ours, taken = load.has_domain(tx, address.domain), load.is_taken(tx, lookup_key(address))
            _append(
                tx,
                f"account:{account}",
                decide.add_account(taken, ours, user, account, address, quota_bytes),
                provenance,
            )
        return _account(tx, str(address))

    def change_account(
        self, tx: Transaction, name: str, disabled: bool | None, quota_bytes: int | None, provenance: Provenance
    ) -> AccountState:
        """Disable or enable an account, or change its quota."""
        account = _account(tx, name)
        _append(tx, f"account:{account.id}", decide.change_account(account, disabled, quota_bytes), provenance)
        return _account(tx, name)

    def remove_account(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove an account; returns its address."""
        if not tx.answered(provenance.command):
            account = _account(tx, name)
            _append(tx, f"account:{account.id}", decide.remove_account(account), provenance)
            return account.address
        return name

    def add_alias(self, tx: Transaction, text: str, targets: Sequence[str], provenance: Provenance) -> AliasState:
        """Add an alias for exactly one address."""
        address, ends = names.alias_address(text), names.alias_targets(tuple(targets))
        if not tx.answered(provenance.command):
            ours, taken = load.has_domain(tx, address.domain), load.is_taken(tx, lookup_key(address))
            known = lambda target: _is_known(tx, target)  # noqa: E731
            events = decide.add_alias(taken, ours, address, ends, known, lambda key: load.targets_of(tx, key))
            _append(tx, f"alias:{lookup_key(address)}", events, provenance)
        return _alias(tx, str(address))

    def change_alias(self, tx: Transaction, address: str, disabled: bool | None, provenance: Provenance) -> AliasState:
        """Disable or enable an alias."""
        alias = _alias(tx, address)
        _append(tx, f"alias:{names.key_of(alias.address)}", decide.switch_alias(alias, disabled), provenance)
        return _alias(tx, address)

    def remove_alias(self, tx: Transaction, address: str, provenance: Provenance) -> str:
        """Remove an alias; returns its address."""
        if not tx.answered(provenance.command):
            alias = _alias(tx, address)
            _append(tx, f"alias:{names.key_of(alias.address)}", decide.remove_alias(alias), provenance)
            return alias.address
        return address


def _append(tx: Transaction, stream: str, events: list[Event], provenance: Provenance) -> None:
    tx.append(stream, events, provenance, owner=OWNER)


def _is_known(tx: Transaction, target: Address) -> bool:
    """Whether an alias may have this target.

    It may be an address of another server, or one that exists here, with or without a tag.
    """
    if not load.has_domain(tx, target.domain):
        return True
    return load.is_taken(tx, lookup_key(target)) or load.is_taken(tx, lookup_key(without_subaddress(target)[0]))


def _domain(tx: Transaction, name: str) -> DomainState:
    return load.existing("domain", name, load.domain(tx, name))


def _user_id(tx: Transaction, name: str) -> str:
    if not name:
        raise DirectoryRefused("invalid", "which user? Give a name: `mailfold user list` shows them")
    return load.existing("user", name, load.user_id(tx, name))


def _user(tx: Transaction, name: str) -> UserState:
    return load.existing("user", name, load.user(tx, name))


def _account(tx: Transaction, name: str) -> AccountState:
    return load.existing("account", name, load.account(tx, name))


def _alias(tx: Transaction, address: str) -> AliasState:
    return load.existing("alias", address, load.alias(tx, address))
