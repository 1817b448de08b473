"""Domains, accounts and aliases from the directory's events."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, MutableMapping
from typing import Literal

import msgspec

from shared.events import directory as directory_events
from shared.events.account_limits import AccountSizeLimitChanged
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.domain_values import DomainRules, rules_of
from shared.routing.known_applications import ApplicationEvent, KnownApplications
from shared.routing.known_groups import GROUP_EVENTS, KnownGroups
from shared.routing.known_lists import KnownLists
from shared.routing.packed_names import KnownName, packed_names, packed_texts
from shared.routing.wildcards import WILDCARD, Wildcards

AliasKind = Literal["exact", "wildcard", "catch-all"]
_DomainEvent = (
    directory_events.DomainAdded
    | directory_events.DomainChanged
    | directory_events.DomainRemoved
    | directory_events.DomainAliased
    | directory_events.DomainValueChanged
)
_AccountEvent = (
    directory_events.AccountAdded
    | directory_events.AccountChanged
    | directory_events.AccountMessageQuotaChanged
    | directory_events.AccountRemoved
    | AccountSizeLimitChanged
)
_AliasEvent = directory_events.AliasAdded | directory_events.AliasRemoved
_AliasChange = (
    directory_events.AliasSwitched
    | directory_events.AliasTargetsChanged
    | directory_events.AliasEndChanged
    | directory_events.AliasEnded
    | directory_events.AliasOwnersChanged
)

_BETWEEN_KEYS = "\x1f"
"""A control character, which no address has."""
_MOST_LOOKS = 10
"""Accounts of a member of a group, among which the first that is in use is looked for."""


class KnownAlias(KnownName, frozen=True, gc=False, array_like=True):
    """An alias, or the catch-all of a domain, whose `address` is a description."""

    targets: tuple[str, ...]
    """Addresses, and groups by their ids (`known_groups.GROUP_TARGET`)."""
    disabled: bool = False
    ended: bool = False
    """Whether the time of a temporary alias is over."""
    owners: tuple[str, ...] = ()
    """The users who may send as it, in place of the user of its single target."""
    kind: AliasKind = "exact"
    """Nobody sends as an alias that stands for more than one address."""

    @property
    def is_in_use(self) -> bool:
        """Whether mail to it goes to its targets."""
        return not self.disabled and not self.ended


class KnownDomain(msgspec.Struct, frozen=True):
    """A domain of ours."""

    id: str
    name: str
    incoming: bool
    disabled: bool = False
    alias_of: str = ""
    """The id of the domain whose addresses are its own."""
    rules: DomainRules = DomainRules()
    catch_all: KnownAlias | None = None


class KnownAccount(KnownName, frozen=True, gc=False, array_like=True):
    """An account."""

    id: str
    user: str
    """The id of the user or group that owns it."""
    quota_bytes: int = 0
    disabled: bool = False
    quota_messages: int = 0
    max_message_size: int = 0
    """Octets of the largest message to or from it; 0: only the limits of its domain and of the server count."""


class KnownNames:
    """Names in memory. Every event must be applied in order; other events are ignored."""

    def __init__(self) -> None:
        self.domains: MutableMapping[str, KnownDomain] = {}
        """Domains by name."""
        self.accounts: MutableMapping[str, KnownAccount] = packed_names(KnownAccount)
        """Accounts by the lookup key of their address."""
        self.aliases: MutableMapping[str, KnownAlias] = packed_names(KnownAlias)
        """Aliases by the lookup key of their address; wildcards too."""
        self.wildcards: MutableMapping[str, Wildcards] = {}
        """The patterns of aliases with wildcards, by the name of their domain."""
        self.applications = KnownApplications()
        self.lists = KnownLists()
        self.groups = KnownGroups()
        self._domain_names: dict[str, str] = {}
        self._domain_values: dict[str, dict[str, str]] = {}
        self._account_keys = packed_texts()
        """The lookup keys of accounts by their ids."""
        self._account_keys_of = packed_texts()
        """The lookup keys of the accounts of each user or group, by the id of the owner."""

    def apply(self, event: Event) -> None:
        """Apply one event."""
        if isinstance(event, _AccountEvent):
            self._apply_account(event)
        elif isinstance(event, _AliasEvent):
            self._apply_alias(event)
        elif isinstance(event, _AliasChange):
            self._change_alias(event)
        elif isinstance(event, _DomainEvent):
            self._apply_domain(event)
        elif isinstance(event, ApplicationEvent):
            self.applications.apply(event)
        elif isinstance(event, GROUP_EVENTS):
            self.groups.apply(event)
        self.lists.apply(event)

    def domain_of(self, name: str) -> KnownDomain | None:
        """The domain whose addresses count for this name: the domain itself, or the one of which it is an alias."""
        domain = self.domains.get(name)
        if domain is None or not domain.alias_of:
            return domain
        return self.domains.get(self._domain_names.get(domain.alias_of, ""), domain)

    def has_account_in(self, user: str, domain: KnownDomain) -> bool:
        """Whether a user has an account in a domain that is not disabled."""
        suffix = f"@{domain.name}"
        keys = self._account_keys_of.get(user, "").split(_BETWEEN_KEYS)
        return any(key.endswith(suffix) and not self.accounts[key].disabled for key in keys)

    def acts_for(self, user: str, owner: str) -> bool:
        """Whether a user is the owner of an account, or a member of the group that is."""
        return user == owner or self.groups.has(owner, user)

    def first_accounts(self, group: str) -> Iterator[KnownAccount]:
        """The oldest account in use of each member of a group; a member without one is left out."""
        for user in self.groups.members(group):
            keys = self._account_keys_of.get(user, "").split(_BETWEEN_KEYS)[:_MOST_LOOKS]
            accounts = [account for key in keys if key and not (account := self.accounts[key]).disabled]
            if accounts:
                yield min(accounts, key=lambda account: account.id)

    def account_with_id(self, identity: str) -> KnownAccount | None:
        """The account with this id."""
        account = self.accounts.get(self._account_keys.get(identity, ""))
        return account if account is not None and account.id == identity else None

    def accounts_of(self, owner: str) -> Iterator[KnownAccount]:
        """The accounts of a user or group, given by id, that are in use."""
        keys = self._account_keys_of.get(owner, "").split(_BETWEEN_KEYS)
        return (account for key in keys if key and not (account := self.accounts[key]).disabled)

    def with_alias(self, alias: KnownAlias) -> KnownNames:
        """The names as they would be with this alias, to try it; they must not be changed."""
        tried = self._copy()
        key = key_of(alias.address)
        tried.aliases = ChainMap({key: alias}, self.aliases)
        if alias.kind == "wildcard":
            localpart, _, domain = key.rpartition("@")
            patterns = self.wildcards.get(domain, Wildcards()).copy()
            patterns.add(localpart)
            tried.wildcards = ChainMap({domain: patterns}, self.wildcards)
        return tried

    def with_catch_all(self, domain: KnownDomain, targets: tuple[str, ...]) -> KnownNames:
        """The names as they would be with this catch-all of a domain, to try it; they must not be changed."""
        tried = self._copy()
        changed = msgspec.structs.replace(domain, catch_all=catch_all_of(domain.name, targets))
        tried.domains = ChainMap({domain.name: changed}, self.domains)
        return tried

    def _copy(self) -> KnownNames:
        copied = KnownNames()
        copied.__dict__.update(self.__dict__)
        return copied

    def _apply_domain(self, event: _DomainEvent) -> None:
        match event:
            case directory_events.DomainAdded(identity, name, incoming):
                self._domain_names[identity] = name
                self.domains[name] = KnownDomain(identity, name, incoming)
            case directory_events.DomainRemoved(identity, name):
                self._domain_names.pop(identity, None)
                self._domain_values.pop(identity, None)
                self.domains.pop(name, None)
            case directory_events.DomainChanged(identity, incoming, disabled):
                self._change_domain(identity, incoming=incoming, disabled=disabled)
            case directory_events.DomainAliased(identity, domain):
                self._change_domain(identity, alias_of=domain)
            case directory_events.DomainValueChanged(identity, name, value):
                self._domain_values.setdefault(identity, {})[name] = value
                rules = rules_of(self._domain_values[identity])
                catch_all = catch_all_of(self._domain_names.get(identity, ""), rules.catch_all)
                self._change_domain(identity, rules=rules, catch_all=catch_all)

    def _change_domain(self, identity: str, **changes: object) -> None:
        name = self._domain_names.get(identity)
        if name is not None:
            self.domains[name] = msgspec.structs.replace(self.domains[name], **changes)

    def _apply_account(self, event: _AccountEvent) -> None:
        match event:
            case directory_events.AccountAdded(identity, address, user, quota_bytes):
                key = key_of(address)
                self._account_keys[identity] = key
                others = self._account_keys_of.get(user, "")
                self._account_keys_of[user] = f"{others}{_BETWEEN_KEYS}{key}" if others else key
                self.accounts[key] = KnownAccount(address, identity, user, quota_bytes)
            case directory_events.AccountChanged(identity, disabled, quota_bytes):
                self._change_account(identity, disabled=disabled, quota_bytes=quota_bytes)
            case directory_events.AccountMessageQuotaChanged(identity, quota_messages):
                self._change_account(identity, quota_messages=quota_messages)
            case AccountSizeLimitChanged(identity, max_message_size):
                self._change_account(identity, max_message_size=max_message_size)
                self.applications.apply(event)
            case directory_events.AccountRemoved(identity, address):
                self._account_keys.pop(identity, None)
                self._forget_account(key_of(address))

    def _change_account(self, identity: str, **changes: object) -> None:
        key = self._account_keys.get(identity, "")
        account = self.accounts.get(key)
        if account is not None and account.id == identity:
            self.accounts[key] = msgspec.structs.replace(account, **changes)

    def _forget_account(self, key: str) -> None:
        account = self.accounts.pop(key, None)
        if account is None:
            return
        keys = self._account_keys_of.get(account.user, "").split(_BETWEEN_KEYS)
        left = _BETWEEN_KEYS.join(other for other in keys if other != key)
        if left:
            self._account_keys_of[account.user] = left
        else:
            self._account_keys_of.pop(account.user, None)

    def _apply_alias(self, event: _AliasEvent) -> None:
        key = key_of(event.address)
        localpart, _, domain = key.rpartition("@")
        match event:
            case directory_events.AliasAdded(address, targets):
                self.aliases[key] = KnownAlias(address, targets, kind=kind_of(address))
                if WILDCARD in localpart:
                    self.wildcards.setdefault(domain, Wildcards()).add(localpart)
            case directory_events.AliasRemoved():
                if self.aliases.pop(key, None) is not None and WILDCARD in localpart:
                    self.wildcards[domain].remove(localpart)

    def _change_alias(self, event: _AliasChange) -> None:
        key = key_of(event.address)
        alias = self.aliases.get(key)
        if alias is None:
            return
        change = msgspec.structs.replace
        match event:
            case directory_events.AliasSwitched(disabled=disabled):
                self.aliases[key] = change(alias, disabled=disabled)
            case directory_events.AliasTargetsChanged(targets=targets):
                self.aliases[key] = change(alias, targets=targets)
            case directory_events.AliasEndChanged():
                self.aliases[key] = change(alias, ended=False)
            case directory_events.AliasEnded():
                self.aliases[key] = change(alias, ended=True)
            case directory_events.AliasOwnersChanged(owners=owners):
                self.aliases[key] = change(alias, owners=owners)


def catch_all_of(domain: str, targets: tuple[str, ...]) -> KnownAlias | None:
    """The catch-all of a domain as an alias; None without targets."""
    return KnownAlias(f"catch-all of {domain}", targets, kind="catch-all") if targets else None


def kind_of(address: str) -> AliasKind:
    """The kind of an alias with this address."""
    return "wildcard" if WILDCARD in address else "exact"


def key_of(address: str) -> str:
    """The lookup key of an address in an event; such addresses are valid."""
    try:
        return lookup_key(parse_address(address))
    except AddressError:
        return address.casefold()
