"""The gRPC binding: the server that carries a service's methods, and the channel that reaches it.

Sockets lie in a 0700 folder and every call shows its service's credential besides.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc

from shared.eventstore.event import Provenance, decode_actor, encode_actor
from shared.grpc.call import acting, provenance
from shared.grpc.errors import Invalid, ServiceError, Unauthenticated, from_rpc, to_details
from shared.grpc.servicers import Method

_CREDENTIAL, _ACTOR, _CAUSE, _CORRELATION, _COMMAND = (
    "mf-credential",
    "mf-actor-bin",
    "mf-cause-bin",
    "mf-correlation-bin",
    "mf-command-bin",
)
_MESSAGE_LIMIT = 64 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT),
    ("grpc.initial_reconnect_backoff_ms", 50),
    # How long a connection may take to be greeted, and no pause (measured): at 50 ms a busy machine could not connect
    # at all.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
]
Credentials = Mapping[str, str]
"""Service → its secret."""


def caller_of(metadata: Mapping[str, Any], credentials: Credentials) -> str:
    """The service whose credential a call shows. Raises Unauthenticated."""
    shown = str(metadata.get(_CREDENTIAL, ""))
    name, _, secret = shown.partition(":")
    # Compared with something even for an unknown name, so that names cannot be told by time.
    if not hmac.compare_digest(secret.encode(), credentials.get(name, "-").encode()) or name not in credentials:
        raise Unauthenticated("the call shows no valid credential", "credential")
    return name


def provenance_of(metadata: Mapping[str, Any]) -> Provenance:
    """Why the caller calls. Raises Invalid."""
    actor, cause, correlation, command = (metadata.get(name, b"") for name in (_ACTOR, _CAUSE, _CORRELATION, _COMMAND))
    try:
        return Provenance(
            decode_actor(actor.decode() or '{"kind":"system"}'), cause.decode(), correlation.decode(), command.decode()
        )
    except ValueError as error:
        raise Invalid("the call's metadata cannot be read", "metadata") from error


class RemoteServer:
    """Serves the methods of one service on a unix socket or a TCP address."""

    def __init__(self, address: str, methods: Mapping[str, Method], credentials: Credentials) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        self._credentials = credentials
        by_contract: dict[str, dict[str, Any]] = {}
        for path, method in methods.items():
            contract, _, name = path[1:].rpartition("/")
            by_contract.setdefault(contract, {})[name] = self._handler(method)
        for contract, handlers in by_contract.items():
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(contract, handlers)])
        self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Answer calls from now on."""
        await self._server.start()

    async def stop(self, grace: float = 3.0) -> None:
        """Take no new calls; give running ones `grace` seconds."""
        await self._server.stop(grace)

    def _handler(self, method: Method) -> Any:
        handler = method.handler
        if method.streams:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(method), handler.request_deserializer, handler.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method), handler.request_deserializer, handler.response_serializer
        )

    def _unary(self, method: Method) -> Callable[[Any, Any], Awaitable[Any]]:
        async def serve(request: Any, context: Any) -> Any:
            metadata = dict(context.invocation_metadata())
            try:
                caller = caller_of(metadata, self._credentials)
                method.admit(caller)
                with acting(provenance_of(metadata)):
                    return await method.answer(request, caller)
            except ServiceError as error:
                await context.abort(error.status, to_details(error))

        return serve

    def _streaming(self, method: Method) -> Callable[[Any, Any], AsyncIterator[Any]]:
        async def serve(request: Any, context: Any) -> AsyncIterator[Any]:
            metadata = dict(context.invocation_metadata())
            try:
                caller = caller_of(metadata, self._credentials)
                method.admit(caller)
                with acting(provenance_of(metadata)):
                    async for reply in method.stream(request, caller):
                        yield reply
            except ServiceError as error:
                await context.abort(error.status, to_details(error))

        return serve


class RemoteChannel:
    """What a generated stub needs of a channel; adds credential and provenance, and gives errors their names back."""

    def __init__(self, address: str, caller: str, secret: str, timeout: float = 30.0) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._credential = f"{caller}:{secret}"
        self._timeout = timeout

    async def close(self) -> None:
        """Let go of the connection."""
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
        why = provenance()
        return (
            (_CREDENTIAL, self._credential),
            (_ACTOR, encode_actor(why.actor).encode()),
            (_CAUSE, why.cause.encode()),
            (_CORRELATION, why.correlation.encode()),
            (_COMMAND, why.command.encode()),
        )
