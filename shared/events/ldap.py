"""Events on users and groups of a directory elsewhere. Their streams are `user:<id>` and `group:<id>`."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("ldap.user_linked")
class LdapUserLinked(Event, frozen=True):
    """A user is a person of the directory elsewhere, which checks the password from now on."""

    user: str
    entry: str
    """The value that identifies the person there for ever, in lower case."""


@stored("ldap.user_missing")
class LdapUserMissing(Event, frozen=True):
    """A complete search did not have the person of a user any more."""

    user: str
    since: int
    """UTC microseconds since the epoch."""


@stored("ldap.user_back")
class LdapUserBack(Event, frozen=True):
    """A complete search had the person of a user again."""

    user: str


@stored("ldap.user_switched")
class LdapUserSwitched(Event, frozen=True):
    """A complete search had the person of a user as disabled, or as enabled again."""

    user: str
    disabled: bool


@stored("ldap.password_changed")
class LdapPasswordChanged(Event, frozen=True):
    """A complete search had another time at which a person's password was changed, or had it for the first time."""

    user: str
    time: str
    """As it stands there."""


@stored("ldap.group_linked")
class LdapGroupLinked(Event, frozen=True):
    """A group is a group of the directory elsewhere, which says who its members are from now on."""

    group: str
    entry: str
    """The value that identifies the group there for ever, in lower case."""


@stored("ldap.group_unlinked")
class LdapGroupUnlinked(Event, frozen=True):
    """A group is no longer followed: its members are changed here from now on."""

    group: str


@stored("ldap.group_missing")
class LdapGroupMissing(Event, frozen=True):
    """A complete search did not have a group any more."""

    group: str
    since: int
    """UTC microseconds since the epoch."""


@stored("ldap.group_back")
class LdapGroupBack(Event, frozen=True):
    """A complete search had a group again."""

    group: str
