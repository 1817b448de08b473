"""The address book in force: read from the rows at the start, then folded at each commit, before its writer is
answered.
"""

from __future__ import annotations

from services.directory.handlers import load
from shared.events.directory import AccountAdded, AccountChanged, AliasAdded, AliasSwitched, DomainAdded, DomainChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Recorded
from shared.routing.address_book import AddressBook


def read_book(reader: Reader) -> AddressBook:
    """The book as the rows say."""
    book = AddressBook()
    for domain in load.domains(reader):
        book.apply(DomainAdded(domain.id, domain.name, domain.incoming))
        if domain.disabled:
            book.apply(DomainChanged(domain.id, domain.incoming, True))
    for account in load.accounts(reader):
        book.apply(AccountAdded(account.id, account.address, account.user, account.quota_bytes))
        if account.disabled:
            book.apply(AccountChanged(account.id, True, account.quota_bytes))
    for alias in load.aliases(reader):
        book.apply(AliasAdded(alias.address, alias.targets))
        if alias.disabled:
            book.apply(AliasSwitched(alias.address, True))
    return book


class CurrentBook:
    """Answers from memory."""

    def __init__(self) -> None:
        self.book = AddressBook()

    def follow(self, recorded: list[Recorded]) -> None:
        """Fold what was just committed."""
        for one in recorded:
            self.book.apply(one.event)
