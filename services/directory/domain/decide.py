"""Decisions: a command and the state it meets give events, or a refusal that says what to do. Ids come in with the
command.
"""

from __future__ import annotations

from collections.abc import Callable

from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, DomainState, UserState
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountRemoved,
    AliasAdded,
    AliasRemoved,
    AliasSwitched,
    DomainAdded,
    DomainChanged,
    DomainRemoved,
    UserAdded,
    UserPasswordChanged,
    UserRemoved,
    UserSwitched,
)
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address

AliasTargets = Callable[[str], tuple[str, ...] | None]
"""The targets of an alias by its lookup key; None when there is none."""
_CHAIN_LIMIT = 1000
QUOTA_LIMIT = 1 << 60
"""Octets: far above what any disk holds, and what every database can count."""


def add_domain(existing: DomainState | None, domain: str, name: str, incoming: bool) -> list[Event]:
    """A domain becomes ours; it starts outgoing only unless `incoming` (A1)."""
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the domain {existing.name} is there already: `mailfold domain show {existing.name}`"
        )
    return [DomainAdded(domain, name, incoming)]


def change_domain(domain: DomainState, incoming: bool | None, disabled: bool | None) -> list[Event]:
    """Incoming mail is switched, or the domain disabled or enabled; nothing when it is so already."""
    desired = (domain.incoming if incoming is None else incoming, domain.disabled if disabled is None else disabled)
    return [] if desired == (domain.incoming, domain.disabled) else [DomainChanged(domain.id, *desired)]


def remove_domain(domain: DomainState) -> list[Event]:
    """The domain is no longer ours; only when nothing lives in it."""
    if domain.accounts or domain.aliases:
        contents = f"{domain.accounts} account(s) and {domain.aliases} alias(es)"
        raise DirectoryRefused(
            "not-empty",
            f"{domain.name} still has {contents}: remove them first (`mailfold account list`, `mailfold alias list`), "
            f"or disable it",
        )
    return [DomainRemoved(domain.id, domain.name)]


def add_user(existing: UserState | None, user: str, name: str, password_hash: str) -> list[Event]:
    """A person."""
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the user {existing.name} is there already: `mailfold user show {existing.name}`"
        )
    return [UserAdded(user, name, password_hash)]


def change_user(user: UserState, password_hash: str | None, disabled: bool | None) -> list[Event]:
    """A new password, or a switch."""
    events: list[Event] = [UserPasswordChanged(user.id, password_hash)] if password_hash else []
    if disabled is not None and disabled != user.disabled:
        events.append(UserSwitched(user.id, disabled))
    return events


def remove_user(user: UserState) -> list[Event]:
    """The person goes; only when they own no account any more."""
    if user.accounts:
        raise DirectoryRefused(
            "not-empty",
            f"{user.name} still owns {', '.join(user.accounts[:5])}: remove the account(s) first, or disable the user",
        )
    return [UserRemoved(user.id, user.name)]


def add_account(taken: bool, ours: bool, user: str, account: str, address: Address, quota_bytes: int) -> list[Event]:
    """An account in a domain that is `ours`, for a user's id, under a new id: it inherits nothing of an earlier one of
    the same address.
    """
    _free(taken, ours, address)
    _bounded(quota_bytes)
    return [AccountAdded(account, str(address), user, quota_bytes)]


def change_account(account: AccountState, disabled: bool | None, quota_bytes: int | None) -> list[Event]:
    """The account is disabled or enabled, or has another quota (0: none)."""
    _bounded(quota_bytes or 0)
    desired = (
        account.disabled if disabled is None else disabled,
        account.quota_bytes if quota_bytes is None else quota_bytes,
    )
    return [] if desired == (account.disabled, account.quota_bytes) else [AccountChanged(account.id, *desired)]


def remove_account(account: AccountState) -> list[Event]:
    """The account goes; later mail bounces."""
    return [AccountRemoved(account.id, account.address)]


def add_alias(
    taken: bool,
    ours: bool,
    address: Address,
    targets: tuple[Address, ...],
    is_known: Callable[[Address], bool],
    targets_of: AliasTargets,
) -> list[Event]:
    """Mail to `address` reaches the targets. `is_known`: a target elsewhere, or one that exists here."""
    _free(taken, ours, address)
    unknown = next((target for target in targets if not is_known(target)), None)
    if unknown is not None:
        raise DirectoryRefused(
            "missing", f"there is no {unknown} here: `mailfold account add {unknown} --user NAME` first"
        )
    if _leads_to(lookup_key(address), targets, targets_of):
        raise DirectoryRefused("invalid", f"{address} would lead back to itself")
    return [AliasAdded(str(address), tuple(str(target) for target in targets))]


def switch_alias(alias: AliasState, disabled: bool | None) -> list[Event]:
    """The alias is disabled or enabled."""
    return [] if disabled is None or disabled == alias.disabled else [AliasSwitched(alias.address, disabled)]


def remove_alias(alias: AliasState) -> list[Event]:
    """The alias goes."""
    return [AliasRemoved(alias.address)]


def _bounded(quota_bytes: int) -> None:
    if quota_bytes > QUOTA_LIMIT:
        raise DirectoryRefused("invalid", f"a quota is at most {QUOTA_LIMIT} octets; 0 is no limit")


def _free(taken: bool, ours: bool, address: Address) -> None:
    if not ours:
        raise DirectoryRefused(
            "missing",
            f"{address.domain} is not a domain of this server: `mailfold domain add {address.domain} --incoming` first",
        )
    if taken:
        raise DirectoryRefused(
            "taken", f"{address} is there already: `mailfold account show {address}` or `mailfold alias show {address}`"
        )


def _leads_to(key: str, targets: tuple[Address, ...], targets_of: AliasTargets) -> bool:
    waiting = [lookup_key(without_subaddress(target)[0]) for target in targets]
    seen: set[str] = set()
    while waiting and len(seen) < _CHAIN_LIMIT:
        current = waiting.pop()
        if current == key:
            return True
        if current not in seen:
            seen.add(current)
            waiting += targets_of(current) or ()
    return False
