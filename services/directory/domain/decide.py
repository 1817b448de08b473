"""Decisions on users and accounts: from a command and the present state to events, or to a refusal.

New ids are passed in, so that the functions are pure.
"""

from __future__ import annotations

from services.directory.domain.state import AccountState, DirectoryRefused, GivenLimits, UserState
from shared.events.account_limits import AccountSizeLimitChanged
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountMessageQuotaChanged,
    UserAdded,
    UserPasswordChanged,
    UserRemoved,
    UserSwitched,
)
from shared.eventstore.event import Event
from shared.protocol.address.address import Address
from shared.routing.domain_values import LEAST_MESSAGE, MESSAGES_LIMIT, QUOTA_LIMIT


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


def add_account(
    holder: str, ours: bool, owner: str, account: str, address: Address, limits: GivenLimits
) -> list[Event]:
    """Add an account of a user or a group, in a domain that is `ours`.

    It gets a new id and so inherits nothing from an earlier account with the same address.
    """
    check_free(holder, ours, address)
    check_limits(limits)
    return [AccountAdded(account, str(address), owner, limits.octets or 0), *further_limits(account, limits)]


def further_limits(account: str, limits: GivenLimits) -> list[Event]:
    """Give a new account the limits that its first event does not have."""
    events = list[Event]()
    if limits.messages:
        events.append(AccountMessageQuotaChanged(account, limits.messages))
    if limits.message_size:
        events.append(AccountSizeLimitChanged(account, limits.message_size))
    return events


def change_account(account: AccountState, disabled: bool | None, limits: GivenLimits) -> list[Event]:
    """Disable or enable an account, or change its limits."""
    check_limits(limits)
    desired = (
        account.disabled if disabled is None else disabled,
        account.quota_bytes if limits.octets is None else limits.octets,
    )
    events = list[Event]()
    if desired != (account.disabled, account.quota_bytes):
        events.append(AccountChanged(account.id, *desired))
    if limits.messages is not None and limits.messages != account.quota_messages:
        events.append(AccountMessageQuotaChanged(account.id, limits.messages))
    return events + change_size_limit(account.id, account.max_message_size, limits)


def change_size_limit(account: str, present: int, limits: GivenLimits) -> list[Event]:
    """Change the size limit of an account or application; no event when it was not given or is the present one."""
    if limits.message_size is None or limits.message_size == present:
        return []
    return [AccountSizeLimitChanged(account, limits.message_size)]


def check_limits(limits: GivenLimits) -> None:
    """Check the limits of an account or application. Raises DirectoryRefused."""
    if (limits.octets or 0) > QUOTA_LIMIT:
        raise DirectoryRefused("invalid", f"a quota is at most {QUOTA_LIMIT} octets; 0 is no limit")
    if (limits.messages or 0) > MESSAGES_LIMIT:
        raise DirectoryRefused("invalid", f"an account may have at most {MESSAGES_LIMIT} messages; 0 is no limit")
    size = limits.message_size or 0
    if size and not LEAST_MESSAGE <= size <= QUOTA_LIMIT:
        raise DirectoryRefused(
            "invalid", f"a message may have {LEAST_MESSAGE} to {QUOTA_LIMIT} octets; 0 is the limit of the domain"
        )


def check_free(holder: str, ours: bool, address: Address) -> None:
    """Check that an address of a domain of ours is free. `holder` says what holds it; empty: nothing does.

    Raises DirectoryRefused.
    """
    if not ours:
        raise DirectoryRefused(
            "missing",
            f"{address.domain} is not a domain of this server: `mailfold domain add {address.domain} --incoming` first",
        )
    if holder:
        raise DirectoryRefused("taken", f"{address} is taken: {holder}")
