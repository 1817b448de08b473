"""Who reads a notification: the profile of the user who owns an account."""

from __future__ import annotations

from typing import NamedTuple

from services.directory.domain.state import DirectoryRefused
from shared.eventstore.connection import Reader
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.address_book import AddressBook
from shared.routing.resolution import ResolutionKind

_PROFILE = (
    "SELECT account.address, profile.display_name, profile.language, profile.time_zone FROM account"
    " LEFT JOIN profile ON profile.person = account.person WHERE account.id = ?"
)


class AddresseeState(NamedTuple):
    """An address with the profile of the user who gets its mail; empty texts where there is none."""

    address: str
    display_name: str = ""
    language: str = ""
    time_zone: str = ""


def of_account(reader: Reader, account: str) -> AddresseeState:
    """The owner of an account. Raises DirectoryRefused `missing`."""
    row = reader.first_row(_PROFILE, (account,))
    if row is None:
        raise DirectoryRefused("missing", f"there is no account {account}")
    return AddresseeState(row[0], *(text or "" for text in row[1:]))


def of_address(reader: Reader, book: AddressBook, address: str) -> AddresseeState:
    """The owner of the single account that gets mail to an address."""
    account = _single_account(book, address)
    row = reader.first_row(_PROFILE, (account,)) if account else None
    return AddresseeState(address, *(text or "" for text in row[1:])) if row is not None else AddresseeState(address)


def _single_account(book: AddressBook, address: str) -> str:
    """The id of the only account that gets mail to an address; empty when there is none, or more than a single one."""
    try:
        resolution = book.resolve(parse_address(address))
    except AddressError:
        return ""
    is_single = resolution.kind is ResolutionKind.ACCOUNTS and len(resolution.targets) == 1
    return resolution.targets[0].account if is_single else ""
