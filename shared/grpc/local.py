"""The in-process binding: the generated stub calls the servicer itself, no bytes in between. Messages are not mutated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from shared.grpc.errors import Unavailable
from shared.grpc.servicers import Method


class LocalChannel:
    """What a generated stub needs of a channel, bound to the methods of one service in this process."""

    def __init__(self, methods: Mapping[str, Method], caller: str) -> None:
        self._methods = methods
        self._caller = caller

    def unary_unary(self, path: str, *_serialisation: Any, **_options: Any) -> Callable[..., Awaitable[Any]]:
        """The call of a unary method."""
        caller = self._caller

        async def call(request: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            method = self._method(path)
            method.admit(caller)
            return await method.answer(request, caller)

        return call

    def unary_stream(self, path: str, *_serialisation: Any, **_options: Any) -> Callable[..., AsyncIterator[Any]]:
        """The call of a streaming method."""
        caller = self._caller

        async def call(request: Any, timeout: float | None = None) -> AsyncIterator[Any]:  # noqa: ASYNC109
            method = self._method(path)
            method.admit(caller)
            async with aclosing(method.stream(request, caller)) as replies:
                async for reply in replies:
                    yield reply

        return call

    def _method(self, path: str) -> Method:
        # Looked up at the call: services of one process are built one after the other and may need each other.
        method = self._methods.get(path)
        if method is None:
            raise Unavailable(f"{path} is not offered here")
        return method
