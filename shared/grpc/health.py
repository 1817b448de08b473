"""The standard health check of gRPC (grpc.health.v1), which container engines and probes know.

It needs no credential, because it says only that the process serves. A service answers it from its event loop, so an
answer also means that the loop is not held.
"""

from __future__ import annotations

from typing import Any

import grpc

CONTRACT, METHOD = "grpc.health.v1.Health", "Check"
SERVING = b"\x08\x01"
"""HealthCheckResponse with `status` SERVING, in wire format. A socket only exists while its service serves."""


def health_handler() -> grpc.GenericRpcHandler:
    """The handler for a server. Requests are not read: every service has a server of its own."""

    async def check(_request: bytes, _context: Any) -> bytes:
        return SERVING

    return grpc.method_handlers_generic_handler(CONTRACT, {METHOD: grpc.unary_unary_rpc_method_handler(check)})


def serves(address: str, seconds: float) -> bool:
    """Whether the service at this address answers in time."""
    # With a pool of its own the channel connects now, also shortly after another one could not.
    options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options=options) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{CONTRACT}/{METHOD}")
        try:
            return bool(call(b"", timeout=seconds) == SERVING)
        except grpc.RpcError:
            return False
