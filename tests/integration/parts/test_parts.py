"""The starters of external programs start the real programs and leave nothing behind."""

from __future__ import annotations

import subprocess

import dns.resolver
import nats
import psycopg
import pytest

from loadtest.zone.data import from_records
from tests.parts import clients
from tests.parts.dns import Dnsmasq, ZoneServerThread
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.required import needs


async def test_nats_keeps_a_stream_over_a_restart_and_loses_it_when_wiped(nats_server: NatsServer) -> None:
    client = await nats.connect(nats_server.url)
    await client.jetstream().add_stream(name="kept", subjects=["kept.>"])
    await client.close()
    nats_server.restart()
    assert await _streams(nats_server) == 1
    nats_server.wipe()
    assert await _streams(nats_server) == 0


async def _streams(server: NatsServer) -> int:
    client = await nats.connect(server.url)
    try:
        return (await client.jetstream().account_info()).streams
    finally:
        await client.close()


def test_nats_leaves_nothing_behind(nats_server: NatsServer) -> None:
    with NatsServer() as other:
        folder = other.folder.path
        assert other.port != nats_server.port
    assert not folder.exists()


def test_postgres_gives_every_test_its_own_database(postgres_server: PostgresServer) -> None:
    first, second = postgres_server.create_database(), postgres_server.create_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE mine (n int)")
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    postgres_server.drop_database(first)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first)


def test_both_dns_servers_answer_alike() -> None:
    needs(Dnsmasq)
    zone = from_records([("mx.example", "A", "127.0.0.9"), ("a.example", "TXT", "hello; world")])
    with (
        ZoneServerThread(zone) as ours,
        Dnsmasq(["address=/mx.example/127.0.0.9", 'txt-record=a.example,"hello; world"']) as theirs,
    ):
        for question in (("mx.example", "A"), ("a.example", "TXT")):
            assert _answers(ours.port, *question) == _answers(theirs.port, *question)


def _answers(port: int, name: str, rdtype: str) -> list[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, 5
    return [record.to_text() for record in resolver.resolve(name, rdtype)]


@pytest.mark.parametrize("client", clients.ALL, ids=lambda client: client.command)
def test_a_client_says_its_version(client: clients.Client) -> None:
    needs(client)
    flag = {"openssl": "version", "neomutt": "-v"}.get(client.command, "--version")
    assert subprocess.run([str(client.path()), flag], capture_output=True, timeout=20).stdout
