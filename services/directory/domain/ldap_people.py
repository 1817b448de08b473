"""What a complete reading of a directory elsewhere changes here.

People are followed by an identity that never changes, not by their names (RFC 4530). Nobody is removed: who is missing
for a while is disabled, and enabled again when the person is back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.events.directory import UserPasswordChanged, UserSwitched
from shared.events.ldap import LdapPasswordChanged, LdapUserBack, LdapUserSwitched
from shared.eventstore.event import Event

CREDENTIAL = "{LDAP}"
"""Begins the stored credential of a user whose password is checked elsewhere; the identity of the person follows."""
ALWAYS_MAY_MISS = 5
DAY = 86_400_000_000


class LdapPerson(msgspec.Struct, frozen=True, gc=False):
    """A person as the directory elsewhere has it."""

    entry: str
    name: str
    addresses: tuple[str, ...] = ()
    display_name: str = ""
    """Empty: it has none there, and keeps the one here."""
    language: str = ""
    """As it stands there (RFC 2798 §2.7); empty: none."""
    disabled: bool = False
    """The person is there, but may not log in."""
    password_time: str = ""
    """When the password there was changed, as it stands there; empty: not known."""


class LinkedUser(msgspec.Struct, frozen=True, gc=False):
    """A user here who is a person there."""

    id: str
    entry: str
    disabled: bool
    missing_since: int = 0
    """UTC microseconds since the epoch; 0: the last search had the person."""
    disabled_there: bool = False
    """The last search had the person as disabled."""
    password_time: str = ""
    """That of the last search which had it."""


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
    disabled_there: int = 0
    """Users whose person is disabled there since this search."""


def changes(
    people: Sequence[LdapPerson], users: Sequence[LinkedUser], now: int, disable_after_days: int
) -> LdapChanges:
    """Compare a complete search with the users. Times are UTC microseconds since the epoch."""
    by_entry: Mapping[str, LdapPerson] = {person.entry: person for person in people}
    known = {user.entry for user in users}
    gone = [user for user in users if user.entry not in by_entry]
    limit = now - disable_after_days * DAY
    linked = tuple((user, by_entry[user.entry]) for user in users if user.entry in by_entry)
    return LdapChanges(
        tuple(person for person in by_entry.values() if person.entry not in known),
        linked,
        tuple(user for user in gone if not user.missing_since),
        tuple(user for user in gone if not user.disabled and (user.missing_since or now) <= limit),
        tuple(user for user, _ in linked if user.missing_since),
        sum(person.disabled and not user.disabled_there for user, person in linked),
    )


def pairs(changed: LdapChanges, users: Sequence[LinkedUser]) -> Sequence[tuple[LinkedUser, LdapPerson]]:
    """Everybody who has a user, when users were added for new people. `users` has the old and the new ones."""
    new = {person.entry: person for person in changed.new}
    return [*changed.linked, *((user, new[user.entry]) for user in users if user.entry in new)]


def is_doubtful(missing: int, count: int, percent: int) -> bool:
    """Whether so many are missing at once that the search itself is doubtful."""
    return missing > max(ALWAYS_MAY_MISS, count * percent // 100)


def switches(user: LinkedUser, person: LdapPerson) -> list[Event]:
    """The events that follow when a person is back, or disabled or enabled there, or has another password there.

    A user whom an operator disabled stays disabled, unless the person was missing or disabled there. Another password
    ends the user's log-ins.
    """
    events: list[Event] = [LdapUserBack(user.id)] if user.missing_since else []
    if person.disabled != user.disabled_there:
        events.append(LdapUserSwitched(user.id, person.disabled))
    may_enable = not person.disabled and bool(user.missing_since or user.disabled_there)
    if (person.disabled and not user.disabled_there and not user.disabled) or (user.disabled and may_enable):
        events.append(UserSwitched(user.id, person.disabled))
    if person.password_time and person.password_time != user.password_time:
        events.append(LdapPasswordChanged(user.id, person.password_time))
        if user.password_time:
            events.append(UserPasswordChanged(user.id, credential(user.entry)))
    return events


def credential(entry: str) -> str:
    """The stored credential of a person's user."""
    return CREDENTIAL + entry


def entry_of(stored: str) -> str:
    """The identity in a stored credential; empty for any other credential."""
    return stored.removeprefix(CREDENTIAL) if stored.startswith(CREDENTIAL) else ""


def preferred_language(text: str) -> str:
    """The first language of a list such as `de, en;q=0.5` (RFC 2798 §2.7); empty without one."""
    tag = text.partition(",")[0].partition(";")[0].strip()
    return "" if tag == "*" else tag
