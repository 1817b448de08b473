"""Enforces the roles of users, gives them, and records what was refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from services.directory.domain.rights import Rights, UserRole, give_role, refusal
from services.directory.handlers import load
from services.directory.handlers.commands import append, user_id
from services.directory.handlers.right_rules import domain_id, rights_of, touched_by
from services.directory.handlers.right_views import VIEWS
from shared.clock import Clock
from shared.events.rights import RightRefused
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.errors import Denied

RECORDED_AN_HOUR = 20
"""Refusals of a user that are recorded in an hour; a user who tries on costs nothing more."""
_HOUR = 3_600.0
_MOST_USERS = 10_000
_names = msgspec.json.Decoder(tuple[str, ...])


class RoleState(msgspec.Struct, frozen=True):
    """A user with a role, by names."""

    user: str
    role: str
    domains: tuple[str, ...]


class RightsGuard:
    """Checks the calls that a user makes, as opposed to an operator or a service."""

    def __init__(self, store: EventStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorded: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def check(self, actor: Actor, method: str, request: Any) -> Rights:
        """The rights of a user who may make this call. Raises Denied, after recording it."""
        rights, text = await self._store.read(partial(_judged, user=actor.id, method=method, request=request))
        if text:
            await self._record(Provenance(actor), method, text)
            raise Denied(text, "rights")
        return rights

    async def narrow(self, rights: Rights, method: str, reply: Any) -> None:
        """Remove from a reply what the user may not see."""
        view = VIEWS.get(method)
        if view is not None and rights.role is not UserRole.ADMIN:
            await self._store.read_long(lambda reader: view(reader, rights, reply))

    async def _record(self, provenance: Provenance, method: str, text: str) -> None:
        user, now = provenance.actor.id, self._clock.monotonic()
        began, count = self._recorded.pop(user, (now, 0))
        if now - began > _HOUR:
            began, count = now, 0
        self._recorded[user] = (began, count + 1)
        if len(self._recorded) > _MOST_USERS:
            self._recorded.popitem(last=False)
        if count < RECORDED_AN_HOUR:
            refused = RightRefused(user, method, text)
            await self._store.write(lambda tx: append(tx, f"user:{user}", [refused], provenance))


class RoleCommands:
    """Commands on roles: each method is the body of a unit of work."""

    def give(
        self, tx: Transaction, user: str, role: str, domains: Sequence[str], provenance: Provenance
    ) -> list[RoleState]:
        """Give a user a role."""
        identity = user_id(tx, user)
        ids = tuple(load.existing("domain", name, domain_id(tx, name) or None) for name in domains)
        present = rights_of(tx, identity) or Rights(identity)
        append(tx, f"user:{identity}", give_role(present, role, ids), provenance)
        return roles(tx, identity)


def roles(reader: Reader, user: str = "") -> list[RoleState]:
    """The users with roles by name, or a user with any role by id."""
    sql = "SELECT person.name, user_role.role, user_role.domains FROM person {} JOIN user_role ON person.id = person"
    if user:
        rows = reader.all(f"{sql.format('LEFT')} WHERE person.id = ?", (user,))
    else:
        rows = reader.all(f"{sql.format('')} WHERE user_role.role <> ? ORDER BY person.key", (UserRole.USER.value,))
    return [
        RoleState(name, role or UserRole.USER.value, _domain_names(reader, _names.decode(domains or "[]")))
        for name, role, domains in rows
    ]


def _domain_names(reader: Reader, ids: Sequence[str]) -> tuple[str, ...]:
    rows = (reader.first_row("SELECT name FROM domain WHERE id = ?", (identity,)) for identity in ids)
    return tuple(sorted(row[0] for row in rows if row is not None))


def _judged(reader: Reader, user: str, method: str, request: Any) -> tuple[Rights, str]:
    rights = rights_of(reader, user)
    if rights is None:
        return Rights(user), "this user is disabled or does not exist"
    return rights, refusal(rights, touched_by(reader, method, request))
