"""Whose mail it is: from a followed copy of the directory, so that no mail costs a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.bus.bus import Bus
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError


class FollowedRecipients(FollowedBook):
    """The followed address book. What it does not know yet only means less influence: the owner is never asked."""

    def __init__(self, directory: Any, bus: Bus) -> None:
        super().__init__("classifier", directory, bus)

    def account_of(self, addresses: Sequence[str]) -> str:
        """The account that all these recipients lead to; "" when they lead to several, elsewhere, or nowhere that is
        known.
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
