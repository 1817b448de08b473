"""COMPRESS=DEFLATE in the hands of users: bombs, endless lines, clients that do not read, and many idle connections."""

from __future__ import annotations

import asyncio
import zlib

from loadtest.meter.proc import read_pss
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.hostile.compressed import CompressedConnection, IdleConnections

_MIB = 1024 * 1024
_CONNECTIONS = 60


def memory(server: MailfoldServer) -> int:
    """PSS of all processes of the server, in octets."""
    report = server.report()
    assert report is not None
    return sum(read_pss(process.pid) for process in report.processes if process.pid)


def bomb(octets: int) -> bytes:
    """A line of so many octets, a thousandth on the wire."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = b"x" * _MIB
    return b"".join(deflater.compress(piece) for _ in range(octets // _MIB)) + deflater.flush(zlib.Z_SYNC_FLUSH)


async def test_a_bomb_costs_no_memory_and_others_are_served(server: MailfoldServer) -> None:
    """600 MiB in one line, from three connections at once."""
    person = server.people.person("ann")
    before = memory(server)
    connections = [await CompressedConnection.open(server, person) for _ in range(3)]
    other = await CompressedConnection.open(server, person)
    for connection in connections:
        connection.writer.write(bomb(200 * _MIB))
    for _ in range(20):
        assert b"t OK" in await other.ask(b"NOOP")
        assert memory(server) - before < 60 * _MIB
    for connection in connections:
        assert (await connection.until(b"* BYE")).endswith(b"* BYE Command line is too long\r\n")
    other.writer.close()


async def test_a_literal_that_is_a_bomb_is_refused_by_its_size(server: MailfoldServer) -> None:
    person = server.people.person("ben")
    connection = await CompressedConnection.open(server, person)
    connection.send(b"t APPEND INBOX {%d+}\r\n" % (120 * _MIB))
    connection.writer.write(bomb(8 * _MIB))
    connection.writer.close()
    assert b"OK" in await (await CompressedConnection.open(server, person)).ask(b"NOOP")


async def test_a_client_that_does_not_read_holds_nobody_up(server: MailfoldServer) -> None:
    """The answers of a pipelining client that never reads wait for it; another session goes on."""
    person = server.people.person("cid")
    slow, other = [await CompressedConnection.open(server, person) for _ in range(2)]
    before = memory(server)
    slow.send(b"".join(b't%d LIST "" *\r\n' % number for number in range(20_000)))
    for _ in range(50):
        assert b"t OK" in await other.ask(b"NOOP")
    assert memory(server) - before < 30 * _MIB
    slow.writer.transport.abort()
    other.writer.close()


async def test_an_idle_connection_gives_its_memory_back(server: MailfoldServer) -> None:
    """Each connection has fetched mail; then a compressed one costs little more than another.

    zlib with its defaults would hold 300 KB for each, and the heap of the C library with its defaults 200 KB.
    """
    person = server.people.person("dan")
    await asyncio.to_thread(fill, server, person)
    async with IdleConnections(server, person, 10, compressed=True):
        pass  # caches and allocators are warm
    before = memory(server)
    async with IdleConnections(server, person, _CONNECTIONS, compressed=True):
        assert memory(server) - before < _CONNECTIONS * 160_000


def fill(server: MailfoldServer, person: Person) -> None:
    """Some mail in INBOX."""
    with server.imap(person) as imap:
        for _ in range(5):
            imap.connection.append("INBOX", "", "", compose(person.address, person.address, body=b"x" * 20_000).data)
