"""A listener on real sockets: floods, silent clients, and handshakes that do not end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from shared.clock import SystemClock
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.network.descriptors import Descriptors
from shared.network.listener import IMPLICIT_TLS, NO_TLS, Listener, ListenerKind
from shared.network.slot import Slot
from shared.tls.authority import LocalAuthority
from shared.tls.server import ServerTls
from tests.harness.waiting import until_true
from tests.parts.certificate import trusting

_PLENTY = ConnectionLimits(total=1000, per_network=1000, handshakes=1000)


class Greeter(asyncio.Protocol):
    """Sends a greeting or a refusal, and echoes."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = opened = cast(asyncio.Transport, transport)
        self._slot.occupant = self
        opened.write(b"hello\n" if self._slot.refusal is None else b"no\n")
        if self._slot.refusal is not None:
            opened.close()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"prove"):
            self._slot.prove()
        assert self._transport is not None
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._slot.leave()

    def dismiss(self) -> None:
        assert self._transport is not None
        self._transport.write(b"bye\n")
        self._transport.close()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()


@contextlib.asynccontextmanager
async def listening(
    limits: ConnectionLimits = _PLENTY,
    tls: ListenerTls | None = None,
    descriptors: int = 20_000,
    bind: tuple[str, ...] = ("127.0.0.1",),
) -> AsyncIterator[Listener]:
    kind = ListenerKind("echo", 0, IMPLICIT_TLS if tls else NO_TLS)
    share = Descriptors(descriptors).claim("echo", limits.total)
    listener = Listener(kind, limits, share, Greeter, b"full\n")
    await listener.start(bind, 0, tls)
    try:
        yield listener
    finally:
        await listener.stop(0.0)
        await until_true(lambda: listener.emptied.is_set())


@pytest.fixture
def tls(tmp_path: Path) -> ListenerTls:
    files = LocalAuthority(tmp_path, SystemClock()).ensure(["localhost"])
    return ListenerTls(ServerTls(files).context(), 30.0, 1.0)


