"""Decisions about the right of a user to send as an account of another user."""

from __future__ import annotations

from collections.abc import Collection

from services.directory.domain.state import AccountState, DirectoryRefused
from shared.events.send_as import SendAsGranted, SendAsRevoked
from shared.eventstore.event import Event

MOST_ACCOUNTS = 1000
"""Accounts of others as which a user may send."""


def grant(user: str, account: AccountState, present: Collection[str]) -> list[Event]:
    """Let a user send as an account; `present` are the ids of those that the user has already."""
    if account.user == user:
        raise DirectoryRefused("invalid", f"{account.address} is an account of this user, who may send as it already")
    if account.id in present:
        return []
    if len(present) >= MOST_ACCOUNTS:
        raise DirectoryRefused("invalid", f"a user may send as at most {MOST_ACCOUNTS} accounts of others")
    return [SendAsGranted(user, account.id)]


def revoke(user: str, account: AccountState, present: Collection[str]) -> list[Event]:
    """Take the right away; no event when the user does not have it."""
    return [SendAsRevoked(user, account.id)] if account.id in present else []
