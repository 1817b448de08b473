"""A bus at a real nats-server, and a way to wait for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo

from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.bus.subjects import Durable, Stream
from tests.parts.nats import NatsServer


@asynccontextmanager
async def connected(server: NatsServer, **settings: Any) -> AsyncIterator[Bus]:
    """A connected bus, closed at the end of the block."""
    bus = await Bus.connect(BusSettings(url=server.url, **settings), "test")
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def observer(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """A plain nats-py client, to observe the server."""
    client = await nats.connect(server.url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def held(server: NatsServer, stream: Stream) -> int:
    """The number of messages in the stream."""
    async with observer(server) as jetstream:
        state = (await jetstream.stream_info(stream.name)).state
        return int(state.messages)


async def info(server: NatsServer, durable: Durable) -> ConsumerInfo:
    """The server's state of a durable consumer."""
    async with observer(server) as jetstream:
        return await jetstream.consumer_info(durable.stream.name, durable.name)


class Inbox:
    """A handler that notes its messages, and waits or fails when a test wants it."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, int]] = []
        self.finished: list[bytes] = []
        self.buried: list[tuple[bytes, Exception]] = []
        self.attempts: list[int] = []
        """The payloads that were buried."""
        self.error: Exception | None = None
        self.running = 0
        self.most_running = 0
        self.gates: dict[bytes, asyncio.Event] = {}
        """Payload → the event for which its handler waits."""

    def gate(self, payload: bytes) -> asyncio.Event:
        """Let the handler of this payload wait until the event is set."""
        return self.gates.setdefault(payload, asyncio.Event())

    async def handle(self, payload: bytes, count: int) -> None:
        self.taken.append((payload, count))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if payload in self.gates:
                await self.gates[payload].wait()
            if self.error:
                raise self.error
            self.finished.append(payload)
        finally:
            self.running -= 1

    async def bury(self, payload: bytes, count: int, error: Exception) -> None:
        self.buried.append((payload, error))
        self.attempts.append(count)
