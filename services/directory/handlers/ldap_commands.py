"""Changes of users that follow from a reading of the directory elsewhere: each method is the body of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain import decide, names
from services.directory.domain.ldap_people import LdapPerson, LinkedUser, credential, preferred_language, switches
from services.directory.domain.profiles import ProfileRequest, change_profile
from services.directory.domain.state import DirectoryRefused, UserState
from services.directory.handlers import load
from services.directory.handlers.commands import append
from services.directory.handlers.ldap_accounts import add_accounts, lacks_account
from shared.events.directory import UserPasswordChanged, UserSwitched
from shared.events.ldap import LdapUserLinked, LdapUserMissing
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

Linked = tuple[LinkedUser, LdapPerson]


class LdapCommands:
    """The commands. Those that return texts return a sentence for every person that could not be followed."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def add(self, tx: Transaction, people: Sequence[LdapPerson], provenance: Provenance) -> list[str]:
        """Add users for people; a name that somebody else has here is left alone."""
        skipped = []
        for person in people:
            try:
                self._add_user(tx, person, provenance)
            except DirectoryRefused as refused:
                skipped.append(f"{person.name}: {refused} (`mailfold ldap link` makes a user here that person)")
        return skipped

    def follow(self, tx: Transaction, linked: Sequence[Linked], provenance: Provenance) -> list[str]:
        """Bring accounts, profile and state of users up to date."""
        skipped = []
        for user, person in linked:
            append(tx, f"user:{user.id}", switches(user, person), provenance)
            refusals = add_accounts(tx, self._ids, user.id, person.addresses, provenance)
            try:
                append(tx, f"user:{user.id}", _profile(tx, user.id, person), provenance)
            except DirectoryRefused as refused:
                refusals.append(refused)
            skipped += [f"{person.name}: {refused}" for refused in refusals]
        return skipped

    def note_missing(self, tx: Transaction, users: Sequence[LinkedUser], now: int, provenance: Provenance) -> None:
        """Note since when people are missing."""
        for user in users:
            append(tx, f"user:{user.id}", [LdapUserMissing(user.id, now)], provenance)

    def disable(self, tx: Transaction, users: Sequence[LinkedUser], provenance: Provenance) -> None:
        """Disable users whose people are missing for long enough."""
        for user in users:
            append(tx, f"user:{user.id}", [UserSwitched(user.id, True)], provenance)

    def link(self, tx: Transaction, name: str, person: LdapPerson, provenance: Provenance) -> str:
        """Make a user here that person; returns the name of the user."""
        user = load.existing("user", name, load.user(tx, name))
        if tx.first_row("SELECT 1 FROM ldap_user WHERE entry = ? AND person <> ?", (person.entry, user.id)):
            raise DirectoryRefused("taken", f"{person.name} is another user here already")
        events = [UserPasswordChanged(user.id, credential(person.entry)), LdapUserLinked(user.id, person.entry)]
        append(tx, f"user:{user.id}", events, provenance)
        return user.name

    def _add_user(self, tx: Transaction, person: LdapPerson, provenance: Provenance) -> None:
        name, user = names.user_name(person.name), self._ids.new(IdKind.USER)
        events = decide.add_user(load.user(tx, name), user, name, credential(person.entry))
        append(tx, f"user:{user}", [*events, LdapUserLinked(user, person.entry)], provenance)


def to_follow(reader: Reader, linked: Sequence[Linked]) -> list[Linked]:
    """Those of whom something is not up to date."""
    return [pair for pair in linked if _differs(reader, *pair)]


def _differs(reader: Reader, user: LinkedUser, person: LdapPerson) -> bool:
    try:
        return bool(
            switches(user, person)
            or lacks_account(reader, user.id, person.addresses)
            or _profile(reader, user.id, person)
        )
    except DirectoryRefused:
        return True


def _profile(reader: Reader, user: str, person: LdapPerson) -> list[Event]:
    """The change of a user's profile to what the person has there; what it has not there stays."""
    sql = "SELECT display_name, language, time_zone FROM profile WHERE person = ?"
    display_name, language, time_zone = reader.first_row(sql, (user,)) or ("", "", "")
    state = UserState(user, person.name, "", False, (), display_name, language, time_zone)
    request = ProfileRequest(person.display_name or None, preferred_language(person.language) or None)
    return change_profile(state, request, lambda _name: True)
