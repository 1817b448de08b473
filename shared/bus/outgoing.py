"""Collects the outgoing messages of a process, so that one write sends several.

A message sent alone costs the process and the server about four times as much as one of ten (waking up, reading,
writing). So on a busy bus a message within `GATHER_SECONDS` of the last write waits for the next one. On a quiet bus
this wait would be most of the time that a mail needs, because it crosses the bus several times; so a message for which
a mail waits is sent at once. Other messages (acknowledgements, doorbells of followers, which collect anyway) are always
sent with the next write, or after `GATHER_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from nats.errors import ConnectionClosedError, MaxPayloadError
from nats.errors import Error as NatsError

from shared.background import spawn
from shared.bus.connection import BusConnection

log = structlog.get_logger("bus")

GATHER_SECONDS = 0.01
BUSY_RATE = 250.0
"""Messages per second from which collecting pays."""
_WINDOW_SECONDS = 0.1
_GONE = (ConnectionClosedError, OSError, RuntimeError)
"""The errors of a closed connection; uvloop reports it with RuntimeError."""
_HEADER_ROOM = 1024
"""Octets above any header of ours; a smaller message need not be measured exactly."""
_HEADER_FRAME = len(b"NATS/1.0\r\n\r\n")

Refused = Callable[[NatsError], None]


@dataclass(frozen=True, slots=True)
class _Item:
    subject: str
    payload: bytes
    reply: str
    headers: dict[str, str] | None
    refused: Refused | None


class Outgoing:
    """Holds messages until they are sent.

    A message of an older epoch of the connection is dropped, because the server may have lost its data.
    """

    def __init__(self, connection: BusConnection, gather_seconds: float = GATHER_SECONDS) -> None:
        self._connection = connection
        self._gather = gather_seconds
        self._loop = asyncio.get_running_loop()
        self._items: dict[str | int, _Item] = {}
        self._epoch = 0
        self._count = 0
        self._written = 0.0
        self._window = self._loop.time()
        self._in_window = 0
        self._is_busy = False
        self._timer: asyncio.Handle | None = None
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None

    def send(
        self,
        subject: str,
        payload: bytes,
        reply: str = "",
        headers: dict[str, str] | None = None,
        refused: Refused | None = None,
    ) -> None:
        """Send a message now, or on a busy bus soon; it is lost while disconnected.

        `refused` is called when it could not be sent (MaxPayloadError: it never can).
        """
        self._count += 1
        self._put(self._count, _Item(subject, payload, reply, headers, refused), self._promptly())

    def send_batched(self, subject: str, payload: bytes, reply: str = "") -> None:
        """Like `send`, for a message for which nobody waits: it is sent with the next write."""
        self._count += 1
        self._put(self._count, _Item(subject, payload, reply, None, None), self._patiently())

    def send_last(self, subject: str, payload: bytes, *, batched: bool = False) -> None:
        """Like `send` or `send_batched`, but of several waiting messages to one subject only the last is sent."""
        self._put(subject, _Item(subject, payload, "", None, None), self._patiently() if batched else self._promptly())

    def hurry(self) -> None:
        """Send without waiting for more messages, because a caller waits for this one."""
        if self._timer is not None:
            self._wake_by(0.0)

    async def flush(self) -> None:
        """Send all waiting messages."""
        while self._items and self._epoch == self._connection.epoch and self._connection.client is not None:
            await self._write()

    def _promptly(self) -> float:
        return self._written + self._gather if self._is_busy else 0.0

    def _patiently(self) -> float:
        return self._loop.time() + self._gather

    def _put(self, key: str | int, item: _Item, due: float) -> None:
        if self._connection.client is None:
            return
        if self._epoch != self._connection.epoch:
            self._epoch = self._connection.epoch
            self._items.clear()
        self._items[key] = item
        self._note_rate()
        self._wake_by(due)

    def _note_rate(self) -> None:
        self._in_window += 1
        elapsed = self._loop.time() - self._window
        if elapsed >= _WINDOW_SECONDS:
            self._is_busy = self._in_window / elapsed > BUSY_RATE
            self._window += elapsed
            self._in_window = 0

    def _wake_by(self, due: float) -> None:
        """Write at this time at the latest.

        The time is stored here, because uvloop's handle of a due call does not know it.
        """
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._begin)

    def _begin(self) -> None:
        self._task = spawn(self._write(), "bus-write")

    async def _write(self) -> None:
        items, self._items = self._items, {}
        self._timer = None
        self._written = self._loop.time()
        for item in items.values():
            if (client := self._connection.client) is None or self._epoch != self._connection.epoch:
                return
            try:
                _check_size(item, client.max_payload)
                await client.publish(item.subject, item.payload, item.reply, item.headers)
            except _GONE:
                return
            except NatsError as error:
                _refuse(item, error)


def _check_size(item: _Item, most: int) -> None:
    """Check the size of a message. Raises MaxPayloadError.

    The server counts the header too, which nats-py does not, and closes the connection of a client that sends too much.
    All messages of this process would then be lost, at every attempt.
    """
    if len(item.payload) > most - _HEADER_ROOM and len(item.payload) + _header_octets(item.headers) > most:
        raise MaxPayloadError


def _header_octets(headers: dict[str, str] | None) -> int:
    """The octets that nats-py makes of a header: a version line, a line for each field, an empty line."""
    if not headers:
        return 0
    return _HEADER_FRAME + sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items())


def _refuse(item: _Item, error: NatsError) -> None:
    log.error("bus.not_sendable", subject=item.subject, size=len(item.payload), error=repr(error))
    if item.refused is not None:
        item.refused(error)
