"""Lets the session of an account do to others' mailboxes only what it has the rights for (RFC 4314 §4).

Every contract of the mailstore is served through a guard. A call about the session's own account passes. A call about
another account passes only by a rule for its method; a method without a rule is refused, so that a new one gives nobody
a right by mistake. Calls of services and of the operator, which no session makes, pass as well.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

from services.mailstore.handlers.access_lists import NOT_PERMITTED
from shared.grpc.call import session_account
from shared.grpc.errors import Denied

Behaviour = Callable[[Any, Any], Any]


class ForeignCalls(Protocol):
    """The rules for calls about others' mailboxes."""

    def unary(self, method: str) -> Callable[[Any, Behaviour], Awaitable[Any]] | None:
        """The rule of a method; None: it is refused."""

    def stream(self, method: str) -> Callable[[Any, Behaviour], AsyncIterator[Any]] | None:
        """The rule of a method that streams."""


class SessionGuard:
    """Stands in front of a servicer and has the same methods."""

    def __init__(self, servicer: Any, foreign: ForeignCalls) -> None:
        self._servicer = servicer
        self._foreign = foreign

    def __getattr__(self, method: str) -> Behaviour:
        behaviour = getattr(self._servicer, method)
        if inspect.isasyncgenfunction(behaviour):
            return self._streaming(method, behaviour)
        return self._unary(method, behaviour)

    def _unary(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def serve(request: Any, context: Any) -> Any:
            if _is_own(request):
                return await behaviour(request, context)
            rule = self._foreign.unary(method)
            if rule is None:
                raise Denied(NOT_PERMITTED, "NOPERM")
            return await rule(request, behaviour)

        return serve

    def _streaming(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def serve(request: Any, context: Any) -> AsyncIterator[Any]:
            if _is_own(request):
                replies = behaviour(request, context)
            else:
                rule = self._foreign.stream(method)
                if rule is None:
                    raise Denied(NOT_PERMITTED, "NOPERM")
                replies = rule(request, behaviour)
            async with aclosing(replies):
                async for reply in replies:
                    yield reply

        return serve


def _is_own(request: Any) -> bool:
    """Whether a request is about the account of the session that makes it, or is made by no session."""
    account = session_account()
    if not account:
        return True
    named = (getattr(request, "account", account), getattr(request, "target_account", "") or account)
    return named == (account, account)
