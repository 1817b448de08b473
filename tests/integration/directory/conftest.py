"""The directory as a process runs it, called over its socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from services.directory.app import SECTIONS, SERVICE, build
from shared.eventstore.store import EventStore
from shared.grpc.channel import RemoteChannel
from shared.grpc.credentials import CallTokens, digest
from shared.places import Places
from shared.rpc.mailfold.directory.v1 import archives_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.service import SHARED_SECTIONS, Hosted
from shared.settings import load
from tests.parts import nats
from tests.parts.required import needs

CREDENTIALS = {
    "directory": "d",
    "operator": "o",
    "ingress": "i",
    "mailstore": "m",
    "classifier": "c",
    "delivery": "v",
    "outbound": "q",
    "indexer": "x",
}


class Running:
    """A directory that can be stopped and started again with the same data."""

    def __init__(self, data: Path, bus_url: str, environment: dict[str, str]) -> None:
        self.places = Places(data)
        self.places.make()
        self.places.operator.write_bytes(orjson.dumps({SERVICE: CREDENTIALS["operator"]}))
        self._environment = {"MAILFOLD_BUS_URL": bus_url, **environment}
        self._channels: list[RemoteChannel] = []
        self._hosted: Hosted | None = None
        self.stub: Any = None

    async def start(self) -> None:
        settings = load({**SHARED_SECTIONS, **SECTIONS}, self.places.settings_file, self._environment)
        accepted = {caller: digest(token) for caller, token in CREDENTIALS.items()}
        credentials = CallTokens(accepted={SERVICE: accepted})
        self._hosted = Hosted("directory", {SERVICE: build}, settings, self.places, credentials)
        await self._hosted.start()
        self.stub = DirectoryStub(self.channel("operator"))

    async def stop(self) -> None:
        for channel in self._channels:
            await channel.close()
        self._channels.clear()
        assert self._hosted is not None
        await self._hosted.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @property
    def store(self) -> EventStore:
        """The store of the directory."""
        assert self._hosted is not None
        ((_, app),) = self._hosted._apps
        store: EventStore = cast(Any, app).store
        return store

    def channel(self, caller: str, secret: str | None = None) -> Any:
        channel = RemoteChannel(self.places.socket(SERVICE), caller, CREDENTIALS[caller] if secret is None else secret)
        self._channels.append(channel)
        return channel

    @property
    def archives(self) -> Any:
        """The contract about removed accounts."""
        return ArchivesStub(self.channel("operator"))

    async def remove_account(self, name: str) -> None:
        """Delete an account for good, with what names it."""
        request = archives_pb2.RemoveAccountRequest
        await self.archives.RemoveAccount(request(account=name, fate=request.DELETE, references=request.END))

    async def log_in(self, password: str, login: str = "ann@example.org", address: str = "192.0.2.1") -> Any:
        return await self.stub.Authenticate(
            pb.AuthenticateRequest(login=login, password=password, protocol="imap", address=address)
        )


@pytest.fixture
def environment() -> dict[str, str]:
    """Settings of a test."""
    return {}


@pytest.fixture
async def directory(
    tmp_path: Path, nats_server: nats.NatsServer, environment: dict[str, str]
) -> AsyncIterator[Running]:
    needs(nats)
    running = Running(tmp_path / "data", nats_server.url, environment)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def people(directory: Running) -> Running:
    """A domain with the account ann."""
    await directory.stub.AddDomain(pb.AddDomainRequest(name="example.org", incoming=True))
    await directory.stub.AddUser(pb.AddUserRequest(name="ann", password="correct horse"))
    await directory.stub.AddAccount(pb.AddAccountRequest(address="ann@example.org", user="ann", quota_bytes=1000))
    return directory


@pytest.fixture
def events_of() -> Callable[[Running], Any]:
    """Every event of the store, by stored name."""

    async def read(running: Running) -> list[tuple[str, Any]]:
        from shared.owner.source import RemoteSource, from_wire

        result = [
            from_wire(event)
            async for batch in RemoteSource(running.channel("operator")).read({})
            for event in batch.events
        ]
        return [(entry.event.stored_name, entry) for entry in result]

    return read
