"""The zone server over UDP and TCP."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import dns.asyncquery
import dns.asyncresolver
import dns.message
import dns.resolver
import pytest

from loadtest.zone.answers import Faults
from loadtest.zone.data import from_records
from loadtest.zone_server import ZoneServer
from tests.parts.dns import ZoneServerThread
from tests.parts.ports import free_port

RECORDS = [("a.example", "A", "192.0.2.1"), ("long.example", "TXT", "x" * 5000)]


def _resolver(server: ZoneServer) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = [server.host], server.port, 5
    return resolver


async def test_udp_tcp_and_the_way_from_one_to_the_other() -> None:
    async with ZoneServer(from_records(RECORDS)) as server:
        resolver = _resolver(server)
        assert [entry.to_text() for entry in await resolver.resolve("a.example", "A")] == ["192.0.2.1"]
        assert [entry.to_text() for entry in await resolver.resolve("a.example", "A", tcp=True)] == ["192.0.2.1"]
        (record,) = await resolver.resolve("long.example", "TXT")
        assert sum(map(len, record.strings)) == 5000
        assert server.counted()["long.example", "TXT"] == 2


async def test_a_black_hole_says_nothing_and_the_rest_is_answered() -> None:
    async with ZoneServer(from_records(RECORDS), faults=Faults(silent=frozenset({"a.example"}))) as server:
        query = dns.message.make_query("a.example", "A")
        with pytest.raises(dns.exception.Timeout):
            await dns.asyncquery.udp(query, server.host, port=server.port, timeout=0.3)
        with pytest.raises(dns.resolver.NXDOMAIN):
            await _resolver(server).resolve("b.example", "A")


async def test_a_delay_is_kept_and_others_are_not_held_up() -> None:
    async with ZoneServer(from_records(RECORDS), faults=Faults(delay=0.2)) as server:
        asked = [asyncio.ensure_future(_resolver(server).resolve("a.example", "A")) for _ in range(10)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        # the last question was received before the first answer was sent
        assert server.counted()["a.example", "A"] == 10
        assert all(len(answer) == 1 for answer in await asyncio.gather(*asked))


async def test_garbage_and_half_questions_harm_nobody() -> None:
    async with ZoneServer(from_records(RECORDS)) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for junk in (b"", b"\0", b"\xff" * 40, b"\0" * 12):
                sender.sendto(junk, (server.host, server.port))
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"\0\x50half")
        await writer.drain()
        writer.close()
        assert len(await _resolver(server).resolve("a.example", "A")) == 1


async def test_open_streams_do_not_hold_up_the_end() -> None:
    async with ZoneServer(from_records(RECORDS)) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        await _resolver(server).resolve("a.example", "A", tcp=True)
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


def test_a_thread_serves_while_the_zone_changes() -> None:
    zone = from_records(RECORDS)
    resolver = dns.resolver.Resolver(configure=False)
    with ZoneServerThread(zone) as server:
        resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], server.port, 5
        assert resolver.resolve("a.example", "A")[0].to_text() == "192.0.2.1"
        zone.replace("a.example", "A", "192.0.2.7")
        assert resolver.resolve("a.example", "A")[0].to_text() == "192.0.2.7"


def test_the_command_serves_the_senders_zone() -> None:
    root = Path(__file__).resolve().parents[3]
    argv = [sys.executable, "-m", "loadtest", "zone", "--port", str(free_port()), "--domain", "here.test"]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().strip().rsplit(":", 1)[1])
            resolver = dns.resolver.Resolver(configure=False)
            resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, 5
            assert resolver.resolve("here.test", "MX")[0].to_text() == "10 mx.here.test."
        finally:
            process.terminate()
