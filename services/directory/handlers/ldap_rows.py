"""Reads which users and groups are followed in a directory elsewhere."""

from __future__ import annotations

from services.directory.domain.ldap_groups import LinkedGroup
from services.directory.domain.ldap_people import LinkedUser
from services.directory.domain.state import DirectoryRefused
from shared.eventstore.connection import Reader

_USERS = (
    "SELECT ldap_user.person, ldap_user.entry, person.disabled, ldap_user.missing_since, ldap_user.disabled_there,"
    " ldap_user.password_time"
    " FROM ldap_user JOIN person ON person.id = ldap_user.person"
    " WHERE ldap_user.person > ? ORDER BY ldap_user.person LIMIT ?"
)
_GROUPS = (
    "SELECT ldap_group.user_group, user_group.name, ldap_group.entry, ldap_group.missing_since FROM ldap_group"
    " JOIN user_group ON user_group.id = ldap_group.user_group"
    " WHERE ldap_group.user_group > ? ORDER BY ldap_group.user_group LIMIT ?"
)
_USER_PAGE, _GROUP_PAGE = 500, 20


def linked_users(reader: Reader, after: str) -> list[LinkedUser]:
    """A page of the users who are people elsewhere, by id."""
    return [
        LinkedUser(user, entry, bool(disabled), since, bool(disabled_there), password_time)
        for user, entry, disabled, since, disabled_there, password_time in reader.all(_USERS, (after, _USER_PAGE))
    ]


def linked_groups(reader: Reader, after: str) -> list[LinkedGroup]:
    """A page of the groups that are followed elsewhere, by id."""
    return [
        LinkedGroup(group, name, entry, since, _members(reader, group))
        for group, name, entry, since in reader.all(_GROUPS, (after, _GROUP_PAGE))
    ]


def is_followed(reader: Reader, group: str) -> bool:
    """Whether the group with an id is followed elsewhere."""
    return reader.first_row("SELECT 1 FROM ldap_group WHERE user_group = ?", (group,)) is not None


def check_not_followed(reader: Reader, group: str, name: str) -> None:
    """Raise DirectoryRefused for a group that is followed elsewhere, where it is changed."""
    if is_followed(reader, group):
        raise DirectoryRefused(
            "invalid",
            f"{name} is a group of the LDAP directory: change it there, or `mailfold ldap unlink-group {name}` first",
        )


def _members(reader: Reader, group: str) -> frozenset[str]:
    return frozenset(user for (user,) in reader.all("SELECT person FROM group_member WHERE user_group = ?", (group,)))
