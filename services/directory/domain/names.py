"""The canonical forms of the names that people give to domains, users, accounts and aliases."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from services.directory.domain.state import DirectoryRefused
from shared.protocol.address.account import account_name, is_application_name, lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError, is_address_literal, parse_domain
from shared.routing.wildcards import WILDCARD

USER_NAME_LIMIT = 200
TARGET_LIMIT = 1000
GROUP_TARGET_LIMIT = 20


def domain_name(text: str) -> str:
    """A domain as lower-case A-labels (RFC 5890). Raises DirectoryRefused."""
    try:
        name = parse_domain(text.strip().removesuffix("."))
    except AddressError as error:
        raise DirectoryRefused(
            "invalid", f"{text!r} is not a domain name: {error.reason}. Give a name like example.org."
        ) from error
    if is_address_literal(name) or "." not in name or "_" in name:
        raise DirectoryRefused("invalid", f"{text!r} cannot be a mail domain. Give a name like example.org.")
    return name


def user_name(text: str) -> str:
    """A user's name as it was written, in one Unicode normalisation form. Raises DirectoryRefused."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > USER_NAME_LIMIT or not name.isprintable():
        raise DirectoryRefused("invalid", f"a user's name has 1 to {USER_NAME_LIMIT} printable characters")
    return name


def group_name(text: str) -> str:
    """A group's name, which has the form of a user's. Raises DirectoryRefused."""
    try:
        return user_name(text)
    except DirectoryRefused as refused:
        raise DirectoryRefused(
            "invalid", f"a group's name has 1 to {USER_NAME_LIMIT} printable characters"
        ) from refused


def user_key(name: str) -> str:
    """The key by which users' names are compared, without regard to case."""
    return unicodedata.normalize("NFC", name.strip().casefold())


def account_address(text: str) -> Address:
    """The canonical address of an account. Raises DirectoryRefused."""
    address = parsed_address(text)
    try:
        name = account_name(address.localpart)
    except AddressError as error:
        raise DirectoryRefused("invalid", f"{text!r} cannot be a mailbox: {error.reason}") from error
    if is_application_name(name):
        raise DirectoryRefused(
            "invalid", f"{text!r} cannot be a mailbox: names ending in .app are reserved for applications"
        )
    return Address(name, address.domain)


def alias_address(text: str) -> Address:
    """The canonical address of an alias, perhaps with `*`, without sub-address. Raises DirectoryRefused."""
    address = parsed_address(text)
    if WILDCARD not in address.localpart and without_subaddress(address)[1] is not None:
        raise DirectoryRefused(
            "invalid", f"{text!r} has a '+': mail to name+tag reaches name by itself, make the alias without the tag"
        )
    return Address(lookup_key(address).rpartition("@")[0], address.domain)


def alias_targets(texts: tuple[str, ...]) -> tuple[Address, ...]:
    """The targets of an alias, without repeats. Raises DirectoryRefused."""
    by_key = {lookup_key(address): address for address in map(parsed_address, texts)}
    if not by_key:
        raise DirectoryRefused("invalid", "an alias needs at least one target address")
    if len(by_key) > TARGET_LIMIT:
        raise DirectoryRefused("invalid", f"an alias has at most {TARGET_LIMIT} targets")
    return tuple(by_key.values())


def addresses(texts: Iterable[str]) -> list[Address]:
    """Addresses that people wrote. Raises DirectoryRefused."""
    return [parsed_address(text) for text in texts]


def key_of(text: str) -> str:
    """The lookup key of a text; a text that is no address is only case-folded, and will not be found."""
    try:
        return lookup_key(parse_address(text.strip()))
    except AddressError:
        return text.strip().casefold()


def parsed_address(text: str) -> Address:
    """The address that people mean by a text. Raises DirectoryRefused."""
    try:
        return parse_address(text.strip())
    except AddressError as error:
        raise DirectoryRefused(
            "invalid", f"{text!r} is not an address: {error.reason}. Give one like ann@example.org."
        ) from error
