"""Finds the account of a mail's recipients in a copy of the directory in memory, so that no mail needs a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.bus.bus import Bus
from shared.eventstore.event import Event
from shared.grpc.channel import Channel
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.address_book import AddressBook
from shared.routing.block_lists import BlockLists


class FollowedRecipients(FollowedBook):
    """Resolves recipients with the address book.

    The directory is never asked: an address that the book does not know yet only means that no account's own lessons
    count more.
    """

    def __init__(self, directory: Channel, bus: Bus) -> None:
        super().__init__("classifier", directory, bus)
        self.lists = BlockLists()
        """Blocked and allowed senders."""

    def accounts_of(self, addresses: Sequence[str]) -> Iterator[str]:
        """The accounts to which these recipients belong, each once."""
        book, seen = self.copy or AddressBook(), set[str]()
        for address in addresses:
            for target in book.resolve(parse_address(address)).targets:
                if target.account and target.account not in seen:
                    seen.add(target.account)
                    yield target.account

    def take(self, event: Event, position: int) -> None:
        """Apply an event to the address book and to the lists."""
        super().take(event, position)
        self.lists.apply(event)

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.lists = BlockLists()

    def account_of(self, addresses: Sequence[str]) -> str:
        """The account that all these recipients belong to.

        "" when they belong to several accounts, to none, to another server, or are not known yet.
        """
        if self.copy is None:
            return ""
        accounts: set[str] = set()
        try:
            for address in addresses:
                accounts.update(target.account for target in self.copy.resolve(parse_address(address)).targets)
                if len(accounts) > 1:
                    return ""
        except AddressError:
            return ""
        return accounts.pop() if accounts else ""
