"""Events on the rights of users. Their streams are `user:<id>`."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("role.given")
class RoleGiven(Event, frozen=True):
    """A user was given a role, in place of the one before."""

    user: str
    role: str
    """`admin`, `domain-admin` or `user`."""
    domains: tuple[str, ...] = ()
    """The ids of the domains of a domain admin."""


@stored("right.refused")
class RightRefused(Event, frozen=True):
    """A user tried something without having the right to do it."""

    user: str
    method: str
    text: str
