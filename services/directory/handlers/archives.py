"""Commands that remove accounts and change archives: each method is the body of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain import archives, names
from services.directory.domain.archives import ArchiveState, ReferenceFate, References
from services.directory.domain.state import AccountState, DirectoryRefused
from services.directory.handlers import archive_rows, credential_rows, load
from services.directory.handlers.blocking import kept_entries
from services.directory.handlers.commands import append, user_id
from shared.clock import Clock
from shared.events.archives import ArchiveOpened
from shared.events.credentials import ApplicationRemoved
from shared.events.directory import AccountAdded, AccountRemoved
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction


class Removal(msgspec.Struct, frozen=True):
    """A removed account, and what named it."""

    id: str
    address: str
    is_archived: bool
    references: References


class ArchiveCommands:
    """The commands."""

    def __init__(self, clock: Clock, days: int) -> None:
        """`days` is how long the address of an archive is reserved."""
        self._clock = clock
        self._days = days

    def remove(
        self,
        tx: Transaction,
        name: str,
        fate: ReferenceFate | None,
        move_to: str,
        provenance: Provenance,
        *,
        delete: bool,
    ) -> Removal:
        """Archive or delete an account or application.

        References to it end, move or, for an archive, stay until its restoration.
        """
        for recorded in tx.answered(provenance.command):
            if isinstance(recorded.event, AccountRemoved | ApplicationRemoved):
                return Removal(recorded.event.id, recorded.event.address, not delete, References())
        account = removable(tx, name)
        named = archive_rows.references(tx, account.address)
        archives.check_fate(account.address, named, fate, is_deleted=delete)
        reserved = bool(self._days) and not delete
        if fate is ReferenceFate.MOVE:
            _replace(tx, account.address, _other(tx, account, move_to), provenance)
        elif fate is not ReferenceFate.KEEP or not reserved:
            _replace(tx, account.address, "", provenance)
        now = self._clock.now()
        events = archives.delete_account(account) if delete else archives.archive(account, now, self._days)
        append(tx, f"account:{account.id}", events, provenance)
        return Removal(account.id, account.address, not delete, named)

    def open(self, tx: Transaction, name: str, purpose: str, provenance: Provenance) -> ArchiveState:
        """Record that somebody reads an archive."""
        state = archive_rows.archive(tx, name)
        if not tx.answered(provenance.command):
            append(tx, f"account:{state.id}", [ArchiveOpened(state.id, purpose)], provenance)
        return state

    def restore(self, tx: Transaction, name: str, text: str, user_name: str, provenance: Provenance) -> AccountState:
        """Make an archive an account again, with its limits, its lists of senders and the references that were kept."""
        for recorded in tx.answered(provenance.command):
            if isinstance(recorded.event, AccountAdded):
                return load.existing("account", recorded.event.id, load.account(tx, recorded.event.id))
        state = archive_rows.archive(tx, name)
        archives.check_was_account(state)
        address = names.account_address(text or state.address)
        if not user_name and not state.user_name:
            raise DirectoryRefused(
                "invalid", f"the owner of {state.address} was removed: say who owns it, `--user NAME`"
            )
        user = user_id(tx, user_name) if user_name else state.user
        holder = load.holder_of(tx, address, archive=state.id)
        events = archives.restore(state, holder, load.has_domain(tx, address.domain), user, address)
        move_kept(tx, state, str(address), provenance)
        kept = kept_entries(tx, state.id)
        append(tx, f"account:{state.id}", events, provenance)
        append(tx, f"blocking:{state.id}", kept, provenance)
        return load.existing("account", state.id, load.account(tx, state.id))

    def delete(self, tx: Transaction, name: str, provenance: Provenance) -> Removal:
        """Delete an archive for good."""
        state = archive_rows.archive(tx, name)
        named = archive_rows.references(tx, state.address) if state.reserved_until else References()
        self._end_kept(tx, state, provenance)
        append(tx, f"account:{state.id}", archives.delete_archive(state), provenance)
        return Removal(state.id, state.address, False, named)

    def release(self, tx: Transaction, identities: Sequence[str], provenance: Provenance) -> None:
        """Release the addresses of those archives whose time is over; references that were kept end with it."""
        now = self._clock.now()
        for identity in identities:
            state = archive_rows.archive_if_any(tx, identity)
            events = archives.release_address(state, now)
            if state is not None and events:
                self._end_kept(tx, state, provenance)
                append(tx, f"account:{identity}", events, provenance)

    @staticmethod
    def _end_kept(tx: Transaction, state: ArchiveState, provenance: Provenance) -> None:
        """End what still names the address of an archive. After the release somebody else may have the address."""
        if state.reserved_until:
            _replace(tx, state.address, "", provenance)


def removable(reader: Reader, name: str) -> AccountState:
    """The account, or the application as the account that keeps its mail. Raises DirectoryRefused."""
    application = credential_rows.application(reader, name)
    as_account = credential_rows.application_as_account(reader, application.id) if application is not None else None
    return load.existing("account", name, load.account(reader, name) or as_account)


def move_kept(tx: Transaction, state: ArchiveState, address: str, provenance: Provenance) -> None:
    """Let what was kept for an archive name the address under which it is restored."""
    if state.reserved_until and names.key_of(state.address) != names.key_of(address):
        _replace(tx, state.address, address, provenance)


def _replace(tx: Transaction, address: str, instead: str, provenance: Provenance) -> None:
    """End the references to an address, or let them name another account."""
    named, leaves = archive_rows.references(tx, address), archive_rows.forms_of(tx, address).include
    for alias in named.aliases:
        events = archives.without_targets(alias, leaves, instead)
        append(tx, f"alias:{names.key_of(alias.address)}", events, provenance)
    for catch_all in named.catch_alls:
        append(tx, f"domain:{catch_all.id}", archives.without_catching(catch_all, leaves, instead), provenance)


def _other(tx: Transaction, account: AccountState, name: str) -> str:
    """The address of the account to which references move. Raises DirectoryRefused."""
    if not name:
        raise DirectoryRefused("invalid", "move the references to which account? `--to ADDRESS`")
    other = load.existing("account", name, load.account(tx, name))
    if other.id == account.id:
        raise DirectoryRefused("invalid", f"references to {account.address} cannot move to itself")
    return other.address
