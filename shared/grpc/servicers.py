"""The methods of servicers, taken from the generated registration code, with the same checks for each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, cast

import grpc
import structlog

from shared.grpc.call import called_by, current_provenance
from shared.grpc.errors import Denied, InternalError, ServiceError, translate
from shared.grpc.policy import may_call, needs_operator

log = structlog.get_logger("rpc")

Registration = tuple[Callable[[Any, Any], None], Any]
"""A generated `add_…Servicer_to_server` function and the servicer that it registers."""


class Method(NamedTuple):
    """One method of a contract as a service offers it."""

    service: str
    path: str
    streams: bool
    behaviour: Callable[[Any, Any], Any]
    handler: Any

    def admit(self, caller: str) -> None:
        """Check that `caller` may call the method. Raises Denied."""
        if not may_call(caller, self.service, self.path):
            raise Denied(f"{caller or 'nobody'} may not call {self.path} of {self.service}", "policy")

    async def answer(self, request: Any, caller: str) -> Any:
        """Run a unary method. Raises only ServiceError."""
        with called_by(caller):
            try:
                self._admit_actor(caller)
                return await cast(Awaitable[Any], self.behaviour(request, None))
            except Exception as error:
                raise self._refusal(error) from error

    async def stream(self, request: Any, caller: str) -> AsyncGenerator[Any, None]:
        """Run a streaming method. Raises only ServiceError."""
        try:
            self._admit_actor(caller)
            async with aclosing(self.behaviour(request, None)) as replies:
                # Set the context for each step separately: an in-process stream runs in its reader's context, which
                # must not change between steps.
                while (reply := await self._next(replies, caller)) is not None:
                    yield reply
        except Exception as error:
            raise self._refusal(error) from error

    def _admit_actor(self, caller: str) -> None:
        if needs_operator(caller, self.service, self.path, current_provenance().actor.kind):
            raise Denied(f"{self.path.rpartition('/')[2]} needs an operator of the server", "rights")

    @staticmethod
    async def _next(replies: AsyncIterator[Any], caller: str) -> Any:
        with called_by(caller):
            return await anext(replies, None)

    def _refusal(self, error: Exception) -> ServiceError:
        refusal = translate(error)
        if refusal is not None:
            return refusal
        log.error("rpc.fault", service=self.service, method=self.path, exc_info=error)
        return InternalError(f"{type(error).__name__} in {self.service}; its log has the details", "fault")


class _Collector:
    """Collects the handlers that generated code registers, in place of a gRPC server."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[Any]) -> None:
        """The older way to register; it brings the same handlers as the newer one."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        self.handlers |= {f"/{service_name}/{name}": handler for name, handler in method_handlers.items()}


def methods_of(service: str, registrations: Sequence[Registration]) -> dict[str, Method]:
    """Every method that a service offers, by its path."""
    collector = _Collector()
    for register, servicer in registrations:
        register(servicer, collector)
    return {path: _method(service, path, handler) for path, handler in collector.handlers.items()}


def _method(service: str, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> Method:
    streams = bool(handler.response_streaming)
    return Method(service, path, streams, cast(Any, handler.unary_stream if streams else handler.unary_unary), handler)
