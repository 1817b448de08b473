"""What a complete reading of the groups of a directory elsewhere changes here.

Groups and their members are followed by identities that never change. No group is removed: one that is missing for a
while loses its members, and has them again when it is back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec

from services.directory.domain.groups import MEMBER_LIMIT
from services.directory.domain.ldap_people import DAY, LinkedUser, is_doubtful

DEPTH_LIMIT = 8
"""Groups that may be nested in each other."""
NESTED_LIMIT = 1_000
"""Groups that may be nested in one group, at all depths together."""
VALUE_LIMIT = 10_000
"""Members that an entry may name; with more the group is not followed."""


class GroupEntry(msgspec.Struct, frozen=True):
    """A group as the directory elsewhere has it."""

    entry: str
    name: str
    addresses: tuple[str, ...] = ()
    people: frozenset[str] = frozenset()
    """Identities of people who are named in it."""
    nested: tuple[str, ...] = ()
    """Identities of groups that are named in it."""
    problem: str = ""
    """Why it is not known who is named in it."""


class LdapGroup(msgspec.Struct, frozen=True):
    """A group there, with everybody who is in it."""

    entry: str
    name: str
    addresses: tuple[str, ...] = ()
    members: frozenset[str] = frozenset()
    """Identities of people, also of those in nested groups."""
    problem: str = ""
    """Why nobody joins or leaves the group here."""


class LinkedGroup(msgspec.Struct, frozen=True):
    """A group here that is a group there."""

    id: str
    name: str
    entry: str
    missing_since: int = 0
    """UTC microseconds since the epoch; 0: the last search had the group."""
    members: frozenset[str] = frozenset()
    """Ids of users."""


class Roster(msgspec.Struct, frozen=True):
    """The users who can be members of groups there."""

    users: Mapping[str, str]
    """Ids of users by the identities of their people."""
    kept: Set[str]
    """Ids of users whose people are missing, but not for long enough: they leave no group."""


class MemberChange(msgspec.Struct, frozen=True, gc=False):
    """A user who joins or leaves a group."""

    group: str
    user: str
    joins: bool


class GroupChanges(msgspec.Struct, frozen=True):
    """What has to change."""

    new: tuple[LdapGroup, ...]
    linked: tuple[tuple[LinkedGroup, LdapGroup], ...]
    missing: tuple[LinkedGroup, ...]
    """Groups that are missing since this search."""
    back: tuple[LinkedGroup, ...]
    memberships: tuple[MemberChange, ...]
    joining: int
    leaving: int
    """Users who leave groups that are still there; those of groups that are emptied do not count."""
    members: int
    """Members of all groups here."""
    skipped: tuple[str, ...]
    """A sentence for each group whose members could not be followed."""

    def is_doubtful(self, percent: int) -> bool:
        """Whether so many groups or members are missing at once that the search itself is doubtful."""
        groups = len(self.linked) + len(self.missing)
        return is_doubtful(len(self.missing), groups, percent) or is_doubtful(self.leaving, self.members, percent)


def whole_groups(entries: Sequence[GroupEntry]) -> tuple[LdapGroup, ...]:
    """The groups with the members of groups that are nested in them."""
    by_entry = {group.entry: group for group in entries}
    return tuple(_whole(group, by_entry) for group in by_entry.values())


def roster(users: Sequence[LinkedUser], present: Set[str], now: int, disable_after_days: int) -> Roster:
    """The users who can be members. `present` has the identities of all people of the search."""
    limit = now - disable_after_days * DAY
    gone = (user for user in users if user.entry not in present)
    return Roster(
        {user.entry: user.id for user in users if user.entry in present},
        {user.id for user in gone if (user.missing_since or now) > limit},
    )


def group_changes(
    groups: Sequence[LdapGroup], here: Sequence[LinkedGroup], people: Roster, now: int, empty_after_days: int
) -> GroupChanges:
    """Compare a complete search with the groups here. Times are UTC microseconds since the epoch."""
    by_entry = {group.entry: group for group in groups}
    known = {group.entry for group in here}
    linked = tuple((group, by_entry[group.entry]) for group in here if group.entry in by_entry)
    gone = [group for group in here if group.entry not in by_entry]
    limit = now - empty_after_days * DAY
    memberships, skipped, leaving = list[MemberChange](), list[str](), 0
    for group, there in linked:
        changed, sentence = _memberships(group, there, people)
        memberships += changed
        skipped += [sentence] if sentence else []
        leaving += sum(not membership.joins for membership in changed)
    for group in gone:
        if (group.missing_since or now) <= limit:
            memberships += [MemberChange(group.id, user, joins=False) for user in sorted(group.members)]
    return GroupChanges(
        tuple(group for group in by_entry.values() if group.entry not in known),
        linked,
        tuple(group for group in gone if not group.missing_since),
        tuple(group for group, _ in linked if group.missing_since),
        tuple(memberships),
        sum(membership.joins for membership in memberships),
        leaving,
        sum(len(group.members) for group in here),
        tuple(skipped),
    )


def _memberships(group: LinkedGroup, there: LdapGroup, people: Roster) -> tuple[list[MemberChange], str]:
    """Who joins and leaves a group, and why some do not."""
    if there.problem:
        return [], f"the group {there.name}: {there.problem}"
    desired = {people.users[entry] for entry in there.members if entry in people.users}
    staying = group.members & (desired | people.kept)
    changed = [MemberChange(group.id, user, joins=False) for user in sorted(group.members - staying)]
    if len(desired | staying) > MEMBER_LIMIT:
        return changed, f"the group {there.name}: nobody joins it, because it has more than {MEMBER_LIMIT} members"
    return changed + [MemberChange(group.id, user, joins=True) for user in sorted(desired - staying)], ""


def _whole(group: GroupEntry, by_entry: Mapping[str, GroupEntry]) -> LdapGroup:
    """A group with the members of nested groups; a group that contains itself is counted once."""
    members, seen, level = set(group.people), {group.entry}, [group]
    problem = group.problem
    for depth in range(DEPTH_LIMIT + 1):
        inner = {entry for outer in level for entry in outer.nested if entry in by_entry} - seen
        if not inner or problem:
            break
        seen |= inner
        level = [by_entry[entry] for entry in inner]
        members.update(*(nested.people for nested in level))
        problem = next((f"{nested.name} in it: {nested.problem}" for nested in level if nested.problem), "")
        problem = problem or _too_much(depth, len(seen), len(members))
    return LdapGroup(group.entry, group.name, group.addresses, frozenset() if problem else frozenset(members), problem)


def _too_much(depth: int, groups: int, members: int) -> str:
    if depth >= DEPTH_LIMIT:
        return f"groups are nested in it more than {DEPTH_LIMIT} deep"
    if groups > NESTED_LIMIT:
        return f"more than {NESTED_LIMIT} groups are nested in it"
    return f"it has more than {VALUE_LIMIT} members" if members > VALUE_LIMIT else ""
