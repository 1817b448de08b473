"""A wire on real sockets: bounded input and output, wake-ups, time-outs, and TLS begun in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest

from shared.clock import SystemClock
from shared.network.connection_table import ConnectionLimits
from shared.network.descriptors import Descriptors
from shared.network.listener import STARTTLS, Listener, ListenerKind
from shared.network.slot import Slot
from shared.network.wire import Wire, WireLimits
from shared.tls.authority import LocalAuthority
from shared.tls.server import ServerTls
from tests.harness.waiting import until_true
from tests.parts.certificate import trusting

_LIMITS = WireLimits(write_seconds=30.0, close_seconds=30.0)


@dataclass
class Ends:
    """Both ends of a connection."""

    wire: Wire
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    listener: Listener


@contextlib.asynccontextmanager
async def connected(limits: WireLimits = _LIMITS) -> AsyncIterator[Ends]:
    wires: asyncio.Queue[Wire] = asyncio.Queue()

    def connect(slot: Slot) -> Wire:
        return Wire(slot, limits, wires.put_nowait)

    listener = Listener(
        ListenerKind("test", 0, STARTTLS), ConnectionLimits(10, 10, 10), Descriptors(1024).claim("test", 10), connect
    )
    await listener.start(("127.0.0.1",), 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    wire = await wires.get()
    try:
        yield Ends(wire, reader, writer, listener)
    finally:
        writer.close()
        wire.abort()
        await listener.stop(0.0)
        await until_true(lambda: len(listener) == 0)


async def test_what_came_is_taken_once() -> None:
    async with connected() as ends:
        ends.writer.write(b"one ")
        assert not await ends.wire.wait(10)
        assert ends.wire.take() == b"one "
        assert ends.wire.take() == b""


async def test_a_ring_ends_this_wait_or_the_next() -> None:
    async with connected() as ends:
        ends.wire.ring()
        assert await ends.wire.wait(10)
        waiting = asyncio.ensure_future(ends.wire.wait(10))
        await asyncio.sleep(0)
        ends.wire.ring()
        assert await waiting


async def test_silence_is_a_time_out_and_the_next_wait_begins_anew() -> None:
    async with connected() as ends:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await ends.wire.wait(0.02)
        ends.writer.write(b"late")
        assert not await ends.wire.wait(10)
        with pytest.raises(TimeoutError):
            ends.wire.take()
            await ends.wire.wait(0)


async def test_a_thousand_waits_arm_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait whose input arrives costs no timer of its own; a shorter wait after long ones still ends in time."""
    arm, armed = Wire._arm, []

    def counted(self: Wire, end: float) -> None:
        armed.append(end)
        arm(self, end)

    monkeypatch.setattr(Wire, "_arm", counted)
    async with connected() as ends:
        for _ in range(1000):
            ends.writer.write(b"x")
            await ends.wire.wait(300)
            ends.wire.take()
        assert len(armed) == 1
        with pytest.raises(TimeoutError):
            await ends.wire.wait(0.02)
        assert 2 <= len(armed) <= 4


async def test_a_peer_that_sends_without_end_is_not_read_without_end() -> None:
    """The buffered input is bounded; nothing is lost, and reading continues when the input is taken."""
    sent = b"x" * 30_000_000
    async with connected() as ends:
        ends.writer.write(sent)
        await until_true(lambda: ends.wire._is_paused)
        assert ends.wire.held < 2_000_000
        taken = 0
        while taken < len(sent):
            await ends.wire.wait(10)
            taken += len(ends.wire.take())
        assert taken == len(sent)


async def test_a_peer_that_is_paused_is_not_read() -> None:
    async with connected() as ends:
        pausing = asyncio.ensure_future(ends.wire.pause(3600))
        await asyncio.sleep(0)
        ends.writer.write(b"meanwhile")
        for _ in range(1000):
            await asyncio.sleep(0)
        assert ends.wire.take() == b""
        pausing.cancel()
        await asyncio.wait({pausing})
        await ends.wire.wait(10)
        assert ends.wire.take() == b"meanwhile"


async def test_a_pause_ends_with_the_connection() -> None:
    async with connected() as ends:
        pausing = asyncio.ensure_future(ends.wire.pause(3600))
        await asyncio.sleep(0)
        ends.wire.abort()
        async with asyncio.timeout(60):
            await pausing


