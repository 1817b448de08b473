"""Changes of groups that follow from a reading of the directory elsewhere: the bodies of units of work."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain import groups, names
from services.directory.domain.ldap_groups import LdapGroup, LinkedGroup, MemberChange
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load, load_groups
from services.directory.handlers.commands import append
from services.directory.handlers.ldap_accounts import add_accounts, lacks_account
from services.directory.handlers.ldap_rows import is_followed
from shared.events.groups import GroupJoined, GroupLeft
from shared.events.ldap import LdapGroupBack, LdapGroupLinked, LdapGroupMissing, LdapGroupUnlinked
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

Linked = tuple[LinkedGroup, LdapGroup]


class LdapGroupCommands:
    """The commands. Those that return texts return a sentence for every group that could not be followed."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def add(self, tx: Transaction, there: Sequence[LdapGroup], provenance: Provenance) -> list[str]:
        """Add groups, without members yet; a name that another group has here is left alone."""
        skipped = []
        for group in there:
            try:
                name, identity = names.group_name(group.name), self._ids.new(IdKind.GROUP)
                events = groups.add_group(load_groups.group(tx, name), identity, name, ())
                append(tx, f"group:{identity}", [*events, LdapGroupLinked(identity, group.entry)], provenance)
            except DirectoryRefused as refused:
                skipped.append(f"the group {group.name}: {refused} (`mailfold group rename` gives it another name)")
        return skipped

    def follow(self, tx: Transaction, linked: Sequence[Linked], provenance: Provenance) -> list[str]:
        """Bring names and accounts of groups up to date."""
        skipped = []
        for group, there in linked:
            back: list[Event] = [LdapGroupBack(group.id)] if group.missing_since else []
            append(tx, f"group:{group.id}", back, provenance)
            refusals = add_accounts(tx, self._ids, group.id, there.addresses, provenance)
            try:
                append(tx, f"group:{group.id}", _renamed(tx, group, there), provenance)
            except DirectoryRefused as refused:
                refusals.append(refused)
            skipped += [f"the group {there.name}: {refused}" for refused in refusals]
        return skipped

    def note_missing(self, tx: Transaction, missing: Sequence[LinkedGroup], now: int, provenance: Provenance) -> None:
        """Note since when groups are missing."""
        for group in missing:
            append(tx, f"group:{group.id}", [LdapGroupMissing(group.id, now)], provenance)

    def change_members(self, tx: Transaction, memberships: Sequence[MemberChange], provenance: Provenance) -> None:
        """Let users join and leave groups, as far as both are still there."""
        for change in memberships:
            joined, left = GroupJoined(change.group, change.user), GroupLeft(change.group, change.user)
            if is_followed(tx, change.group) and _is_open(tx, change):
                append(tx, f"group:{change.group}", [joined if change.joins else left], provenance)

    def unlink(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Follow a group no longer; it keeps its members. Returns its name."""
        group = load.existing("group", name, load_groups.group(tx, name))
        if not tx.answered(provenance.command):
            if not is_followed(tx, group.id):
                raise DirectoryRefused("missing", f"{group.name} is not a group of the LDAP directory")
            append(tx, f"group:{group.id}", [LdapGroupUnlinked(group.id)], provenance)
        return group.name


def to_follow(reader: Reader, linked: Sequence[Linked]) -> list[Linked]:
    """Those of which the name or an account is not up to date."""
    return [
        (group, there)
        for group, there in linked
        if group.missing_since or group.name != there.name or lacks_account(reader, group.id, there.addresses)
    ]


def _renamed(tx: Transaction, group: LinkedGroup, there: LdapGroup) -> list[Event]:
    name = names.group_name(there.name)
    state = groups.GroupState(group.id, group.name)
    return groups.rename_group(state, load_groups.group(tx, name), name)


def _is_open(tx: Transaction, change: MemberChange) -> bool:
    """Whether a user who joins is there and no member, or one who leaves is a member."""
    sql = "SELECT 1 FROM group_member WHERE user_group = ? AND person = ?"
    is_member = tx.first_row(sql, (change.group, change.user)) is not None
    if not change.joins:
        return is_member
    return not is_member and tx.first_row("SELECT 1 FROM person WHERE id = ?", (change.user,)) is not None