class Clients:
    """Connections whose client side does not read."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.sockets: list[socket.socket] = []

    async def connect(self, number: int, source: str = "127.0.0.1") -> None:
        for _ in range(number):
            client = socket.socket()
            client.setblocking(False)
            client.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self._port))
            self.sockets.append(client)

    def close(self) -> None:
        for client in self.sockets:
            client.close()


@contextlib.asynccontextmanager
async def clients(listener: Listener) -> AsyncIterator[Clients]:
    opened = Clients(listener.port)
    try:
        yield opened
    finally:
        opened.close()


async def first_line(port: int, context: ssl.SSLContext | None = None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return await reader.readline()
    finally:
        writer.close()


def open_sockets() -> int:
    links = list(Path("/proc/self/fd").iterdir())
    return sum(link.exists() and str(link.readlink()).startswith("socket:") for link in links)


def highest_descriptor() -> int:
    return max(int(link.name) for link in Path("/proc/self/fd").iterdir())


async def test_a_connection_counts_before_its_handshake(tls: ListenerTls) -> None:
    async with listening(tls=tls) as listener, clients(listener) as silent:
        await silent.connect(20)
        await until_true(lambda: len(listener) == 20)
        assert await first_line(listener.port, trusting()) == b"hello\n"


async def test_silent_clients_of_a_tls_port_hold_no_more_descriptors_than_the_listener_has(tls: ListenerTls) -> None:
    """Each of 300 silent connections counts, 60 are held, another client gets in, and all descriptors are released."""
    before = open_sockets()
    limits = ConnectionLimits(total=60, per_network=1000, handshakes=1000)
    async with listening(limits, tls) as listener:
        async with clients(listener) as silent:
            await silent.connect(300, source="127.0.0.9")
            await until_true(lambda: sum(row.refused for row in listener.report()) == 240)
            assert len(listener) == 60
            assert open_sockets() - before <= 300 + 60 + 16 + 5
            assert await first_line(listener.port, trusting()) == b"hello\n"
        await until_true(lambda: len(listener) == 0)
        assert await first_line(listener.port, trusting()) == b"hello\n"
    await until_true(lambda: open_sockets() <= before)


async def test_descriptors_bound_a_listener_below_its_settings() -> None:
    async with listening(descriptors=100) as listener, clients(listener) as silent:
        await silent.connect(100)
        await until_true(lambda: sum(row.refused for row in listener.report()) == 100 - 18)
        (row,) = listener.report()
        assert (row.connections, row.room, row.promised) == (18, 18, 1000)


async def test_a_refused_client_reads_why_and_in_a_flood_a_bare_line() -> None:
    limits = ConnectionLimits(total=1, per_network=1000, handshakes=1000)
    async with listening(limits) as listener, clients(listener) as held:
        await held.connect(1)
        assert await first_line(listener.port) == b"no\n"
        await until_true(lambda: not listener._refusing)
        said = await asyncio.gather(*(first_line(listener.port) for _ in range(100)))
        assert set(said) <= {b"no\n", b"full\n", b""}
        assert len(listener) == 1


async def test_handshakes_are_bounded_and_end(tls: ListenerTls) -> None:
    limits = ConnectionLimits(total=1000, per_network=1000, handshakes=10)
    hasty = ListenerTls(tls.context, 1.0, 1.0)
    async with listening(limits, hasty) as listener, clients(listener) as silent:
        await silent.connect(100, source="127.0.0.9")
        await until_true(lambda: sum(row.displaced for row in listener.report()) == 90)
        assert len(listener) == 10
        await until_true(lambda: len(listener) == 0)
        assert await first_line(listener.port, trusting()) == b"hello\n"


async def test_what_is_no_handshake_leaves_nothing(tls: ListenerTls) -> None:
    before = open_sockets()
    async with listening(tls=tls) as listener, clients(listener) as rude:
        await rude.connect(20)
        for client in rude.sockets:
            client.send(b"EHLO client.example\r\n")
        await until_true(lambda: len(listener) == 0)
    await until_true(lambda: open_sockets() <= before)


async def test_an_accept_without_descriptors_is_tried_again_and_does_not_spin(
    monkeypatch: pytest.MonkeyPatch, tls: ListenerTls
) -> None:
    """EMFILE is met once in a thousand turns of the loop; when there are descriptors again, the client is served."""
    calls = 0

    def without_descriptors(_self: socket.socket) -> tuple[socket.socket, object]:
        nonlocal calls
        calls += 1
        raise OSError(errno.EMFILE, "Too many open files")

    async with listening(tls=tls) as listener, clients(listener) as waiting:
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "accept", without_descriptors)
            await waiting.connect(1)
            await until_true(lambda: calls == 1)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert calls == 1
        await until_true(lambda: len(listener) == 1)


async def test_plain_connections_that_there_is_no_descriptor_for_are_closed() -> None:
    """The process has two descriptors left when ten clients connect; later, with more, the next one is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with listening() as listener:
        # no descriptor number is free below the highest
        fillers = [socket.socket() for _ in range(highest_descriptor())]
        connecting, held = fillers[-10:], fillers[:-10]
        resource.setrlimit(resource.RLIMIT_NOFILE, (connecting[-1].fileno() + 3, hard))
        try:
            for client in connecting:
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", listener.port))
            said = await asyncio.gather(*(asyncio.get_running_loop().sock_recv(client, 10) for client in connecting))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert 1 <= said.count(b"hello\n") <= 4
        assert said.count(b"") == 10 - said.count(b"hello\n")
        assert await first_line(listener.port) == b"hello\n"
        for client in (*connecting, *held):
            client.close()


async def test_a_stop_dismisses_everybody(tls: ListenerTls) -> None:
    async with listening(tls=tls) as listener, clients(listener) as silent:
        await silent.connect(5)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trusting())
        assert await reader.readline() == b"hello\n"
        await until_true(lambda: len(listener) == 6)
        await listener.stop(10.0)
        assert await reader.readline() == b"bye\n"
        writer.close()
        await until_true(lambda: len(listener) == 0)


async def test_both_families_are_listened_on_side_by_side() -> None:
    async with listening(bind=("127.0.0.1", "::1")) as listener:
        assert [row.address for row in listener.report()] == ["127.0.0.1", "::1"]
        assert await first_line(listener.port) == b"hello\n"


async def test_answers_are_not_held_back() -> None:
    """TCP_NODELAY is set, so a small answer is sent at once."""
    async with listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        await reader.readline()
        (slot,) = listener
        assert isinstance(slot.occupant, Greeter)
        transport = slot.occupant._transport
        assert transport is not None
        ours = transport.get_extra_info("socket")
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
