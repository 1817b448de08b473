"""The bus of a process: publishes events, runs workers, and rings and receives doorbells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

import structlog
from nats.aio.client import Client

from shared.background import moment, spawn
from shared.bus.attempt import Attempt, Bury, Handler
from shared.bus.backlog import Backlog, backlog_of
from shared.bus.connection import BusConnection
from shared.bus.declare import declare_all, remove_stuck
from shared.bus.doorbells import Doorbells, Heard, Listening
from shared.bus.outgoing import Outgoing
from shared.bus.publisher import Publisher
from shared.bus.settings import BusSettings
from shared.bus.subjects import Durable
from shared.bus.worker import Worker

log = structlog.get_logger("bus")

_PATIENCE = 30.0
"""Seconds without the bus that are not reported, because a restart of it takes less."""
Connected = Callable[[], Coroutine[Any, Any, None]]


class Bus:
    """One connection for all services of a process, to be used from its event loop only."""

    def __init__(self, settings: BusSettings, process_name: str) -> None:
        self._settings = settings
        self._connection = BusConnection(settings, process_name, self._restore, self._resume, self._on_denied)
        self._outgoing = Outgoing(self._connection)
        self._publisher = Publisher(settings, self._connection, self._outgoing)
        self._doorbells = Doorbells(self._outgoing)
        self._workers: list[Worker] = []
        self._callbacks: list[Connected] = []
        self._calls: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(cls, settings: BusSettings, process_name: str) -> Self:
        """A bus that connects and never gives up; returns when connected, or after `connect_wait_seconds`.

        Raises ValueError when the settings name no server.
        """
        if not settings.url:
            raise ValueError("bus.url is empty")
        bus = cls(settings, process_name)
        await bus._connection.start(settings.connect_wait_seconds)
        return bus

    @property
    def connected(self) -> bool:
        """Whether the server is connected and knows every stream and durable consumer."""
        return self._connection.ready

    def trouble(self) -> str:
        """Why no messages are exchanged with the bus; empty while they are, and for the first moments."""
        if (seconds := self._connection.cut_off) > _PATIENCE:
            return f"{self._connection.name} is cut off from the bus since {moment(seconds)}"
        if self._publisher.is_stuck:
            return f"the bus takes what {self._connection.name} publishes and confirms none of it"
        return ""

    async def publish(self, subject: str, message_id: str, payload: bytes) -> None:
        """Publish an event (`subject.on(shard)`); returns when the stream has stored it. While disconnected it waits.

        The same `message_id` within two minutes is confirmed but not stored twice; without an id ("") the message is
        stored each time. Publish several messages at once (`asyncio.gather`): they are sent together, while one after
        the other costs up to 10 ms each. Raises BusUnavailable when it was not confirmed in time, and BusRefused when
        the same message would be refused again.
        """
        await self._publisher.publish(subject, message_id, payload)

    def work(self, durable: Durable, handler: Handler, bury: Bury, concurrency: int | None = None) -> Worker:
        """Begin to process the messages of a durable consumer, `concurrency` at once.

        When `handler(payload, delivery_count)` returns, the work is done. When it raises, `shared.failures` decides:
        the message is delivered again after a growing delay, or left to the repeats of its sender, or `bury(payload,
        count, error)` makes it a dead letter. Deliveries are unordered and may be repeated. Call `await worker.stop()`
        before the handler's resources are closed.
        """
        attempt = Attempt(durable.name, handler, bury, self._settings.max_attempts)
        worker = Worker(
            durable,
            attempt,
            concurrency or self._settings.concurrency,
            self._settings,
            self._connection,
            self._outgoing,
        )
        self._workers.append(worker)
        if (client := self._connection.client) is not None:
            self._soon(worker.attach(client))
        return worker

    async def backlog(self) -> Backlog | None:
        """The work that waits in the stream; None while the server does not answer."""
        client = self._connection.client
        return None if client is None else await backlog_of(client)

    def ring(self, subject: str, payload: bytes = b"", *, batched: bool = False) -> None:
        """Ring a doorbell. Never waits and never raises; it is lost while disconnected.

        `batched`: send it together with the next message.
        """
        self._doorbells.ring(subject, payload, batched=batched)

    async def listen(self, subject: str, callback: Heard) -> Listening:
        """Receive a doorbell, or those of a pattern; `callback(subject, payload)` must be quick."""
        return await self._doorbells.listen(subject, callback)

    def on_connected(self, callback: Connected) -> None:
        """Await the callback after every (re)connect, once streams, consumers and subscriptions are ready.

        When they are ready already, it is also awaited now.
        """
        self._callbacks.append(callback)
        if self._connection.ready:
            self._soon(callback())

    async def close(self) -> None:
        """Take no new work, finish the running work, and close the connection."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._publisher.stop()
        await self._outgoing.flush()
        await self._connection.stop()
        for task in list(self._calls):
            task.cancel()

    async def _restore(self, client: Client) -> None:
        if self._publisher.is_stuck:
            log.error("bus.streams_stuck", silent_seconds=self._publisher.patience)
            await remove_stuck(client, self._publisher.patience)
        await declare_all(client, self._settings.ack_wait_seconds)
        await self._publisher.attach(client)
        await self._doorbells.attach(client)

    async def _resume(self, client: Client) -> None:
        """Do everything that waited for the connection; later calls find it ready."""
        workers, callbacks = tuple(self._workers), tuple(self._callbacks)
        self._publisher.resend()
        for worker in workers:
            await worker.attach(client)
        for callback in callbacks:
            self._soon(callback())

    def _on_denied(self, subject: str) -> None:
        self._publisher.denied(subject)

    def _soon(self, call: Coroutine[Any, Any, None]) -> None:
        task = spawn(call, "bus-callback")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
