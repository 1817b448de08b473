"""A DNS server for tests and load tests, over UDP and TCP, for one zone only.

    python -m loadtest zone --port 10053

Answers come from a cache of encoded answers. Names outside the zone get NXDOMAIN.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import Counter, deque
from typing import cast

from loadtest.zone.answers import HEADER, Answer, Faults, answer
from loadtest.zone.data import Zone

_CACHED = 20_000
_REMEMBERED = 2_000
_WAITING = 5_000
_STREAMS = 200
_STREAM_IDLE = 10.0
_BIND_TRIES = 20
_Address = tuple[str, int]


class ZoneServer:
    """Serves `zone` at (host, port); port 0 chooses a free port. `faults` may be assigned at any time."""

    def __init__(
        self,
        zone: Zone,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        *,
        authentic: bool = False,
    ) -> None:
        self.zone = zone
        self.host = host
        self.port = port
        self.faults = faults or Faults()
        self.authentic = authentic
        self.asked: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        """The latest questions, as (name, type)."""
        self.count = 0
        """Number of questions since the start."""
        self._cache: dict[bytes, Answer] = {}
        self._cached_for: tuple[int, Faults] = (-1, self.faults)
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def address(self) -> str:
        """`host:port`, in the form of the resolver setting."""
        return f"{self.host}:{self.port}"

    def counted(self) -> Counter[tuple[str, str]]:
        """How often each of the latest questions was asked."""
        return Counter(self.asked)

    async def start(self) -> None:
        """Bind both sockets. Raises OSError when the port is in use."""
        for _ in range(_BIND_TRIES):
            try:
                return await self._bind()
            except OSError:
                # With port 0 the kernel chose the UDP port, and the same TCP port may be in use.
                if self.port:
                    raise
        raise OSError("no port that is free for both UDP and TCP")

    async def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(self.host, self.port)
        )
        port = self._datagrams.get_extra_info("sockname")[1]
        try:
            self._streams = await asyncio.start_server(self._serve_stream, self.host, port)
        except OSError:
            self._datagrams.close()
            raise
        self.port = port

    async def stop(self) -> None:
        """Close both sockets and every open connection."""
        if self._datagrams:
            self._datagrams.close()
        if self._streams:
            self._streams.close()
        for writer in self._open.values():
            writer.close()
        if self._open:
            await asyncio.wait(self._open, timeout=1)

    async def __aenter__(self) -> ZoneServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def respond(self, question: bytes, *, stream: bool) -> bytes | None:
        """The bytes of the answer; None for no answer."""
        answered = self._cached_answer(question) if not stream else self._fresh_answer(question, stream=True)
        if answered is None:
            return None
        self.count += 1
        self.asked.append((answered.name, answered.rdtype))
        return None if self.faults.is_silent(answered.name) else question[:2] + answered.wire[2:]

    def _cached_answer(self, question: bytes) -> Answer | None:
        current = (self.zone.version, self.faults)
        if self._cached_for != current or len(self._cache) > _CACHED:
            self._cache.clear()
            self._cached_for = current
        key = question[2:]
        if (answered := self._cache.get(key)) is None and (
            answered := self._fresh_answer(question, stream=False)
        ) is not None:
            self._cache[key] = answered
        return answered

    def _fresh_answer(self, question: bytes, *, stream: bool) -> Answer | None:
        return answer(self.zone, question, self.faults, stream=stream, authentic=self.authentic)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _STREAMS:
            return writer.close()
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open[task] = writer
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError):
                while True:
                    await self._serve_question(reader, writer)
        finally:
            del self._open[task]
            writer.close()

    async def _serve_question(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question that is preceded by its length (RFC 1035 §4.2.2)."""
        async with asyncio.timeout(_STREAM_IDLE):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            question = await reader.readexactly(length)
        await asyncio.sleep(self.faults.delay)
        if (wire := self.respond(question, stream=True)) is not None:
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """Questions by UDP."""

    def __init__(self, server: ZoneServer) -> None:
        self._server = server
        self._waiting = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        if len(data) < HEADER or (wire := self._server.respond(data, stream=False)) is None:
            return
        if not self._server.faults.delay:
            self._send(wire, addr)
        elif self._waiting < _WAITING:
            self._waiting += 1
            asyncio.get_running_loop().call_later(self._server.faults.delay, self._send_late, wire, addr)

    def _send_late(self, wire: bytes, addr: _Address) -> None:
        self._waiting -= 1
        self._send(wire, addr)

    def _send(self, wire: bytes, addr: _Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)


async def serve(server: ZoneServer) -> None:
    """Serves until it is cancelled."""
    async with server:
        print(f"{len(server.zone)} record sets at {server.address}", flush=True)
        await asyncio.Event().wait()
