"""What a complete reading of a directory elsewhere changes here.

People are followed by an identity that never changes, not by their names (RFC 4530). Nobody is removed: who is missing
for a while is disabled, and enabled again when the person is back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

CREDENTIAL = "{LDAP}"
"""Begins the stored credential of a user whose password is checked elsewhere; the identity of the person follows."""
ALWAYS_MAY_MISS = 5
_DAY = 86_400_000_000


class LdapPerson(msgspec.Struct, frozen=True):
    """A person as the directory elsewhere has it."""

    entry: str
    name: str
    addresses: tuple[str, ...] = ()


class LinkedUser(msgspec.Struct, frozen=True):
    """A user here who is a person there."""

    id: str
    entry: str
    disabled: bool
    missing_since: int = 0
    """UTC microseconds since the epoch; 0: the last search had the person."""


class LdapChanges(msgspec.Struct, frozen=True):
    """What has to change."""

    new: tuple[LdapPerson, ...]
    """People without a user."""
    linked: tuple[tuple[LinkedUser, LdapPerson], ...]
    """People with a user; each address of theirs may need an account."""
    missing: tuple[LinkedUser, ...]
    """Users whose person is missing since this search."""
    due: tuple[LinkedUser, ...]
    """Users to disable: their person is missing for long enough."""
    back: tuple[LinkedUser, ...]
    """Users whose person is back."""


def changes(
    people: Sequence[LdapPerson], users: Sequence[LinkedUser], now: int, disable_after_days: int
) -> LdapChanges:
    """Compare a complete search with the users. Times are UTC microseconds since the epoch."""
    by_entry: Mapping[str, LdapPerson] = {person.entry: person for person in people}
    known = {user.entry for user in users}
    gone = [user for user in users if user.entry not in by_entry]
    limit = now - disable_after_days * _DAY
    return LdapChanges(
        tuple(person for person in by_entry.values() if person.entry not in known),
        tuple((user, by_entry[user.entry]) for user in users if user.entry in by_entry),
        tuple(user for user in gone if not user.missing_since),
        tuple(user for user in gone if not user.disabled and (user.missing_since or now) <= limit),
        tuple(user for user in users if user.entry in by_entry and user.missing_since),
    )


def are_too_many_missing(changed: LdapChanges, users: int, percent: int) -> bool:
    """Whether so many are missing at once that the search itself is doubtful."""
    return len(changed.missing) > max(ALWAYS_MAY_MISS, users * percent // 100)


def credential(entry: str) -> str:
    """The stored credential of a person's user."""
    return CREDENTIAL + entry


def entry_of(stored: str) -> str:
    """The identity in a stored credential; empty for any other credential."""
    return stored.removeprefix(CREDENTIAL) if stored.startswith(CREDENTIAL) else ""