async def test_output_waits_for_a_slow_reader_and_gives_up() -> None:
    async with connected(WireLimits(0.1, 30.0)) as ends:
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                await ends.wire.send(b"x" * 65_536)


async def test_a_long_answer_arrives_as_it_was_written(tmp_path: Path) -> None:
    """A write has one record of TLS, because the buffer behind OpenSSL keeps the size of the largest write."""
    context = ServerTls(LocalAuthority(tmp_path, SystemClock()).ensure(["localhost"])).context()
    data = b"".join(b"%d\r\n" % number for number in range(50_000))
    async with connected() as ends:
        upgrading = asyncio.ensure_future(ends.wire.start_tls(context, 30))
        await ends.writer.start_tls(trusting())
        await upgrading
        observed = Mock(wraps=ends.wire._transport)
        ends.wire._transport = observed
        sending = asyncio.ensure_future(ends.wire.send(data))
        assert await ends.reader.readexactly(len(data)) == data
        await sending
        assert max(len(call.args[0]) for call in observed.write.call_args_list) == 16_384


async def test_output_goes_on_when_the_reader_does() -> None:
    async with connected() as ends:
        sending = asyncio.ensure_future(ends.wire.send(b"x" * 30_000_000))
        received = 0
        while received < 30_000_000:
            received += len(await ends.reader.read(1_000_000))
        await sending


async def test_sending_to_a_peer_that_has_gone_is_an_error() -> None:
    async with connected() as ends:
        ends.writer.transport.abort()
        await until_true(lambda: ends.wire.is_over)
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                await ends.wire.send(b"x")
                await asyncio.sleep(0.001)
        assert not await ends.wire.wait(10)


async def test_a_half_closed_peer_gets_its_answers() -> None:
    async with connected() as ends:
        ends.writer.write(b"last")
        ends.writer.write_eof()
        await until_true(lambda: ends.wire.is_over)
        assert ends.wire.take() == b"last"
        await ends.wire.send(b"answer")
        ends.wire.close()
        assert await ends.reader.read() == b"answer"


async def test_a_closed_wire_that_the_peer_does_not_drain_is_cut_off() -> None:
    async with connected(WireLimits(30.0, 0.1)) as ends:
        ends.writer.transport.pause_reading()
        ends.wire.write(b"x" * 30_000_000)
        ends.wire.close()
        await until_true(lambda: ends.wire.is_lost)


async def test_the_last_words_survive_input_that_nobody_reads() -> None:
    """The kernel would reset the connection, so further input is discarded, up to a limit."""
    async with connected() as ends:
        ends.writer.write(b"y" * 100_000)
        await ends.wire.send(b"go away")
        lingering = asyncio.ensure_future(ends.wire.linger())
        assert await ends.reader.read() == b"go away"
        ends.writer.write(b"z" * 100_000)
        ends.writer.write_eof()
        await lingering
        assert ends.wire._discarded is not None and ends.wire._discarded > 0


async def test_tls_in_the_middle_drops_what_came_in_the_clear(tmp_path: Path) -> None:
    context = ServerTls(LocalAuthority(tmp_path, SystemClock()).ensure(["localhost"])).context()
    async with connected() as ends:
        ends.writer.write(b"injected")
        await until_true(lambda: bool(ends.wire.held))
        upgrading = asyncio.ensure_future(ends.wire.start_tls(context, 30))
        await ends.writer.start_tls(trusting())
        assert (await upgrading) is not None
        ends.writer.write(b"secret")
        await ends.wire.wait(10)
        assert ends.wire.take() == b"secret"


async def test_a_handshake_that_fails_ends_the_connection(tmp_path: Path) -> None:
    context = ServerTls(LocalAuthority(tmp_path, SystemClock()).ensure(["localhost"])).context()
    async with connected() as ends:
        upgrading = asyncio.ensure_future(ends.wire.start_tls(context, 30))
        await asyncio.sleep(0)
        ends.writer.write(b"no handshake at all\r\n")
        assert await upgrading is None
        assert ends.wire.is_lost
        assert len(ends.listener) == 0


async def test_the_peer_is_known_by_address_and_port() -> None:
    async with connected() as ends:
        ours: socket.socket = ends.writer.get_extra_info("socket")
        assert (ends.wire.peer, ends.wire.peer_port) == ours.getsockname()
