"""Finds out, before an alias or a catch-all is saved, whether its mail would come back to it."""

from __future__ import annotations

from shared.protocol.address.address import parse_address
from shared.routing.address_book import MAX_WORK, AddressBook
from shared.routing.known_groups import group_of
from shared.routing.known_names import KnownAlias


def leads_back(book: AddressBook, alias: KnownAlias) -> bool:
    """Whether mail to an alias would come to it again. `book` must have the alias as it is to be saved.

    What takes too much work is not followed to its end; it is cut at each mail as well.
    """
    waiting, seen, work = list(alias.targets), set[str](), 0
    while waiting and work <= MAX_WORK:
        target = waiting.pop()
        if target in seen or group_of(target):  # members get it at accounts, which lead no further
            continue
        seen.add(target)
        local = book.locate(parse_address(target))
        work += book.work_of(local)
        holder = local.holder if local is not None else None
        if isinstance(holder, KnownAlias):
            if holder.address == alias.address:
                return True
            waiting += holder.targets
    return False
