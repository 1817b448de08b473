"""Runs the contract with both bindings: in-process, and gRPC over a unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.grpc.channel import RemoteChannel
from shared.grpc.credentials import digest
from shared.grpc.local import LocalChannel
from shared.grpc.remote import RemoteServer
from shared.grpc.servicers import methods_of
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub, add_OwnerServicer_to_server
from tests.contract.rpc.sample import Sample

CREDENTIALS = {"operator": "secret of the operator", "access": "secret of access"}
ACCEPTED = {caller: digest(token) for caller, token in CREDENTIALS.items()}
Connect = Callable[..., Any]
"""`connect(caller, timeout=…)`: a stub of the sample for this caller; unary calls end after `timeout` seconds unless a
call has its own deadline."""


@pytest.fixture
def sample() -> Sample:
    return Sample()  # type: ignore[abstract]


@pytest.fixture
async def remote(sample: Sample) -> AsyncIterator[Connect]:
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{Path(folder) / 'sample.sock'}"
        server = RemoteServer(address, methods_of("delivery", ((add_OwnerServicer_to_server, sample),)), ACCEPTED)
        await server.start()
        closing: list[Callable[[], Awaitable[None]]] = []

        def connect(caller: str = "operator", secret: str | None = None, timeout: float = 30.0) -> Any:
            channel: Any = RemoteChannel(
                address, caller, CREDENTIALS.get(caller, "") if secret is None else secret, timeout
            )
            closing.append(channel.close)
            return OwnerStub(channel)

        yield connect
        for close in closing:
            await close()
        await server.stop(0)


@pytest.fixture
def local(sample: Sample) -> Connect:
    methods = methods_of("delivery", ((add_OwnerServicer_to_server, sample),))

    def connect(caller: str = "operator", timeout: float = 30.0) -> Any:
        channel: Any = LocalChannel(methods, caller, timeout)
        return OwnerStub(channel)

    return connect


@pytest.fixture(params=["local", "remote"])
def connect(request: pytest.FixtureRequest) -> Connect:
    made: Connect = request.getfixturevalue(request.param)
    return made
