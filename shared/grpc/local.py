"""The in-process binding: a generated stub calls the servicer directly, without encoding. Messages must not be changed.

Deadlines apply as over gRPC: a call that does not answer in time is cancelled, and the caller gets TimedOut.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from shared.grpc.bound import Bound
from shared.grpc.errors import TRANSPORT, TimedOut, Unavailable
from shared.grpc.servicers import Method


class LocalChannel:
    """A channel for generated stubs to the methods of one service in this process."""

    def __init__(self, methods: Mapping[str, Method], caller: str, timeout: float = 30.0) -> None:
        self._methods = methods
        self._caller = caller
        self._bound = Bound(timeout)

    def unary_unary(self, path: str, *_serialisation: Any, **_options: Any) -> Callable[..., Awaitable[Any]]:
        """The call of a unary method."""
        caller, bound = self._caller, self._bound

        async def call(request: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            method = self._method(path)
            method.admit(caller)
            try:
                if timeout:
                    async with asyncio.timeout(timeout):
                        return await method.answer(request, caller)
                with bound.running():
                    return await method.answer(request, caller)
            except TimeoutError:
                raise _timed_out(path) from None

        return call

    def unary_stream(self, path: str, *_serialisation: Any, **_options: Any) -> Callable[..., AsyncIterator[Any]]:
        """The call of a streaming method; it has no deadline unless one is given."""
        caller = self._caller

        async def call(request: Any, timeout: float | None = None) -> AsyncIterator[Any]:  # noqa: ASYNC109
            method = self._method(path)
            method.admit(caller)
            async with aclosing(method.stream(request, caller)) as replies:
                async for reply in _in_time(path, replies, timeout) if timeout else replies:
                    yield reply

        return call

    def _method(self, path: str) -> Method:
        # Looked up at the call, because services of a process are built one after the other and may need each other.
        method = self._methods.get(path)
        if method is None:
            raise Unavailable(f"{path} is not offered here", TRANSPORT)
        return method


async def _in_time(path: str, replies: AsyncIterator[Any], seconds: float) -> AsyncIterator[Any]:
    """The replies before the deadline. Raises TimedOut."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            # Limit each step separately: between two steps the reader's own code runs, which must not be cancelled.
            async with asyncio.timeout_at(end):
                reply = await anext(replies, None)
        except TimeoutError:
            raise _timed_out(path) from None
        if reply is None:
            return
        yield reply


def _timed_out(path: str) -> TimedOut:
    """TimedOut for a deadline of this module; a method itself raises only ServiceError."""
    return TimedOut(f"{path} gave no answer within the deadline")
