"""Decisions: from a command and the present state to events, or to a refusal that says what to do.

New ids are passed in, so that the functions are pure.
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
"""Returns the targets of an alias by its lookup key, or None when there is no such alias."""
_CHAIN_LIMIT = 1000
QUOTA_LIMIT = 1 << 60
"""Largest quota in octets: far above any disk, and within what every database can count."""


def add_domain(existing: DomainState | None, domain: str, name: str, incoming: bool) -> list[Event]:
    """Add a domain; it receives mail only with `incoming`."""
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the domain {existing.name} is there already: `mailfold domain show {existing.name}`"
        )
    return [DomainAdded(domain, name, incoming)]


def change_domain(domain: DomainState, incoming: bool | None, disabled: bool | None) -> list[Event]:
    """Switch incoming mail of a domain, or disable or enable it; no event when nothing changes."""
    desired = (domain.incoming if incoming is None else incoming, domain.disabled if disabled is None else disabled)
    return [] if desired == (domain.incoming, domain.disabled) else [DomainChanged(domain.id, *desired)]


def remove_domain(domain: DomainState) -> list[Event]:
    """Remove a domain; only when it has no accounts and aliases."""
    if domain.accounts or domain.aliases:
        contents = f"{domain.accounts} account(s) and {domain.aliases} alias(es)"
        raise DirectoryRefused(
            "not-empty",
            f"{domain.name} still has {contents}: remove them first (`mailfold account list`, `mailfold alias list`), "
            f"or disable it",
        )
    return [DomainRemoved(domain.id, domain.name)]


def add_user(existing: UserState | None, user: str, name: str, password_hash: str) -> list[Event]:
    """Add a user."""
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the user {existing.name} is there already: `mailfold user show {existing.name}`"
        )
    return [UserAdded(user, name, password_hash)]


def change_user(user: UserState, password_hash: str | None, disabled: bool | None) -> list[Event]:
    """Change a user's password, or disable or enable the user."""
    events: list[Event] = [UserPasswordChanged(user.id, password_hash)] if password_hash else []
    if disabled is not None and disabled != user.disabled:
        events.append(UserSwitched(user.id, disabled))
    return events


def remove_user(user: UserState) -> list[Event]:
    """Remove a user; only when the user owns no account."""
    if user.accounts:
        raise DirectoryRefused(
            "not-empty",
            f"{user.name} still owns {', '.join(user.accounts[:5])}: remove the account(s) first, or disable the user",
        )
    return [UserRemoved(user.id, user.name)]


def add_account(taken: bool, ours: bool, user: str, account: str, address: Address, quota_bytes: int) -> list[Event]:
    """Add an account of a user, in a domain that is `ours`.

    It gets a new id and so inherits nothing from an earlier account with the same address.
    """
    _check_free(taken, ours, address)
    _check_quota(quota_bytes)
    return [AccountAdded(account, str(address), user, quota_bytes)]


def change_account(account: AccountState, disabled: bool | None, quota_bytes: int | None) -> list[Event]:
    """Disable or enable an account, or change its quota (0: none)."""
    _check_quota(quota_bytes or 0)
    desired = (
        account.disabled if disabled is None else disabled,
        account.quota_bytes if quota_bytes is None else quota_bytes,
    )
    return [] if desired == (account.disabled, account.quota_bytes) else [AccountChanged(account.id, *desired)]


def remove_account(account: AccountState) -> list[Event]:
    """Remove an account; later mail to it bounces."""
    return [AccountRemoved(account.id, account.address)]


def add_alias(
    taken: bool,
    ours: bool,
    address: Address,
    targets: tuple[Address, ...],
    is_known: Callable[[Address], bool],
    targets_of: AliasTargets,
) -> list[Event]:
    """Let mail to `address` reach the targets.

    `is_known` says whether a target is another server's address or exists here.
    """
    _check_free(taken, ours, address)
    unknown = next((target for target in targets if not is_known(target)), None)
    if unknown is not None:
        raise DirectoryRefused(
            "missing", f"there is no {unknown} here: `mailfold account add {unknown} --user NAME` first"
        )
    if _leads_to(lookup_key(address), targets, targets_of):
        raise DirectoryRefused("invalid", f"{address} would lead back to itself")
    return [AliasAdded(str(address), tuple(str(target) for target in targets))]


def switch_alias(alias: AliasState, disabled: bool | None) -> list[Event]:
    """Disable or enable an alias."""
    return [] if disabled is None or disabled == alias.disabled else [AliasSwitched(alias.address, disabled)]


def remove_alias(alias: AliasState) -> list[Event]:
    """Remove an alias."""
    return [AliasRemoved(alias.address)]


def _check_quota(quota_bytes: int) -> None:
    if quota_bytes > QUOTA_LIMIT:
        raise DirectoryRefused("invalid", f"a quota is at most {QUOTA_LIMIT} octets; 0 is no limit")


def _check_free(taken: bool, ours: bool, address: Address) -> None:
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
