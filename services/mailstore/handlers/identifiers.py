"""The identifiers of access control lists, as users write them: addresses, and `anyone`."""

from __future__ import annotations

from collections.abc import Mapping

from services.mailstore.domain.decide import MailboxRefused
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.imap.rights import MAX_IDENTIFIER
from shared.routing.address_book import AddressBook
from shared.routing.known_names import KnownAccount
from shared.routing.sharing import ANYONE, identify

_UNKNOWN = "there is nobody by this identifier with whom this mailbox can be shared"
_LONGEST_LEVEL = 255


def shown_identifier(book: AddressBook, identifier: str) -> str:
    """An identifier as it is shown: with the address of the account, or of a group's first account."""
    if identifier.startswith("-"):
        return "-" + shown_identifier(book, identifier[1:])
    if identifier == ANYONE:
        return ANYONE
    account = book.names.account_with_id(identifier)
    addresses = (
        [account.address]
        if account is not None
        else sorted(owned.address for owned in book.names.accounts_of(identifier))
    )
    return addresses[0] if addresses else identifier


def is_owner(book: AddressBook, owner: str, identifier: str) -> bool:
    """Whether an identifier is that of the mailbox's owner: the account, or the group that owns it."""
    account = book.names.account_with_id(owner)
    is_group = account is not None and account.user in book.names.groups.by_id
    return identifier == owner or (is_group and account is not None and identifier == account.user)


def named_identifier(book: AddressBook, owner: str, account: str, entries: Mapping[str, str], text: str) -> str:
    """The identifier that a text of `account` names for a mailbox of `owner`; one of a list is always found.

    Raises MailboxRefused, with the same text for what does not exist and for what may not be seen.
    """
    if len(text) > MAX_IDENTIFIER:
        raise MailboxRefused("CANNOT", _UNKNOWN)
    sign, base = ("-", text[1:]) if text.startswith("-") else ("", text)
    if base == shown_identifier(book, owner):
        return sign + owner
    known = identify(book, owner, base)
    if known is not None and account != owner and identify(book, account, base) is None:
        known = None
    if known is not None:
        return sign + known.id
    listed = (entry for entry in entries if text in (entry, shown_identifier(book, entry)))
    identifier = next(listed, "")
    if not identifier:
        raise MailboxRefused("CANNOT", _UNKNOWN)
    return identifier


def level_of(address: str, identity: str) -> str:
    """The level of mailbox names that stands for an account: its address, or its id where no level can be the
    address."""
    return identity if "/" in address or len(address.encode()) > _LONGEST_LEVEL else address


def account_at_level(book: AddressBook, level: str) -> KnownAccount | None:
    """The account for which a level of mailbox names stands."""
    by_id = book.names.account_with_id(level)
    if by_id is not None:
        return by_id
    try:
        local = book.locate(parse_address(level))
    except AddressError:
        return None
    holder = local.holder if local is not None and not local.detail else None
    return holder if isinstance(holder, KnownAccount) and level_of(holder.address, holder.id) != holder.id else None
