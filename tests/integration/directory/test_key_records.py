"""Records of keys, looked for at the servers of a zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from loadtest.zone.answers import Faults
from loadtest.zone.data import Zone
from loadtest.zone_server import ZoneServer
from services.directory.adapters.key_records import KeyRecords
from services.directory.domain.dkim import DkimKeyState, KeyRecordCheck
from shared.clock import SystemClock
from shared.dkim_keys import new_private_key
from shared.dns.settings import ResolverSettings
from shared.protocol.dkim.signing_key import load_signing_key, public_key_record

RECORD = public_key_record(load_signing_key("", "", new_private_key("rsa")))
KEY = DkimKeyState("k1", "d1", "example.org", "mailfold-k1", "rsa-sha256", RECORD, "new", False, 0)


class Internet:
    """A resolver, and two name servers of example.org on the same port."""

    def __init__(self, resolver: ZoneServer, first: ZoneServer, second: ZoneServer) -> None:
        self.resolver, self.first, self.second = resolver, first, second
        settings = ResolverSettings(addresses=resolver.address, timeout=0.4)
        self.records = KeyRecords(settings, SystemClock(), first.port)

    async def sighting(self) -> KeyRecordCheck:
        return (await self.records.look("example.org", [KEY]))["k1"]


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    known = Zone()
    known.add("example.org", "NS", "ns1.example.net.", "ns2.example.net.")
    known.add("ns1.example.net", "A", "127.0.0.2")
    known.add("ns2.example.net", "A", "127.0.0.3")
    async with AsyncExitStack() as stack:
        resolver = await stack.enter_async_context(ZoneServer(known))
        first = await stack.enter_async_context(ZoneServer(Zone(), "127.0.0.2"))
        second = await stack.enter_async_context(ZoneServer(Zone(), "127.0.0.3", first.port))
        yield Internet(resolver, first, second)


async def test_every_name_server_must_have_it(internet: Internet) -> None:
    internet.resolver.zone.add(KEY.name, "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(False, "ns1.example.net: no such record")
    internet.first.zone.add(KEY.name, "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(False, "ns2.example.net: no such record")
    internet.second.zone.add(KEY.name, "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(True, "seen at ns1.example.net, ns2.example.net")


async def test_nothing_is_remembered_between_two_looks(internet: Internet) -> None:
    for server in (internet.first, internet.second):
        server.zone.add(KEY.name, "TXT", RECORD)
    assert (await internet.sighting()).published
    internet.second.zone.remove(KEY.name, "TXT")
    assert (await internet.sighting()).published is False


async def test_behind_a_firewall_the_resolver_counts(internet: Internet) -> None:
    for server in (internet.first, internet.second):
        server.faults = Faults(silent=frozenset({""}))
    assert await internet.sighting() == KeyRecordCheck(False, "the resolver: no such record")
    internet.resolver.zone.add(KEY.name, "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(True, "seen at the resolver")


async def test_an_alias_to_another_zone_is_followed_by_the_resolver(internet: Internet) -> None:
    for server in (internet.first, internet.second, internet.resolver):
        server.zone.add(KEY.name, "CNAME", "key.elsewhere.example.")
    internet.resolver.zone.add("key.elsewhere.example", "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(True, "seen at the resolver")


async def test_a_zone_of_its_own_for_the_keys_is_asked(internet: Internet) -> None:
    internet.resolver.zone.add("_domainkey.example.org", "NS", "ns2.example.net.")
    internet.second.zone.add(KEY.name, "TXT", RECORD)
    assert await internet.sighting() == KeyRecordCheck(True, "seen at ns2.example.net")
    assert internet.first.count == 0


async def test_a_failing_resolver_says_nothing(internet: Internet) -> None:
    internet.resolver.faults = Faults(failing=frozenset({""}))
    assert (await internet.sighting()).published is None
    records = KeyRecords(ResolverSettings(addresses="not an address"), SystemClock())
    assert (await records.look("example.org", [KEY]))["k1"].published is None


async def test_a_zone_with_very_many_servers_is_asked_at_a_few(internet: Internet) -> None:
    names = [f"ns{number}.example.net." for number in range(100, 160)]
    internet.resolver.zone.replace("example.org", "NS", *names)
    for name in names:
        internet.resolver.zone.add(name.removesuffix("."), "A", "127.0.0.2")
    internet.first.zone.add(KEY.name, "TXT", RECORD)
    assert (await internet.sighting()).published
    assert internet.first.count == 6


async def test_a_domain_deep_below_is_not_walked_up_for_ever(internet: Internet) -> None:
    deep = ".".join(["a"] * 100) + ".example.org"
    assert (await internet.records.look(deep, [KEY]))["k1"] == KeyRecordCheck(False, "the resolver: no such record")
    assert internet.resolver.count <= 9
