"""The gRPC server, which offers a service's methods to other processes.

Its sockets are in a 0700 folder, and every call must also show its caller's credential.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc

from shared.eventstore.event import Provenance, decode_actor
from shared.grpc.call import acting, asked_by
from shared.grpc.channel import ACCOUNT, ACTOR, CAUSE, COMMAND, CORRELATION, CREDENTIAL, OPTIONS
from shared.grpc.credentials import caller_of
from shared.grpc.errors import Invalid, ServiceError, to_details
from shared.grpc.health import health_handler
from shared.grpc.servicers import Method

_UNIX = "unix:"


def provenance_of(metadata: Mapping[str, Any]) -> Provenance:
    """The provenance in a call's metadata. Raises Invalid."""
    actor, cause, correlation, command = (metadata.get(name, b"") for name in (ACTOR, CAUSE, CORRELATION, COMMAND))
    try:
        return Provenance(
            decode_actor(actor.decode() or '{"kind":"system"}'), cause.decode(), correlation.decode(), command.decode()
        )
    except ValueError as error:
        raise Invalid("the call's metadata cannot be read", "metadata") from error


def account_of(metadata: Mapping[str, Any]) -> str:
    """The account of the session that makes a call. Raises Invalid."""
    try:
        return bytes(metadata.get(ACCOUNT, b"")).decode()
    except ValueError as error:
        raise Invalid("the call's metadata cannot be read", "metadata") from error


class RemoteServer:
    """Serves the methods of one service on a unix socket or a TCP address."""

    def __init__(self, address: str, methods: Mapping[str, Method], accepted: Mapping[str, str]) -> None:
        """`accepted` maps each caller to the digest of its token."""
        self._server = grpc.aio.server(options=OPTIONS)
        self._accepted = accepted
        by_contract: dict[str, dict[str, Any]] = {}
        for path, method in methods.items():
            contract, _, name = path[1:].rpartition("/")
            by_contract.setdefault(contract, {})[name] = self._handler(method)
        for contract, handlers in by_contract.items():
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(contract, handlers)])
        self._server.add_generic_rpc_handlers([health_handler()])
        if address.startswith(_UNIX):
            Path(address.removeprefix(_UNIX)).parent.mkdir(mode=0o700, exist_ok=True)
        self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Begin to answer calls."""
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
                caller = caller_of(str(metadata.get(CREDENTIAL, "")), self._accepted)
                method.admit(caller)
                with acting(provenance_of(metadata)), asked_by(account_of(metadata)):
                    return await method.answer(request, caller)
            except ServiceError as error:
                await context.abort(grpc.StatusCode[error.status], to_details(error))

        return serve

    def _streaming(self, method: Method) -> Callable[[Any, Any], AsyncIterator[Any]]:
        async def serve(request: Any, context: Any) -> AsyncIterator[Any]:
            metadata = dict(context.invocation_metadata())
            try:
                caller = caller_of(str(metadata.get(CREDENTIAL, "")), self._accepted)
                method.admit(caller)
                with acting(provenance_of(metadata)), asked_by(account_of(metadata)):
                    async for reply in method.stream(request, caller):
                        yield reply
            except ServiceError as error:
                await context.abort(grpc.StatusCode[error.status], to_details(error))

        return serve
