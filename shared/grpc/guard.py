"""A channel that fails fast: while a service gives no answer, one call at a time tests it and the others fail at once.

A service that hangs lets each call wait for its whole deadline. Without the guard, calls to such a service would soon
occupy every worker of the caller, and work that does not need the service would wait as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from shared.grpc.channel import Channel
from shared.grpc.errors import TRANSPORT, ServiceError, TimedOut, Unavailable


class GuardedChannel:
    """Wraps a channel to `service`. All stubs on it share the knowledge whether the service answers."""

    def __init__(self, channel: Channel, service: str) -> None:
        self._channel = channel
        self._service = service
        self._is_away = False
        self._is_tried = False

    def unary_unary(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., Awaitable[Any]]:
        """The call of a unary method. Raises Unavailable at once while the service is away."""
        inner = self._channel.unary_unary(path, *serialisation, **options)

        async def call(request: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            is_trial = self._admit()
            try:
                reply = await inner(request, timeout=timeout)
            except ServiceError as error:
                self._is_away = _is_unreachable(error)
                raise
            finally:
                if is_trial:
                    self._is_tried = False
            self._is_away = False
            return reply

        return call

    def unary_stream(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., AsyncIterator[Any]]:
        """The call of a streaming method, which is not guarded."""
        stream: Callable[..., Any] = self._channel.unary_stream(path, *serialisation, **options)
        return stream

    def _admit(self) -> bool:
        """Whether this call tests a service that gave no answer. Raises Unavailable while another call tests it."""
        if not self._is_away:
            return False
        if self._is_tried:
            raise Unavailable(f"{self._service} gives no answer", TRANSPORT)
        self._is_tried = True
        return True


def _is_unreachable(error: ServiceError) -> bool:
    """Whether the connection to the service failed; a refusal by the service is an answer."""
    return isinstance(error, TimedOut) or (isinstance(error, Unavailable) and error.reason == TRANSPORT)
