"""With whom an account may share mailboxes, answered from the address book without a call.

An identifier is a stable id: that of an account, that of a group, or `anyone` (RFC 4314 §3). A later account, group or
domain with the same name has another id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.address_book import AddressBook, LocalAddress
from shared.routing.known_groups import group_of
from shared.routing.known_names import KnownAccount, KnownAlias, KnownDomain
from shared.routing.known_sharing import Visible

ANYONE = "anyone"
_LONGEST = 400
"""Characters of an identifier that is looked up: more than any address has (RFC 5321 §4.5.3.1)."""


class Identifier(NamedTuple):
    """Somebody with whom an account may share."""

    id: str
    kind: str
    """`user`, `group` or `anyone`."""
    name: str
    """The address, in the spelling of the directory; or `anyone`."""


def identify(book: AddressBook, account: str, text: str) -> Identifier | None:
    """The identifier that a text names, if the account with this id may share with it.

    None for what does not exist and for what the account does not see, with the same work. The address of a group's
    account, and of an alias that leads to a group alone, names the group.
    """
    domain = _domain_of(book, account)
    if domain is None or len(text) > _LONGEST:
        return None
    if text == ANYONE:
        may = book.sharing.is_on and book.sharing.rule_of(domain.id).anyone
        return Identifier(ANYONE, ANYONE, ANYONE) if may else None
    try:
        local = book.locate(parse_address(text))
    except AddressError:
        return None
    if local is None or local.domain.disabled or not book.sharing.sees(domain.id, local.domain.id):
        return None
    return _holder(book, local)


def visible_domains(book: AddressBook, account: str) -> list[KnownDomain]:
    """The domains whose accounts an account sees, by name."""
    domain = _domain_of(book, account)
    if domain is None:
        return []
    if book.sharing.rule_of(domain.id).visible is Visible.DOMAIN:
        others: Iterable[KnownDomain] = (domain,)
    else:
        others = (book.names.domains[name] for name in sorted(book.names.domains))
    return [
        other
        for other in others
        if not other.disabled and not other.alias_of and book.sharing.sees(domain.id, other.id)
    ]


def held_identifiers(book: AddressBook, account: str) -> tuple[str, ...]:
    """The identifiers under which an account may be given rights: its own, those of its groups, `anyone`."""
    known = book.names.account_with_id(account)
    if known is None:
        return ()
    return (account, *_groups(book, known), ANYONE)


def identifiers_towards(book: AddressBook, account: str, owner: str) -> tuple[str, ...]:
    """The identifiers under which an account has the rights that another one, the owner, has given to them now.

    None while sharing is off, and none that the rules of both domains do not permit any more.
    """
    known, domain, theirs = book.names.account_with_id(account), _domain_of(book, account), _domain_of(book, owner)
    if known is None or domain is None or theirs is None or theirs.disabled:
        return ()
    groups = tuple(group for group in _groups(book, known) if _is_group_visible(book, theirs, group))
    if not book.sharing.sees(theirs.id, domain.id):
        return groups
    return (account, *groups, ANYONE) if book.sharing.rule_of(theirs.id).anyone else (account, *groups)


def _holder(book: AddressBook, local: LocalAddress) -> Identifier | None:
    holder = local.holder
    match holder:
        case KnownAccount(disabled=False) if not local.detail:
            is_group = holder.user in book.names.groups.by_id
            return Identifier(holder.user if is_group else holder.id, "group" if is_group else "user", holder.address)
        case KnownAlias(kind="exact") if not local.detail and holder.is_in_use and len(holder.targets) == 1:
            group = group_of(holder.targets[0])
            return Identifier(group, "group", holder.address) if group in book.names.groups.by_id else None
        case _:
            return None


def _domain_of(book: AddressBook, account: str) -> KnownDomain | None:
    """The domain of the account with this id; None when there is no such account, or it is disabled."""
    known = book.names.account_with_id(account)
    if known is None or known.disabled:
        return None
    return book.names.domains.get(known.address.rpartition("@")[2])


def _groups(book: AddressBook, account: KnownAccount) -> Iterator[str]:
    """The groups of the user who owns an account, and the group that owns it."""
    if account.user in book.names.groups.by_id:
        yield account.user
    yield from book.names.groups.of(account.user)


def _is_group_visible(book: AddressBook, domain: KnownDomain, group: str) -> bool:
    """Whether the accounts of a domain see an account of a group."""
    names = {account.address.rpartition("@")[2] for account in book.names.accounts_of(group)}
    others = (book.names.domains.get(name) for name in names)
    return any(other is not None and book.sharing.sees(domain.id, other.id) for other in others)
