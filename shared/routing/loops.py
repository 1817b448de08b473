"""Finds out, before an alias or a catch-all is saved, whether its mail would come back to it."""

from __future__ import annotations

from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.known_names import KnownAlias

_MAX_LOOKUPS = 5_000


def leads_back(book: AddressBook, alias: KnownAlias) -> bool:
    """Whether mail to an alias would come to it again. `book` must have the alias as it is to be saved.

    Chains beyond some thousand addresses are not followed; they are cut at each mail as well.
    """
    waiting, seen = list(alias.targets), set[str]()
    while waiting and len(seen) < _MAX_LOOKUPS:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        local = book.locate(parse_address(target))
        holder = local.holder if local is not None else None
        if isinstance(holder, KnownAlias):
            if holder.address == alias.address:
                return True
            waiting += holder.targets
    return False
