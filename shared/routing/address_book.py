"""The address book: where mail to an address goes, and who may send as whom.

The directory, the ingress and delivery apply the same events with this code, so they cannot disagree. An address is
looked for in this order: an account, alias or list of exactly this name, the same without the tag of a sub-address,
aliases with wildcards for the name with and without tag, and the catch-all. A disabled account counts as missing where
there is a catch-all; a disabled list, a disabled or ended alias, and an application that does not receive, refuse mail
before any pattern is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from shared.events.account_limits import AccountSizeLimitChanged
from shared.events.directory import DomainValueChanged
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address, parse_address
from shared.routing.known_applications import KnownApplication
from shared.routing.known_groups import GROUP_TARGET, group_of
from shared.routing.known_lists import KnownList, ListOwners
from shared.routing.known_names import KnownAccount, KnownAlias, KnownDomain, KnownNames
from shared.routing.known_names import key_of as key_of
from shared.routing.known_sharing import KnownSharing
from shared.routing.resolution import Resolution, ResolutionKind, Target
from shared.routing.send_as import SendAsGrants

MAX_ALIAS_STEPS = 10
MAX_TARGETS = 1000
MAX_WORK = 25_000
"""Work of following one alias, as `work_of` counts it: less than 50 ms. Aliases of aliases could otherwise cost a
million looks, and each look in a domain with many wildcards a comparison with all of them."""
_LOOK_WORK = 10
"""Comparisons with a wildcard that cost as much as a look for an exact name."""
_EXPANDED_TARGETS = 20_000
"""Targets of expanded aliases that are cached until the next event. A stranger may name a thousand sub-addresses of one
alias in one mail."""

Holder = KnownAccount | KnownAlias | KnownApplication | KnownList


class LocalAddress(msgspec.Struct, frozen=True):
    """An address in a domain of ours, and what holds it."""

    address: Address
    """The address in the domain that counts."""
    domain: KnownDomain
    """The domain that counts."""
    holder: Holder | None
    detail: str
    """The tag that was cut off to find the holder."""


class AddressBook:
    """Answers from memory."""

    def __init__(self, names: KnownNames | None = None) -> None:
        self.names = names or KnownNames()
        self.grants = SendAsGrants()
        self.sharing = KnownSharing()
        self.has_size_limits = False
        """Whether a domain or an account limits the size of its messages, or did."""
        self._expanded: dict[str, tuple[Target, ...]] = {}
        """Expanded aliases by their address; cleared by every event that may change one."""
        self._expanded_targets = 0

    def apply(self, event: Event) -> None:
        """Apply one event."""
        self._expanded.clear()
        self._expanded_targets = 0
        self.names.apply(event)
        self.grants.apply(event)
        self.sharing.apply(event)
        if isinstance(event, AccountSizeLimitChanged):
            self.has_size_limits = True
        if isinstance(event, DomainValueChanged) and event.name == "max_message_size":
            self.has_size_limits = True

    def resolve(self, address: Address) -> Resolution:
        """Where mail to this address goes."""
        domain = self.names.domains.get(address.domain)
        local = self.locate(address)
        if domain is None or local is None:
            return Resolution(ResolutionKind.REMOTE, (Target(str(address)),))
        if domain.disabled or local.domain.disabled:
            return Resolution(ResolutionKind.DISABLED)
        if not domain.incoming:
            return Resolution(ResolutionKind.OUTGOING_ONLY)
        match local.holder:
            case None:
                return Resolution(ResolutionKind.UNKNOWN)
            case KnownAccount() as account:
                return _to_account(account, local.detail)
            case KnownAlias() as alias:
                return self._to_alias(alias, local.detail)
            case KnownApplication() as application:
                return _to_application(application, local.detail)
            case KnownList() as known:
                return _to_list(known, local.detail)

    def resolve_group(self, identity: str) -> Resolution | None:
        """Where mail to a group goes: the first account of each member; None for a group that is not known."""
        group = self.names.groups.by_id.get(identity)
        if group is None:
            return None
        targets = tuple(map(_target, self.names.first_accounts(identity)))
        return Resolution(ResolutionKind.ACCOUNTS, targets, f"{GROUP_TARGET}{group.name}")

    def is_ours(self, address: Address) -> bool:
        """Whether the address is in a domain of ours."""
        return address.domain in self.names.domains

    def may_send_as(self, user: str, address: Address) -> bool:
        """Whether a user may send as an address.

        That is an account of the user or of a group with the user, or one that was granted, an alias whose owners name
        the user or whose only target is an account of the user or such a group, and a sub-address of these. A wildcard
        and a catch-all give nobody this right, and what is disabled does not count. Where a domain allows masquerading,
        users with an account of their own there may send as any of its addresses. An application, which is its own
        user, sends as its own address alone.
        """
        domain, local = self.names.domains.get(address.domain), self.locate(address)
        if domain is None or local is None or domain.disabled or local.domain.disabled:
            return False
        if isinstance(local.holder, KnownApplication) and local.holder.id == user:
            return not local.holder.disabled and not local.detail
        return self._holds(user, local.holder) or (
            local.domain.rules.masquerading and self.names.has_account_in(user, local.domain)
        )

    def size_limit_of(self, address: Address) -> int:
        """Octets of the largest message to or from an account of ours; 0: only the limit of the server counts."""
        if not self.has_size_limits:
            return 0
        domain, key = self.names.domain_of(address.domain), lookup_key(address)
        account = self.names.accounts.get(key) or self.names.applications.get(key)
        limits = (
            domain.rules.max_message_size if domain is not None else 0,
            account.max_message_size if account is not None else 0,
        )
        return min(filter(None, limits), default=0)

    def recipient_size_limit(self, address: Address) -> int:
        """Octets above which nobody gets a message to this address; 0: somebody gets a message of any size."""
        if not self.has_size_limits:
            return 0
        resolution = self.resolve(address)
        limits = [self.size_limit_of(parse_address(end.address)) if end.account else 0 for end in resolution.targets]
        return max(limits, default=0) if all(limits) else 0

    def canonical(self, address: Address) -> Address:
        """The address in the domain that counts, where its domain is an alias of another one."""
        domain = self.names.domain_of(address.domain)
        if domain is None or domain.name == address.domain:
            return address
        return Address(address.localpart, domain.name)

    def locate(self, address: Address) -> LocalAddress | None:
        """What holds an address; None for an address of another server."""
        domain = self.names.domain_of(address.domain)
        if domain is None:
            return None
        local = self.canonical(address)
        holder, detail = self._holder(local, domain)
        return LocalAddress(local, domain, holder, detail)

    def work_of(self, local: LocalAddress | None) -> int:
        """How much work it was to locate an address, in comparisons with a wildcard."""
        holder = local.holder if local is not None else None
        if local is None or isinstance(holder, KnownAccount | KnownApplication | KnownList):
            return _LOOK_WORK
        if holder is not None and holder.kind == "exact":
            return _LOOK_WORK
        return _LOOK_WORK + 2 * len(self.names.wildcards.get(local.domain.name, ()))  # with the tag and without it

    def targets_of(self, alias: KnownAlias) -> tuple[Target, ...]:
        """The final targets of an alias, through aliases of aliases; a loop or a chain that is too long is cut."""
        targets = self._expanded.get(alias.address)
        if targets is None:
            targets = tuple(self._expand(alias).values())
            self._keep_expanded(alias.address, targets)
        return targets

    def _holds(self, user: str, holder: Holder | None) -> bool:
        match holder:
            case KnownAccount():
                acts = self.names.acts_for(user, holder.user)
                return not holder.disabled and (acts or self.grants.has(user, holder))
            case KnownAlias(kind="exact") if holder.is_in_use:
                return user in holder.owners if holder.owners else self._is_only_target(user, holder)
            case _:
                return False

    def _is_only_target(self, user: str, alias: KnownAlias) -> bool:
        targets = self.targets_of(alias) if len(alias.targets) == 1 else ()
        if len(targets) != 1 or not targets[0].account:
            return False
        account = self.names.accounts.get(key_of(targets[0].address))
        return account is not None and self.names.acts_for(user, account.user)

    def _holder(self, local: Address, domain: KnownDomain) -> tuple[Holder | None, str]:
        forms = list(_forms(local, domain.rules.separators))
        keys = [lookup_key(form) for form, _ in forms]
        for key, (_, detail) in zip(keys, forms, strict=True):
            account = self.names.accounts.get(key)
            if account is not None:
                return (domain.catch_all if account.disabled and domain.catch_all else account), detail
            named = self.names.aliases.get(key) or self.names.applications.get(key)
            if named is not None:
                return named, detail
            held = self.names.lists.holder(key) if self.names.lists else None
            if held is not None:
                return (KnownAlias(held.address, held.owners) if isinstance(held, ListOwners) else held), detail
        wildcards = self.names.wildcards.get(domain.name)
        if wildcards:
            localparts = [key.rpartition("@")[0] for key in keys]
            matching = wildcards.match(localparts)
            if matching is not None:
                pattern, localpart = matching
                return self.names.aliases[f"{pattern}@{domain.name}"], forms[localparts.index(localpart)][1]
        return domain.catch_all, forms[-1][1]

    def _to_alias(self, alias: KnownAlias, detail: str) -> Resolution:
        targets = self.targets_of(alias) if alias.is_in_use else ()
        if not targets:
            return Resolution(ResolutionKind.DISABLED)
        return Resolution(ResolutionKind.ACCOUNTS, targets, alias.address, detail)

    def _keep_expanded(self, address: str, targets: tuple[Target, ...]) -> None:
        if self._expanded_targets + len(targets) > _EXPANDED_TARGETS:
            self._expanded.clear()
            self._expanded_targets = 0
        self._expanded[address] = targets
        self._expanded_targets += len(targets)

    def _expand(self, alias: KnownAlias) -> dict[str, Target]:
        """The final targets by their keys. Each alias is expanded once, level by level."""
        ends: dict[str, Target] = {}
        expanded, level, work = {alias.address}, [alias], 0
        for _ in range(MAX_ALIAS_STEPS):
            following: list[KnownAlias] = []
            for target in _targets(level):
                if work > MAX_WORK or len(ends) >= MAX_TARGETS:
                    return ends
                if group := group_of(target):
                    work += self._add_members(group, ends)
                    continue
                local = self.locate(parse_address(target))
                work += self.work_of(local)
                match _end_of(target, local):
                    case KnownAlias() as further:
                        if further.is_in_use and further.address not in expanded:
                            expanded.add(further.address)
                            following.append(further)
                    case Target() as end:
                        ends.setdefault(key_of(end.address), end)
            level = following
        return ends

    def _add_members(self, group: str, ends: dict[str, Target]) -> int:
        """Add the first account of each member of a group; returns the work of it."""
        for account in self.names.first_accounts(group):
            if len(ends) >= MAX_TARGETS:
                break
            ends.setdefault(key_of(account.address), _target(account))
        return _LOOK_WORK * len(self.names.groups.members(group))


def _end_of(text: str, local: LocalAddress | None) -> Target | KnownAlias | None:
    """A target as the end of its way, or the alias that it is; None when nobody gets mail to it."""
    if local is None:
        return Target(text)
    match local.holder:
        case KnownAccount(disabled=False) as account:
            return _target(account)
        case KnownApplication(takes_mail=True) as application:
            return _target(application)
        case KnownAlias() as alias:
            return alias
        case KnownList(disabled=False) as known:
            return Target(known.address, list_id=known.id)
        case _:
            return None


def _target(account: KnownAccount | KnownApplication) -> Target:
    return Target(account.address, account.id, account.quota_bytes, quota_messages=account.quota_messages)


def _to_account(account: KnownAccount, detail: str) -> Resolution:
    if account.disabled:
        return Resolution(ResolutionKind.DISABLED)
    return Resolution(ResolutionKind.ACCOUNTS, (_target(account),), "", detail)


def _to_application(application: KnownApplication, detail: str) -> Resolution:
    if not application.takes_mail:
        return Resolution(ResolutionKind.DISABLED)
    return Resolution(ResolutionKind.ACCOUNTS, (_target(application),), "", detail)


def _to_list(known: KnownList, detail: str) -> Resolution:
    if known.disabled:
        return Resolution(ResolutionKind.DISABLED)
    return Resolution(ResolutionKind.ACCOUNTS, (Target(known.address, list_id=known.id),), "", detail)


def _targets(aliases: Iterable[KnownAlias]) -> Iterator[str]:
    for alias in aliases:
        yield from alias.targets


def _forms(address: Address, separators: str) -> Iterator[tuple[Address, str]]:
    """The address itself, then the address without the tag of its sub-address, with that tag."""
    yield address, ""
    localpart = address.localpart
    place = min((at for at in map(localpart.find, separators) if at > 0), default=0)
    if place:
        yield Address(localpart[:place], address.domain), localpart[place + 1 :]
