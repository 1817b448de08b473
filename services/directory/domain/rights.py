"""Which commands the role of a user permits.

An admin may do everything. A domain admin may do what concerns only his domains and users who belong to nobody else. A
user may look at what is his own and change his own password.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.rights import RoleGiven

DOMAIN_LIMIT = 1_000
_NOT_YOURS = "this needs an admin of the server, or of the domain"


class UserRole(StrEnum):
    """The roles. The values are stored in events and used in the contract."""

    ADMIN = "admin"
    DOMAIN_ADMIN = "domain-admin"
    USER = "user"


class Rights(msgspec.Struct, frozen=True):
    """The rights of a user who asks for something."""

    user: str
    role: UserRole = UserRole.USER
    domains: frozenset[str] = frozenset()
    """The ids of the domains of a domain admin."""


class UserTouched(msgspec.Struct, frozen=True):
    """A user whom a command concerns."""

    id: str
    role: UserRole
    domains: frozenset[str]
    """The ids of the domains in which the user has accounts."""
    added_by: str
    """The id of the user who added this user; empty: an operator did."""


class Touched(msgspec.Struct, frozen=True):
    """What a command concerns."""

    domains: frozenset[str] = frozenset()
    """The ids of the domains of all addresses in it; an empty text stands for a domain of nobody here."""
    users: tuple[UserTouched, ...] = ()
    owner: str = ""
    """The id of the user who may do it because it is his own."""
    members: frozenset[str] = frozenset()
    """The ids of the users of a group that may do it, or of the moderators of a list."""
    anybody: bool = False
    """Whether it needs no right."""
    any_admin: bool = False
    """Whether the admin of any domain may do it."""


def refusal(rights: Rights, touched: Touched) -> str:
    """Why a user may not do something; empty when the user may."""
    if rights.role is UserRole.ADMIN or touched.anybody or rights.user in touched.members:
        return ""
    if touched.owner and touched.owner == rights.user:
        return ""
    if rights.role is UserRole.USER:
        return "this needs an admin"
    if touched.any_admin:
        return ""
    if not touched.domains and not touched.users:
        return "this needs an admin of the server"
    if not touched.domains <= rights.domains:
        return _NOT_YOURS
    return "" if all(is_subject(rights, user) for user in touched.users) else "this user has another admin too"


def is_subject(rights: Rights, user: UserTouched) -> bool:
    """Whether a domain admin has the right to change a user.

    That is a user without a role whose accounts are all in domains of the admin, or who has none yet and was added by
    the admin: otherwise the admin could set the password of an account in another domain.
    """
    if user.role is not UserRole.USER:
        return False
    return user.domains <= rights.domains if user.domains else user.added_by == rights.user


def give_role(present: Rights, text: str, domains: tuple[str, ...]) -> list[RoleGiven]:
    """Give a user a role; no event when nothing changes. Raises DirectoryRefused."""
    try:
        role = UserRole(text)
    except ValueError as error:
        raise DirectoryRefused("invalid", f"{text!r} is not a role; there are {', '.join(UserRole)}") from error
    if (role is UserRole.DOMAIN_ADMIN) != bool(domains):
        raise DirectoryRefused("invalid", "a domain admin has at least one domain, and only a domain admin has domains")
    if len(domains) > DOMAIN_LIMIT:
        raise DirectoryRefused("invalid", f"a domain admin has at most {DOMAIN_LIMIT} domains")
    if (role, frozenset(domains)) == (present.role, present.domains):
        return []
    return [RoleGiven(present.user, role, tuple(sorted(set(domains))))]
