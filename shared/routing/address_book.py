"""The address book: domains, accounts and aliases from the directory's events, and the resolution of addresses.

The directory, the ingress and delivery apply the same events with this code, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.events import directory as directory_events
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.resolution import Resolution, ResolutionKind, Target

MAX_ALIAS_STEPS = 10
MAX_TARGETS = 1000
_EXPANDED_TARGETS = 20_000
"""Targets of expanded aliases that are cached until the next event. A stranger may name a thousand sub-addresses of one
alias in one mail."""


class KnownDomain(msgspec.Struct, frozen=True):
    """A domain of ours."""

    id: str
    name: str
    incoming: bool
    disabled: bool = False


class KnownAccount(msgspec.Struct, frozen=True):
    """An account."""

    id: str
    address: str
    user: str
    quota_bytes: int
    disabled: bool = False


class KnownAlias(msgspec.Struct, frozen=True):
    """An alias."""

    address: str
    targets: tuple[str, ...]
    disabled: bool = False


class AddressBook:
    """Answers from memory.

    Every event of the directory must be applied in order; events that do not concern the book are ignored.
    """

    def __init__(self) -> None:
        self.domains: dict[str, KnownDomain] = {}
        self.accounts: dict[str, KnownAccount] = {}
        """Accounts by the lookup key of their address."""
        self.aliases: dict[str, KnownAlias] = {}
        self._expanded: dict[str, tuple[Target, ...]] = {}
        """Expanded aliases by their address; cleared by every event that may change one."""
        self._expanded_targets = 0
        self._domain_names: dict[str, str] = {}
        self._account_keys: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        """Apply one event."""
        self._expanded.clear()
        self._expanded_targets = 0
        match event:
            case directory_events.DomainAdded() | directory_events.DomainChanged() | directory_events.DomainRemoved():
                self._apply_domain(event)
            case (
                directory_events.AccountAdded() | directory_events.AccountChanged() | directory_events.AccountRemoved()
            ):
                self._apply_account(event)
            case directory_events.AliasAdded(address, targets):
                self.aliases[key_of(address)] = KnownAlias(address, targets)
            case directory_events.AliasSwitched(address, disabled):
                key = key_of(address)
                if key in self.aliases:
                    self.aliases[key] = msgspec.structs.replace(self.aliases[key], disabled=disabled)
            case directory_events.AliasRemoved(address):
                self.aliases.pop(key_of(address), None)
            case _:
                pass

    def resolve(self, address: Address) -> Resolution:
        """Where mail to this address goes."""
        domain = self.domains.get(address.domain)
        if domain is None:
            return Resolution(ResolutionKind.REMOTE, (Target(str(address)),))
        if domain.disabled:
            return Resolution(ResolutionKind.DISABLED)
        if not domain.incoming:
            return Resolution(ResolutionKind.OUTGOING_ONLY)
        return self._local(address)

    def is_ours(self, address: Address) -> bool:
        """Whether the address is in a domain of ours."""
        return address.domain in self.domains

    def may_send_as(self, user: str, address: Address) -> bool:
        """Whether the user owns the address.

        That is an account of the user, an alias to one, or a sub-address of either. A disabled account or alias does
        not count.
        """
        domain = self.domains.get(address.domain)
        if domain is None or domain.disabled:
            return False
        for candidate in _with_bare(address):
            account = self.accounts.get(lookup_key(candidate))
            if account is not None:
                return account.user == user and not account.disabled
            if lookup_key(candidate) in self.aliases:
                return any(target.user == user and not target.disabled for target in self._aliased_accounts(candidate))
        return False

    def _aliased_accounts(self, alias: Address) -> Iterator[KnownAccount]:
        for target in self._expand(lookup_key(alias)):
            known = self.accounts.get(key_of(target))
            if known is not None:
                yield known

    def _local(self, address: Address) -> Resolution:
        for candidate in _with_bare(address):
            detail = without_subaddress(address)[1] or "" if candidate is not address else ""
            key = lookup_key(candidate)
            if key in self.accounts:
                return self._account(self.accounts[key], detail)
            if key in self.aliases:
                return self._alias(self.aliases[key], detail)
        return Resolution(ResolutionKind.UNKNOWN)

    @staticmethod
    def _account(account: KnownAccount, detail: str) -> Resolution:
        if account.disabled:
            return Resolution(ResolutionKind.DISABLED)
        return Resolution(
            ResolutionKind.ACCOUNTS, (Target(account.address, account.id, account.quota_bytes),), "", detail
        )

    def _alias(self, alias: KnownAlias, detail: str) -> Resolution:
        if alias.disabled:
            return Resolution(ResolutionKind.DISABLED)
        targets = self._expanded.get(alias.address)
        if targets is None:
            ends = self._expand(key_of(alias.address))
            targets = tuple(target for address in ends for target in self._target(address))
            self._keep_expanded(alias.address, targets)
        return Resolution(
            ResolutionKind.ACCOUNTS if targets else ResolutionKind.DISABLED, targets, alias.address, detail
        )

    def _keep_expanded(self, address: str, targets: tuple[Target, ...]) -> None:
        if self._expanded_targets + len(targets) > _EXPANDED_TARGETS:
            self._expanded.clear()
            self._expanded_targets = 0
        self._expanded[address] = targets
        self._expanded_targets += len(targets)

    def _target(self, address: str) -> Iterator[Target]:
        parsed = parse_address(address)
        if not self.is_ours(parsed):
            yield Target(address)
            return
        for candidate in _with_bare(parsed):
            account = self.accounts.get(lookup_key(candidate))
            if account is not None and not account.disabled:
                yield Target(account.address, account.id, account.quota_bytes)
                return

    def _expand(self, key: str) -> list[str]:
        """The final targets of an alias, through aliases of aliases; a loop or a chain that is too long is cut."""
        ends: dict[str, None] = {}
        seen = {key}
        level = [key]
        for _ in range(MAX_ALIAS_STEPS):
            targets = [target for address in level for target in self._targets(address)]
            level = []
            for target in targets:
                target_key = key_of(target)
                if target_key in self.aliases and target_key not in self.accounts:
                    if target_key not in seen:
                        seen.add(target_key)
                        level.append(target_key)
                else:
                    ends[target] = None
            if not level or len(ends) > MAX_TARGETS:
                break
        return list(ends)[:MAX_TARGETS]

    def _targets(self, key: str) -> tuple[str, ...]:
        alias = self.aliases.get(key)
        return alias.targets if alias is not None and not alias.disabled else ()

    def _apply_domain(
        self, event: directory_events.DomainAdded | directory_events.DomainChanged | directory_events.DomainRemoved
    ) -> None:
        match event:
            case directory_events.DomainAdded(identity, name, incoming):
                self._domain_names[identity] = name
                self.domains[name] = KnownDomain(identity, name, incoming)
            case directory_events.DomainChanged(identity, incoming, disabled):
                if (known := self._domain_names.get(identity)) is not None:
                    self.domains[known] = KnownDomain(identity, known, incoming, disabled)
            case directory_events.DomainRemoved(identity, name):
                self._domain_names.pop(identity, None)
                self.domains.pop(name, None)

    def _apply_account(
        self, event: directory_events.AccountAdded | directory_events.AccountChanged | directory_events.AccountRemoved
    ) -> None:
        match event:
            case directory_events.AccountAdded(identity, address, user, quota_bytes):
                key = key_of(address)
                self._account_keys[identity] = key
                self.accounts[key] = KnownAccount(identity, address, user, quota_bytes)
            case directory_events.AccountChanged(identity, disabled, quota_bytes):
                account = self.accounts.get(self._account_keys.get(identity, ""))
                if account is not None and account.id == identity:
                    self.accounts[self._account_keys[identity]] = msgspec.structs.replace(
                        account, disabled=disabled, quota_bytes=quota_bytes
                    )
            case directory_events.AccountRemoved(identity, address):
                self._account_keys.pop(identity, None)
                self.accounts.pop(key_of(address), None)


def key_of(address: str) -> str:
    """The lookup key of an address in an event; such addresses are valid."""
    try:
        return lookup_key(parse_address(address))
    except AddressError:
        return address.casefold()


def _with_bare(address: Address) -> Iterator[Address]:
    """The address itself, then the address without its sub-address."""
    yield address
    bare, detail = without_subaddress(address)
    if detail is not None:
        yield bare
