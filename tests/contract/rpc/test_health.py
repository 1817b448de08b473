"""A service answers the standard health check of gRPC without a credential, and nothing else."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import grpc
import pytest

from shared.grpc.health import CONTRACT, serves
from shared.grpc.remote import RemoteServer


async def test_a_service_that_runs_serves() -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{Path(folder) / 'sample' / 'rpc.sock'}"
        assert not await asyncio.to_thread(serves, address, 1.0)
        server = RemoteServer(address, {}, {})
        await server.start()
        try:
            assert await asyncio.to_thread(serves, address, 10.0)
            async with grpc.aio.insecure_channel(address) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await channel.unary_unary(f"/{CONTRACT}/Watch")(b"")
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        finally:
            await server.stop(0)
        assert not await asyncio.to_thread(serves, address, 1.0)
