"""What Sieve scripts know of the owner of an account: all addresses that lead there, the language and the zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.directory.handlers.addressees import of_account
from shared.eventstore.connection import Reader
from shared.protocol.address.address import parse_address
from shared.routing.address_book import MAX_ALIAS_STEPS, AddressBook
from shared.routing.known_groups import GROUP_TARGET
from shared.routing.known_names import KnownDomain, key_of

MOST_ADDRESSES = 1000
"""Addresses of an account that its scripts know; an account with more is none of a person."""
_ALIASES = (
    "SELECT alias.key, alias.address FROM alias_target JOIN alias ON alias.key = alias_target.alias"
    " WHERE alias_target.target = ? AND alias.disabled = ? AND alias.ended = ? AND alias.is_pattern = ?"
    " ORDER BY alias.key LIMIT ?"
)
_DOMAINS = "SELECT name FROM domain WHERE alias_of = ? ORDER BY name LIMIT ?"


class ScriptOwnerState(NamedTuple):
    """The owner of an account; empty texts where nothing is known."""

    address: str
    addresses: tuple[str, ...]
    display_name: str
    language: str
    time_zone: str
    separators: str


def script_owner(reader: Reader, book: AddressBook, account: str) -> ScriptOwnerState:
    """The owner of an account. Raises DirectoryRefused `missing`.

    Aliases with wildcards and catch-alls have no addresses that could be listed.
    """
    known = of_account(reader, account)
    domain = book.names.domain_of(parse_address(known.address).domain)
    addresses = _with_alias_domains(reader, book, _leading_to(reader, [known.address, *_groups(book, account)]))
    return ScriptOwnerState(
        known.address,
        tuple(addresses),
        known.display_name,
        known.language,
        known.time_zone,
        domain.rules.separators if domain is not None else "",
    )


def _groups(book: AddressBook, account: str) -> Iterator[str]:
    """The groups whose mail the account gets, as targets of aliases."""
    known = book.names.account_with_id(account)
    for group in book.names.groups.of(known.user) if known is not None else ():
        if any(first.id == account for first in book.names.first_accounts(group)):
            yield f"{GROUP_TARGET}{group}"


def _leading_to(reader: Reader, targets: Sequence[str]) -> list[str]:
    """The addresses among these targets, and those of the aliases that lead to them, level by level."""
    reached = {key_of(target): target for target in targets}
    level = list(reached)
    for _ in range(MAX_ALIAS_STEPS):
        following: list[str] = []
        for key in level:
            for alias, address in reader.all(_ALIASES, (key, False, False, False, MOST_ADDRESSES)):
                if alias not in reached and len(reached) < MOST_ADDRESSES:
                    reached[alias] = address
                    following.append(alias)
        level = following
    return [address for address in reached.values() if not address.startswith(GROUP_TARGET)]


def _with_alias_domains(reader: Reader, book: AddressBook, addresses: Sequence[str]) -> list[str]:
    """The addresses, and the same names in the domains that are aliases of theirs."""
    domains = {parse_address(address).domain: None for address in addresses}
    aliases = {name: _alias_domains(reader, book.names.domain_of(name)) for name in domains}
    made = list(addresses)
    for address in addresses:
        localpart, _, domain = address.rpartition("@")
        made += [f"{localpart}@{name}" for name in aliases[parse_address(address).domain] if name != domain]
    return made[:MOST_ADDRESSES]


def _alias_domains(reader: Reader, domain: KnownDomain | None) -> list[str]:
    return [] if domain is None else [row[0] for row in reader.all(_DOMAINS, (domain.id, MOST_ADDRESSES))]
