"""What a user without the right to everything sees in the lists of the directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.directory.domain.rights import Rights, UserRole, is_subject
from services.directory.handlers.right_rules import user_touched
from shared.eventstore.connection import Reader

View = Callable[[Reader, Rights, Any], None]
"""Removes from a reply what the user may not see."""


def _domains(reader: Reader, rights: Rights, reply: Any) -> None:
    visible = rights.domains or _own_domains(reader, rights)
    _keep(reply.domains, lambda domain: domain.id in visible)


def _users(reader: Reader, rights: Rights, reply: Any) -> None:
    def is_visible(user: Any) -> bool:
        if user.id == rights.user:
            return True
        touched = user_touched(reader, user.id) if rights.role is UserRole.DOMAIN_ADMIN else None
        return touched is not None and is_subject(rights, touched)

    _keep(reply.users, is_visible)


def _accounts(reader: Reader, rights: Rights, reply: Any) -> None:
    names, own = _domain_names(reader, rights), _own_addresses(reader, rights)
    _keep(reply.accounts, lambda account: account.address in own or _domain_of(account.address) in names)


def _aliases(reader: Reader, rights: Rights, reply: Any) -> None:
    """The aliases of an admin's domains, and those that lead to the user alone."""
    names, own = _domain_names(reader, rights), _own_addresses(reader, rights)
    _keep(reply.aliases, lambda alias: _domain_of(alias.address) in names or own.issuperset(alias.targets))


def _applications(reader: Reader, rights: Rights, reply: Any) -> None:
    names = _domain_names(reader, rights)
    _keep(reply.applications, lambda application: _domain_of(application.address) in names)


def _lists(reader: Reader, rights: Rights, reply: Any) -> None:
    names = _domain_names(reader, rights)
    _keep(reply.lists, lambda known: _domain_of(known.address) in names)


VIEWS: Mapping[str, View] = {
    "Directory/ListDomains": _domains,
    "Directory/ListUsers": _users,
    "Directory/ListAccounts": _accounts,
    "Directory/ListAliases": _aliases,
    "Credentials/ListApplications": _applications,
    "Lists/ListLists": _lists,
}
"""By contract and method."""


def _keep(items: Any, is_visible: Callable[[Any], bool]) -> None:
    visible = [item for item in items if is_visible(item)]
    del items[:]
    items.extend(visible)


def _own_domains(reader: Reader, rights: Rights) -> frozenset[str]:
    touched = user_touched(reader, rights.user)
    return touched.domains if touched is not None else frozenset()


def _own_addresses(reader: Reader, rights: Rights) -> frozenset[str]:
    rows = reader.all("SELECT address FROM account WHERE person = ?", (rights.user,))
    return frozenset(address for (address,) in rows)


def _domain_names(reader: Reader, rights: Rights) -> frozenset[str]:
    rows = (reader.first_row("SELECT name FROM domain WHERE id = ?", (identity,)) for identity in rights.domains)
    return frozenset(row[0] for row in rows if row is not None)


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]
