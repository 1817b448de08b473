"""Commands and questions about who has which rights to mailboxes (RFC 4314)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.mailstore.domain import access_list as decide
from services.mailstore.domain.access_list import AccessList
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.handlers import load, own_seen_switch
from services.mailstore.handlers.all_mail import is_all_mail
from services.mailstore.handlers.held_rights import HeldRights, Holders
from services.mailstore.handlers.identifiers import is_owner, named_identifier, shown_identifier
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.rights import ALL_RIGHTS

MOST_GRANTS = 500
NOT_PERMITTED = "you have no right to do this"
_OF_MAILBOX = "SELECT identifier, rights FROM mailbox_right WHERE mailbox = ? ORDER BY identifier"
_OF_ACCOUNT = (
    "SELECT mailbox.id, mailbox.name, mailbox_right.identifier, mailbox_right.rights FROM mailbox_right"
    " JOIN mailbox ON mailbox.id = mailbox_right.mailbox WHERE mailbox_right.account = ?"
    " AND (mailbox_right.mailbox > ? OR (mailbox_right.mailbox = ? AND mailbox_right.identifier > ?))"
    " ORDER BY mailbox_right.mailbox, mailbox_right.identifier LIMIT ?"
)
_ANY_RIGHT = frozenset(ALL_RIGHTS)


class GrantedRight(NamedTuple):
    """A line of the owner's list of grants."""

    mailbox: str
    """A name."""
    identifier: str
    rights: str


class GrantPage(NamedTuple):
    """A page of them."""

    grants: list[GrantedRight]
    next: str
    """Where the next page begins; empty: this is the last."""


def entries_of(reader: Reader, mailbox: str) -> AccessList:
    """The list of a mailbox, by id."""
    return dict(reader.all(_OF_MAILBOX, (mailbox,)))


def missing(name: str) -> MailboxRefused:
    """The refusal for a mailbox that does not exist, and for one that may not be seen (RFC 4314 §6)."""
    return MailboxRefused("NONEXISTENT", f"there is no mailbox {name}")


def demand(held: HeldRights, rights: str, name: str) -> HeldRights:
    """Check that all of these rights are held. Raises MailboxRefused, as for a missing mailbox without `l`."""
    if held.mailbox and set(rights) <= set(held.rights):
        return held
    if held.mailbox and "l" in held.rights:
        raise MailboxRefused("NOPERM", NOT_PERMITTED)
    raise missing(name)


