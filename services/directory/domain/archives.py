"""Decisions on the removal of accounts, and on archives.

A reference is what names the address of an account: an alias with it as a target, or a catch-all. References belong to
the account and not to whoever gets its address later: they end when the address becomes free for somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from services.directory.domain.applications import add_application, remove_application
from services.directory.domain.decide import change_size_limit, check_free, further_limits
from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, GivenLimits
from shared.events.archives import AccountArchived, AccountDeleted, AccountRestored, AddressReleased
from shared.events.credentials import ApplicationAdded
from shared.events.directory import (
    AccountAdded,
    AccountRemoved,
    AliasRemoved,
    AliasTargetsChanged,
    DomainValueChanged,
)
from shared.eventstore.event import Event
from shared.protocol.address.address import Address

MOST_REFERENCES = 5_000
"""References that one command ends or moves."""
_NAMED = 5
_DAY = 86_400_000_000


class ReferenceFate(StrEnum):
    """What becomes of the references to a removed account."""

    END = "end"
    KEEP = "keep"
    """They wait for the archive to be restored, and end when its address is released."""
    MOVE = "move"


class CatchAll(msgspec.Struct, frozen=True):
    """The catch-all of a domain, as its value is stored."""

    id: str
    domain: str
    value: str


class References(msgspec.Struct, frozen=True):
    """What names an address, with or without the tag of a sub-address."""

    aliases: tuple[AliasState, ...] = ()
    catch_alls: tuple[CatchAll, ...] = ()
    lists: tuple[str, ...] = ()
    """Mailing lists of which it is a member, an owner or a moderator. That ends with the account, so nothing is to be
    decided."""

    @property
    def names(self) -> list[str]:
        """What they are, for people."""
        return [
            *(f"the alias {alias.address}" for alias in self.aliases),
            *(f"the catch-all of {catch_all.domain}" for catch_all in self.catch_alls),
        ]


class ArchiveState(msgspec.Struct, frozen=True):
    """The archive of a removed account."""

    id: str
    address: str
    user: str
    """The id of the user or group who owned the account; an application had none."""
    user_name: str
    """Empty when that owner was removed."""
    quota_bytes: int
    archived_at: int
    reserved_until: int
    """0: the address is not reserved."""
    quota_messages: int = 0
    max_message_size: int = 0


def archive(account: AccountState, now: int, days: int) -> list[Event]:
    """Keep the mail of an account, and its address for some days."""
    until = now + days * _DAY if days else 0
    archived = AccountArchived(
        account.id,
        account.address,
        account.user,
        account.quota_bytes,
        archived_at=now,
        reserved_until=until,
        quota_messages=account.quota_messages,
        max_message_size=account.max_message_size,
    )
    return [*removal(account), archived]


def delete_account(account: AccountState) -> list[Event]:
    """Remove an account for good."""
    return [*removal(account), AccountDeleted(account.id)]


def removal(account: AccountState) -> list[Event]:
    """The end of the address of an account or application. An application has no owner."""
    return [AccountRemoved(account.id, account.address)] if account.user else remove_application(account)


def delete_archive(state: ArchiveState) -> list[Event]:
    """Delete an archive for good."""
    return [AccountDeleted(state.id)]


def restore(state: ArchiveState, holder: str, ours: bool, user: str, address: Address) -> list[Event]:
    """Make an archive an account again with its limits, under an address that is free. Raises DirectoryRefused."""
    check_free(holder, ours, address)
    limits = further_limits(state.id, GivenLimits(None, state.quota_messages, state.max_message_size))
    added = AccountAdded(state.id, str(address), user, state.quota_bytes)
    return [AccountRestored(state.id, str(address)), added, *limits]


def check_was_account(state: ArchiveState) -> None:
    """Check that an archive is that of an account. Raises DirectoryRefused for that of an application."""
    if not state.user:
        raise DirectoryRefused(
            "invalid", f"{state.address} was an application: `mailfold application restore {state.id}`"
        )


def restore_application(state: ArchiveState, holder: str, ours: bool, added: ApplicationAdded) -> list[Event]:
    """Make the archive of an application an application again. Raises DirectoryRefused."""
    if state.user:
        raise DirectoryRefused("invalid", f"{state.address} was an account: `mailfold archive restore {state.id}`")
    added = msgspec.structs.replace(added, receives=True, quota_bytes=state.quota_bytes)
    restored = AccountRestored(state.id, added.address)
    events = [restored, *add_application(holder, ours, added, state.quota_messages)]
    size = GivenLimits(message_size=state.max_message_size)
    return events + change_size_limit(state.id, 0, size)


def release_address(state: ArchiveState | None, now: int) -> list[Event]:
    """Let others have the address of an archive when its time is over; no event when that changed meanwhile."""
    if state is None or not state.reserved_until or state.reserved_until > now:
        return []
    return [AddressReleased(state.id)]


def check_fate(address: str, references: References, fate: ReferenceFate | None, *, is_deleted: bool) -> None:
    """Check what is to become of references. Raises DirectoryRefused when that was not decided."""
    names = references.names
    if len(names) > MOST_REFERENCES:
        raise DirectoryRefused("invalid", f"{address} has more than {MOST_REFERENCES} references: change some first")
    if fate is ReferenceFate.KEEP and is_deleted:
        raise DirectoryRefused(
            "invalid", "references are kept for an archive, which can be restored; end them, or move them"
        )
    if names and fate is None:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise DirectoryRefused(
            "not-empty",
            f"{address} is named by {', '.join(names[:_NAMED])}{more}: say `--references end`, `keep` (for an archive)"
            " or `move --to ADDRESS`",
        )


def without_targets(alias: AliasState, leaves: Callable[[str], bool], instead: str) -> list[Event]:
    """Take targets from an alias, or put another in their place. An alias without any other target is removed."""
    targets = _replaced(alias.targets, leaves, instead)
    if targets == alias.targets:
        return []
    return [AliasTargetsChanged(alias.address, targets) if targets else AliasRemoved(alias.address)]


def without_catching(catch_all: CatchAll, leaves: Callable[[str], bool], instead: str) -> list[Event]:
    """Take addresses from a catch-all, or put another in their place."""
    value = " ".join(_replaced(catch_all.value.split(), leaves, instead))
    if value == catch_all.value:
        return []
    return [DomainValueChanged(catch_all.id, "catch_all", value, catch_all.value)]


def _replaced(targets: Iterable[str], leaves: Callable[[str], bool], instead: str) -> tuple[str, ...]:
    changed = (instead if leaves(target) else target for target in targets)
    return tuple(dict.fromkeys(filter(None, changed)))
