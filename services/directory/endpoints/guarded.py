"""Servicers whose methods a user may call only with the right to do so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from inspect import isasyncgenfunction
from typing import Any

from services.directory.domain.generated_passwords import is_app_password
from services.directory.handlers.rights import RightsGuard
from shared.eventstore.event import Actor
from shared.grpc.call import caller, current_provenance
from shared.grpc.errors import Denied
from shared.grpc.policy import OPERATOR, USER
from shared.grpc.servicers import Registration

_READING = ("Show", "List", "Explain", "Resolve")
"""How the names of methods begin that change nothing."""


class Guarded:
    """Stands for a servicer. Services are trusted with what the table of permitted calls gives them."""

    def __init__(self, contract: str, servicer: Any, guard: RightsGuard) -> None:
        """`contract` is its name, such as Directory."""
        self._contract = contract
        self._servicer = servicer
        self._guard = guard

    def __getattr__(self, name: str) -> Callable[[Any, Any], Any]:
        behaviour = getattr(self._servicer, name)
        method = f"{self._contract}/{name}"

        async def answer(request: Any, context: Any) -> Any:
            _check_credential(name)
            actor = _asking_user()
            if actor is None:
                return await behaviour(request, context)
            rights = await self._guard.check(actor, method, request)
            reply = await behaviour(request, context)
            await self._guard.narrow(rights, method, reply)
            return reply

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            _check_credential(name)
            actor = _asking_user()
            if actor is not None:
                await self._guard.check(actor, method, request)
            async for reply in behaviour(request, context):
                yield reply

        return stream if isasyncgenfunction(behaviour) else answer


def guarded(registrations: Sequence[Registration], guard: RightsGuard) -> Sequence[Registration]:
    """The registrations with servicers that check the rights of users."""
    return [(register, Guarded(_contract(register), servicer, guard)) for register, servicer in registrations]


def _contract(register: Callable[[Any, Any], None]) -> str:
    """The name of the contract that generated code registers."""
    return register.__name__.removeprefix("add_").removesuffix("Servicer_to_server")


def _check_credential(name: str) -> None:
    """Check that a change is not asked for with an app password, whoever its user is. Raises Denied."""
    if (
        caller() == OPERATOR
        and is_app_password(current_provenance().actor.credential)
        and not name.startswith(_READING)
    ):
        raise Denied("an app password changes nothing here: log in with the password of the user", "app-password")


def _asking_user() -> Actor | None:
    """The user in whose name a call is made with the operator's credential."""
    actor = current_provenance().actor
    return actor if actor.kind == USER and caller() == OPERATOR else None
