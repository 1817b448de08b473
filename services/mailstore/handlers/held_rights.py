"""The rights that an account has to the mailboxes of another one, at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.mailstore.domain.access_list import AccessList, rights_for
from shared.eventstore.connection import Reader
from shared.grpc.errors import Unavailable
from shared.owner.followed_book import FollowedBook
from shared.protocol.imap.mailbox_name import ancestors, canonical_name
from shared.routing.address_book import AddressBook
from shared.routing.sharing import held_identifiers, identifiers_towards

_OWN_SEEN = "(SELECT 1 FROM own_seen_reader WHERE own_seen_reader.mailbox = mailbox.id AND reader = '')"
_BY_NAME = (
    f"SELECT mailbox.id, mailbox_right.identifier, mailbox_right.rights, {_OWN_SEEN} FROM mailbox"  # noqa: S608
    f" LEFT JOIN mailbox_right ON mailbox_right.mailbox = mailbox.id WHERE mailbox.account = ? AND mailbox.name = ?"
)
_BY_ID = (
    f"SELECT mailbox.id, mailbox_right.identifier, mailbox_right.rights, {_OWN_SEEN} FROM mailbox"  # noqa: S608
    f" LEFT JOIN mailbox_right ON mailbox_right.mailbox = mailbox.id WHERE mailbox.account = ? AND mailbox.id = ?"
)
_NAMED = (
    "SELECT mailbox.id, mailbox.name, mailbox_right.identifier, mailbox_right.rights FROM mailbox_right"
    " JOIN mailbox ON mailbox.id = mailbox_right.mailbox"
    " WHERE mailbox_right.account = ? AND mailbox_right.identifier IN ({})"
)
_OWNERS = "SELECT DISTINCT account FROM mailbox_right WHERE identifier IN ({})"
_IDENTIFIERS_A_PAGE = 200


class SharedName(NamedTuple):
    """A mailbox of another account."""

    name: str
    mailbox: str
    """Its id."""
    rights: str


class HeldRights(NamedTuple):
    """A mailbox, and the rights to it of whoever asks; an id that is empty: it does not exist."""

    mailbox: str
    rights: str
    has_own_seen: bool = False
    r"""Whether \Seen of the mailbox is each user's own."""


class Holders:
    """Reads rights. Who holds which identifier is taken from the copy of the address book."""

    def __init__(self, book: FollowedBook) -> None:
        self._book = book

    @property
    def book(self) -> AddressBook:
        """The address book. Raises Unavailable while it is not known, because then nobody has a right."""
        copy = self._book.copy
        if copy is None:
            raise Unavailable("the directory's groups and addresses are not known yet; try again", "sharing")
        return copy

    def identifiers(self, account: str, owner: str) -> frozenset[str]:
        """The identifiers under which an account has rights that the owner gave."""
        return frozenset(identifiers_towards(self.book, account, owner))

    def by_name(self, reader: Reader, account: str, owner: str, name: str) -> HeldRights:
        """The rights to a mailbox by name; the work is the same for one that does not exist."""
        return self._held(reader, account, owner, _BY_NAME, canonical_name(name))

    def by_id(self, reader: Reader, account: str, owner: str, mailbox: str) -> HeldRights:
        """The rights to a mailbox by id."""
        return self._held(reader, account, owner, _BY_ID, mailbox)

    def above(self, reader: Reader, account: str, owner: str, name: str) -> str:
        """The rights to the nearest mailbox above a name; none when there is none."""
        for parent in reversed(ancestors(canonical_name(name))):
            held = self.by_name(reader, account, owner, parent)
            if held.mailbox:
                return held.rights
        return ""

    def of_mailboxes(self, reader: Reader, account: str, owner: str) -> list[SharedName]:
        """The mailboxes of an owner to which an account has any right, in the order of their names."""
        identifiers = self.identifiers(account, owner)
        lists: dict[tuple[str, str], AccessList] = {}
        for page in _pages((*identifiers, *(f"-{identifier}" for identifier in identifiers))):
            for mailbox, name, identifier, rights in reader.all(_NAMED.format(_marks(page)), (owner, *page)):
                lists.setdefault((name, mailbox), {})[identifier] = rights
        held = (SharedName(name, mailbox, rights_for(identifiers, lists[name, mailbox])) for name, mailbox in lists)
        return sorted(shared for shared in held if shared.rights)

    def has_any(self, reader: Reader, account: str, owner: str) -> bool:
        """Whether an account has any right to any mailbox of an owner."""
        return bool(self.of_mailboxes(reader, account, owner))

    def owners(self, reader: Reader, account: str) -> list[str]:
        """The accounts that have given rights to an identifier of this account, in order of their ids."""
        owners: set[str] = set()
        for page in _pages(held_identifiers(self.book, account)):
            owners.update(row[0] for row in reader.all(_OWNERS.format(_marks(page)), page))
        return sorted(owners - {account})

    def _held(self, reader: Reader, account: str, owner: str, sql: str, key: str) -> HeldRights:
        rows = reader.all(sql, (owner, key))
        entries = {identifier: rights for _, identifier, rights, _ in rows if identifier is not None}
        rights = rights_for(self.identifiers(account, owner), entries)
        return HeldRights(rows[0][0] if rows else "", rights, bool(rows and rows[0][3]))


def _marks(page: tuple[str, ...]) -> str:
    return ", ".join("?" * len(page))


def _pages(identifiers: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (identifiers[at : at + _IDENTIFIERS_A_PAGE] for at in range(0, len(identifiers), _IDENTIFIERS_A_PAGE))
