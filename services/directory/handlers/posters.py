"""The addresses under which the proven author of a message may be a member of a list."""

from __future__ import annotations

from itertools import chain, islice

import msgspec

from services.directory.domain.names import key_of
from services.directory.handlers import load, load_groups
from services.directory.handlers.book import CurrentBook
from shared.eventstore.connection import Reader
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.known_groups import GROUP_TARGET

_MOST_KEYS = 500


class Poster(msgspec.Struct, frozen=True):
    """Who wrote a message, as far as it is proven: by a log-in, or by DMARC. All empty: nothing is proven."""

    user: str = ""
    account: str = ""
    author: str = ""


class PosterKeys:
    """Finds the addresses."""

    def __init__(self, current: CurrentBook) -> None:
        self._current = current

    def keys_of(self, reader: Reader, poster: Poster) -> set[str]:
        """The lookup keys, without tags, of all addresses of the author: also accounts of the same user and aliases."""
        addresses = set[str]()
        user = load.user(reader, poster.user) if poster.user else None
        if user is not None:
            addresses.update(user.accounts)
        account = load.account(reader, poster.account) if poster.account else None
        if account is not None:
            addresses.add(account.address)
        if poster.author:
            addresses.update(self._addresses_of_author(poster.author))
        aliases = {alias for address in addresses for alias in load.aliases_to(reader, address)}
        return {self._bare_key(address) for address in sorted(addresses | aliases)[:_MOST_KEYS]}

    def group_keys_of(self, reader: Reader, poster: Poster) -> set[str]:
        """The lookup keys of the groups of the author, as members of lists, and of their accounts and aliases."""
        users = self._users_of(reader, poster)
        identities = {identity for user in users for identity, _ in load_groups.groups_of(reader, user)}
        groups = [f"{GROUP_TARGET}{identity}" for identity in sorted(identities)]
        accounts = [address for identity in sorted(identities) for address in load_groups.accounts_of(reader, identity)]
        aliases = (alias for target in (*groups, *accounts) for alias in load.aliases_to(reader, target))
        addresses = islice(chain(accounts, aliases), _MOST_KEYS)
        return {*groups[:_MOST_KEYS], *map(self._bare_key, addresses)}

    def _users_of(self, reader: Reader, poster: Poster) -> set[str]:
        """The user who logged in, or who owns the account that the proven author is."""
        if poster.user:
            return {poster.user}
        accounts = self._addresses_of_author(poster.author) if poster.author else set[str]()
        known = [load.account(reader, address) for address in accounts]
        return {account.user for account in known if account is not None}

    def _addresses_of_author(self, text: str) -> set[str]:
        """The author, and the accounts that an address of ours stands for alone."""
        try:
            address = parse_address(text)
        except AddressError:
            return set()
        targets = self._current.book.resolve(address).targets
        only = {target.address for target in targets if target.account} if len(targets) == 1 else set()
        return only | {text}

    def _bare_key(self, text: str) -> str:
        try:
            address: Address = self._current.canonical(parse_address(text))
        except AddressError:
            return key_of(text)
        return lookup_key(without_subaddress(address)[0])
