"""Changes that follow from a reading of the directory elsewhere: each method is the body of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.domain import decide, names
from services.directory.domain.ldap_people import LdapPerson, LinkedUser, credential
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load
from services.directory.handlers.commands import append
from shared.events.directory import UserPasswordChanged, UserSwitched
from shared.events.ldap import LdapUserBack, LdapUserLinked, LdapUserMissing
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address

_USERS = (
    "SELECT ldap_user.person, ldap_user.entry, person.disabled, ldap_user.missing_since FROM ldap_user"
    " JOIN person ON person.id = ldap_user.person WHERE ldap_user.person > ? ORDER BY ldap_user.person LIMIT ?"
)
PAGE = 200


def linked_users(reader: Reader, after: str) -> list[LinkedUser]:
    """A page of the users who are people elsewhere, by id."""
    return [
        LinkedUser(user, entry, bool(disabled), since)
        for user, entry, disabled, since in reader.all(_USERS, (after, PAGE))
    ]


class LdapCommands:
    """The commands. Each returns a sentence for every person that could not be followed."""

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

    def add_accounts(
        self, tx: Transaction, linked: Sequence[tuple[LinkedUser, LdapPerson]], provenance: Provenance
    ) -> list[str]:
        """Add an account for each address in a domain here that is free."""
        skipped = []
        for user, person in linked:
            for text in person.addresses:
                try:
                    self._add_account(tx, user.id, text, provenance)
                except DirectoryRefused as refused:
                    skipped.append(f"{person.name}: {refused}")
        return skipped

    def note_missing(self, tx: Transaction, users: Sequence[LinkedUser], now: int, provenance: Provenance) -> None:
        """Note since when people are missing."""
        for user in users:
            append(tx, f"user:{user.id}", [LdapUserMissing(user.id, now)], provenance)

    def disable(self, tx: Transaction, users: Sequence[LinkedUser], provenance: Provenance) -> None:
        """Disable users whose people are missing for long enough."""
        for user in users:
            append(tx, f"user:{user.id}", [UserSwitched(user.id, True)], provenance)

    def note_back(self, tx: Transaction, users: Sequence[LinkedUser], provenance: Provenance) -> None:
        """Enable the users of people who are back."""
        for user in users:
            enabled: list[Event] = [UserSwitched(user.id, False)] if user.disabled else []
            append(tx, f"user:{user.id}", [LdapUserBack(user.id), *enabled], provenance)

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

    def _add_account(self, tx: Transaction, user: str, text: str, provenance: Provenance) -> None:
        address = names.account_address(text)
        if not load.has_domain(tx, address.domain) or _has_key(tx, user, address):
            return
        account, limits = self._ids.new(IdKind.ACCOUNT), load.default_limits(tx, address.domain)
        events = decide.add_account(load.holder_of(tx, address), True, user, account, address, limits)
        append(tx, f"account:{account}", events, provenance)


def _has_key(reader: Reader, user: str, address: Address) -> bool:
    row = reader.first_row("SELECT person FROM account WHERE key = ?", (lookup_key(address),))
    return row is not None and row[0] == user
