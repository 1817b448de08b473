"""Events on users whose person is in a directory elsewhere. Their streams are `user:<id>`."""

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
