"""The external lists that scripts may ask (RFC 6134): the allowed and the blocked senders of the account.

There is no other address book yet, so the default one (RFC 6134 §2.4) is the list of the senders whom the owner allows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from shared.grpc.errors import NotFound
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address
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


class ExternalLists:
    """The lists of one account, each read once in a run. Raises ServiceError when the directory does not answer now."""

    def __init__(self, directory: BlockingAsyncStub, address: str) -> None:
        """`address` is that of the account."""
        self._directory = directory
        self._address = address
        self._read: dict[SenderList, AccountLists] = {}

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