class AccessLists:
    """The commands. `account` is who asks; the owner of the mailbox may always do everything."""

    def __init__(self, store: EventStore, holders: Holders, limit: int, *, own_seen: bool = False) -> None:
        self._store = store
        self._holders = holders
        self._limit = limit
        self._own_seen = own_seen

    async def shown(self, account: str, owner: str, name: str) -> list[tuple[str, str]]:
        """GETACL: (identifier, rights), the owner first. Raises MailboxRefused."""

        def ask(reader: Reader) -> AccessList:
            return entries_of(reader, self._administered(reader, account, owner, name).mailbox)

        entries, book = await self._store.read(ask), self._holders.book
        return [
            (shown_identifier(book, owner), ALL_RIGHTS),
            *((shown_identifier(book, identifier), rights) for identifier, rights in entries.items()),
        ]

    async def change(
        self, account: str, owner: str, name: str, text: str, mode: str, rights: str, provenance: Provenance
    ) -> int:
        """SETACL and DELETEACL. Returns the owner's version. Raises MailboxRefused."""

        def work(tx: Transaction) -> int:
            if load.closing_of(tx, owner):
                raise MailboxRefused("CLOSED", "the account was removed")
            mailbox = self._administered(tx, account, owner, name).mailbox
            if is_all_mail(mailbox):
                raise MailboxRefused("CANNOT", "the mailboxes are shared, and not All Mail, which shows all of them")
            if not tx.answered(provenance.command):
                entries = entries_of(tx, mailbox)
                identifier = self._named(account, owner, entries, text)
                events = decide.change(owner, mailbox, entries, identifier, mode, rights, self._limit)
                is_first = bool(events) and not entries
                own_seen = own_seen_switch.begin(tx, owner, mailbox) if is_first and self._own_seen else []
                tx.append(owner, [*events, *own_seen], provenance)
            return tx.version(owner)

        return await self._store.write(work, long=self._own_seen)

    async def possible(self, account: str, owner: str, name: str, text: str) -> tuple[str, list[str]]:
        """LISTRIGHTS: the rights that an identifier always has, and those that it may be given (RFC 4314 §3.4).

        Raises MailboxRefused.
        """

        def ask(reader: Reader) -> AccessList:
            return entries_of(reader, self._administered(reader, account, owner, name).mailbox)

        entries = await self._store.read(ask)
        identifier = named_identifier(self._holders.book, owner, account, entries, text)
        return (ALL_RIGHTS, []) if is_owner(self._holders.book, owner, identifier) else ("", list(ALL_RIGHTS))

    async def own(self, account: str, owner: str, name: str) -> str:
        """MYRIGHTS, which needs any right that shows the mailbox (RFC 4314 §4). Raises MailboxRefused."""
        held = await self._store.read(lambda reader: self._held(reader, account, owner, name))
        if not held.mailbox or _ANY_RIGHT.isdisjoint(held.rights):
            raise missing(name)
        return held.rights

    async def grants(self, owner: str, after: str, most: int) -> GrantPage:
        """A page of all rights that an account has given."""
        mailbox, _, identifier = after.partition(" ")
        most = min(most or MOST_GRANTS, MOST_GRANTS)
        rows = await self._store.read(
            lambda reader: reader.all(_OF_ACCOUNT, (owner, mailbox, mailbox, identifier, most))
        )
        book = self._holders.book
        granted = [GrantedRight(name, shown_identifier(book, entry), rights) for _, name, entry, rights in rows]
        return GrantPage(granted, f"{rows[-1][0]} {rows[-1][2]}" if len(rows) == most else "")

    async def revoke(self, owner: str, name: str, text: str, provenance: Provenance) -> tuple[int, int]:
        """End the rights of an identifier, or of all, to a mailbox or to all; returns their number and the version.

        Raises MailboxRefused NONEXISTENT.
        """
        book = self._holders.book

        def work(tx: Transaction) -> tuple[int, int]:
            done = tx.answered(provenance.command)
            if done:
                return len(done), tx.version(owner)
            only = load.mailbox_by_name(tx, owner, name).id if name else ""
            lists: dict[str, AccessList] = {}
            for mailbox, identifier, rights in lists_of(tx, owner):
                is_named = not text or text in (identifier, shown_identifier(book, identifier))
                if is_named and only in ("", mailbox):
                    lists.setdefault(mailbox, {})[identifier] = rights
            tx.append(owner, _ended(owner, lists), provenance)
            return sum(map(len, lists.values())), tx.version(owner)

        return await self._store.write(work, long=True)

    def _administered(self, reader: Reader, account: str, owner: str, name: str) -> HeldRights:
        return demand(self._held(reader, account, owner, name), "a", name)

    def _held(self, reader: Reader, account: str, owner: str, name: str) -> HeldRights:
        if account == owner:
            return HeldRights(load.mailbox_by_name(reader, owner, name).id, ALL_RIGHTS)
        return self._holders.by_name(reader, account, owner, name)

    def _named(self, account: str, owner: str, entries: AccessList, text: str) -> str:
        identifier = named_identifier(self._holders.book, owner, account, entries, text)
        if is_owner(self._holders.book, owner, identifier.removeprefix("-")):
            raise MailboxRefused("CANNOT", "the owner always has every right")
        return identifier


def lists_of(reader: Reader, owner: str) -> Iterable[tuple[str, str, str]]:
    """The lists of an account's mailboxes, as (mailbox id, identifier, rights)."""
    return reader.all("SELECT mailbox, identifier, rights FROM mailbox_right WHERE account = ?", (owner,))


def _ended(owner: str, lists: dict[str, AccessList]) -> list[Event]:
    named = {identifier.removeprefix("-") for entries in lists.values() for identifier in entries}
    return decide.without(owner, named, lists)
