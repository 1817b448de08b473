"""The gRPC channel to a service in another process. Every call shows the caller's credential.

It imports nothing of gRPC's server side, because every command starts with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeAlias, cast

import grpc

from shared.eventstore.event import encode_actor
from shared.grpc.call import current_provenance, session_account
from shared.grpc.errors import from_rpc

CREDENTIAL, ACTOR, CAUSE, CORRELATION, COMMAND, ACCOUNT = (
    "mf-credential",
    "mf-actor-bin",
    "mf-cause-bin",
    "mf-correlation-bin",
    "mf-command-bin",
    "mf-account-bin",
)
"""The metadata of a call."""
_MESSAGE_LIMIT = 64 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT),
    ("grpc.initial_reconnect_backoff_ms", 50),
    # How long connecting may take, and no pause before the next try. Measured: with 50 ms a busy machine could not
    # connect at all.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
]


Channel: TypeAlias = grpc.aio.Channel
"""The type of channel that the generated stubs expect."""


class _Calls(Protocol):
    """The methods of a channel that the generated stubs use."""

    def unary_unary(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., Awaitable[Any]]: ...

    def unary_stream(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., AsyncIterator[Any]]: ...


def for_stubs(channel: _Calls) -> Channel:
    """One of our channels in the type that the generated stubs expect, so that requests and replies are typed."""
    return cast(Channel, channel)


class RemoteChannel:
    """A channel for generated stubs. It adds credential and provenance to calls, and translates errors back."""

    def __init__(self, address: str, caller: str, token: str, timeout: float = 30.0) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._credential = f"{caller}:{token}"
        self._timeout = timeout

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    def unary_unary(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., Awaitable[Any]]:
        """The call of a unary method."""
        inner = self._channel.unary_unary(path, *serialisation, **options)

        async def call(request: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            try:
                return await inner(request, timeout=timeout or self._timeout, metadata=self._metadata())
            except grpc.aio.AioRpcError as error:
                raise from_rpc(error) from None

        return call

    def unary_stream(self, path: str, *serialisation: Any, **options: Any) -> Callable[..., AsyncIterator[Any]]:
        """The call of a streaming method; it has no deadline unless one is given."""
        inner = self._channel.unary_stream(path, *serialisation, **options)

        async def call(request: Any, timeout: float | None = None) -> AsyncIterator[Any]:  # noqa: ASYNC109
            try:
                async for reply in inner(request, timeout=timeout, metadata=self._metadata()):
                    yield reply
            except grpc.aio.AioRpcError as error:
                raise from_rpc(error) from None

        return call

    def _metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        current = current_provenance()
        return (
            (CREDENTIAL, self._credential),
            (ACTOR, encode_actor(current.actor).encode()),
            (CAUSE, current.cause.encode()),
            (CORRELATION, current.correlation.encode()),
            (COMMAND, current.command.encode()),
            (ACCOUNT, session_account().encode()),
        )
