"""What a user without the right to everything sees in the lists of the directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.directory.domain.rights import Rights, UserRole
from services.directory.handlers.right_rules import user_touched
from shared.eventstore.connection import Reader

View = Callable[[Reader, Rights, Any], None]
"""Removes from a reply what the user may not see, with a number of statements that does not grow with the reply."""


def _domains(reader: Reader, rights: Rights, reply: Any) -> None:
    visible = rights.domains or _own_domains(reader, rights)
    _keep(reply.domains, lambda domain: domain.id in visible)


def _users(reader: Reader, rights: Rights, reply: Any) -> None:
    visible = {rights.user}
    if rights.role is UserRole.DOMAIN_ADMIN:
        visible |= _subjects(reader, rights)
    _keep(reply.users, lambda user: user.id in visible)


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


def _subjects(reader: Reader, rights: Rights) -> set[str]:
    """The ids of the users whom a domain admin may change: those for whom `is_subject` is true, in one statement."""
    names = sorted(_domain_names(reader, rights)) or [""]
    marks = ", ".join("?" * len(names))
    own = "EXISTS (SELECT 1 FROM account WHERE account.person = person.id{})"
    of_groups = (
        "EXISTS (SELECT 1 FROM group_member JOIN account ON account.person = group_member.user_group"
        " WHERE group_member.person = person.id{})"
    )
    elsewhere = f" AND account.domain NOT IN ({marks})"
    sql = (
        "SELECT person.id FROM person WHERE NOT EXISTS"  # noqa: S608 -- the texts are ours
        " (SELECT 1 FROM user_role WHERE user_role.person = person.id AND user_role.role <> ?)"
        f" AND NOT {own.format(elsewhere)} AND NOT {of_groups.format(elsewhere)}"
        f" AND ({own.format('')} OR {of_groups.format('')} OR EXISTS (SELECT 1 FROM user_added_by"
        " WHERE user_added_by.person = person.id AND user_added_by.added_by = ?))"
    )
    return {identity for (identity,) in reader.all(sql, (UserRole.USER.value, *names, *names, rights.user))}


def _own_domains(reader: Reader, rights: Rights) -> frozenset[str]:
    touched = user_touched(reader, rights.user)
    return touched.domains if touched is not None else frozenset()


def _own_addresses(reader: Reader, rights: Rights) -> frozenset[str]:
    rows = reader.all("SELECT address FROM account WHERE person = ?", (rights.user,))
    return frozenset(address for (address,) in rows)


def _domain_names(reader: Reader, rights: Rights) -> frozenset[str]:
    if not rights.domains:
        return frozenset()
    marks = ", ".join("?" * len(rights.domains))
    rows = reader.all(f"SELECT name FROM domain WHERE id IN ({marks})", sorted(rights.domains))  # noqa: S608
    return frozenset(name for (name,) in rows)


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]
