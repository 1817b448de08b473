"""The external lists of scripts (RFC 6134): the allowed and blocked senders of the account, and mailing lists here.

There is no other address book yet, so the default one (RFC 6134 §2.4) is the list of the senders whom the owner allows.
A mailing list is for `redirect :list`; who its members are is nothing that a script can ask.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from shared.grpc.errors import NotFound
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.block_lists import ALLOW, BLOCK, AccountLists, SenderList
from shared.rpc.mailfold.directory.v1.blocking_pb2 import ListBlockingRequest

if TYPE_CHECKING:
    from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingAsyncStub

EXTERNAL_LISTS: dict[str, SenderList] = {
    ":addrbook:default": ALLOW,
    "urn:ietf:params:sieve:addrbook:default": ALLOW,
    "urn:mailfold:allowed-senders": ALLOW,
    "urn:mailfold:blocked-senders": BLOCK,
}
"""The lists by the names that scripts use."""
_PAGE = 1000
_MOST_PAGES = 20
"""Pages that a run reads; the entries after them do not count."""


def mailing_list_address(name: str) -> Address:
    """The address of a mailing list by the name that scripts use (RFC 6134 §2.3). Raises AddressError."""
    return parse_address(name.removeprefix("mailto:"))


class ExternalLists:
    """The lists of one account, each read once in a run. Raises ServiceError when the directory does not answer now."""

    def __init__(self, directory: BlockingAsyncStub, book: FollowedBook, address: str) -> None:
        """`address` is that of the account."""
        self._book = book
        self._directory = directory
        self._address = address
        self._read: dict[SenderList, AccountLists] = {}

    async def exists(self, name: str) -> bool:
        """Whether a list can be asked, or mail can be redirected to it."""
        return name in EXTERNAL_LISTS or await self._is_mailing_list(name)

    async def _is_mailing_list(self, name: str) -> bool:
        try:
            address = mailing_list_address(name)
        except AddressError:
            return False
        return any(target.list_id for target in (await self._book.resolve(address)).targets)

    async def contains(self, name: str, value: str) -> bool:
        """Whether a list has a pattern that stands for an address."""
        chosen = EXTERNAL_LISTS.get(name)
        if chosen is None:
            return False
        try:
            key = lookup_key(parse_address(value))
        except AddressError:
            return False
        return (await self._entries(chosen)).find(key) is not None

    async def _entries(self, chosen: SenderList) -> AccountLists:
        known = self._read.get(chosen)
        if known is None:
            known = self._read[chosen] = AccountLists()
            async for pattern in self._patterns(chosen):
                known.add(pattern, chosen)
        return known

    async def _patterns(self, chosen: SenderList) -> AsyncIterator[str]:
        after = ""
        for _ in range(_MOST_PAGES):
            request = ListBlockingRequest(account=self._address, list=chosen, after=after, limit=_PAGE)
            try:
                page = await self._directory.ListEntries(request)
            except NotFound:  # an application has no lists of its own
                return
            for pattern in page.patterns:
                yield pattern
            if not page.more:
                return
            after = page.patterns[-1]
