"""DANE with an unbound that validates signed zones on nsd."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.outbound.conftest import FAR, StartQueue
from tests.integration.outbound.tls_world import HOST, TlsWorld, deferred, delivered, far_example
from tests.parts import authority
from tests.parts.dnssec import SignedZone, ValidatingResolver
from tests.parts.required import needs

BROKEN = SignedZone("broken.example", [("broken.example", "A", "192.0.2.1")])
ANOTHER = SignedZone("broken.example", [])
UNSIGNED = SignedZone("unsigned.example", [("mail.unsigned.example", "A", "127.0.0.1")], is_signed=False)
FLAGS = {"outbound.dnssec_signed_name": FAR, "outbound.dnssec_broken_name": "broken.example"}


@pytest.fixture
async def world(tmp_path: Path, start_queue: StartQueue) -> AsyncIterator[TlsWorld]:
    """far.example with a certificate that no authority signed."""
    needs(ValidatingResolver)
    async with far_example(tmp_path, start_queue) as prepared:
        prepared.presents(authority.server(None, HOST))
        yield prepared


def own_record(world: TlsWorld) -> tuple[str, str, str]:
    """A TLSA record for the certificate of the server."""
    issued = authority.server(None, HOST)
    world.presents(issued)
    return (world.tlsa_name, "TLSA", issued.tlsa(3, 1, 1))


def far(*records: tuple[str, str, str], host: tuple[str, str, str] = (HOST, "A", "127.0.0.1")) -> SignedZone:
    return SignedZone(FAR, [(FAR, "MX", f"10 {HOST}."), host, *records])


def resolver(zone: SignedZone) -> ValidatingResolver:
    """A resolver with that zone, a broken one and an unsigned one."""
    return ValidatingResolver([zone, BROKEN, UNSIGNED], {"broken.example": ANOTHER})


async def test_a_signed_record_authenticates_the_server(world: TlsWorld) -> None:
    with resolver(far(own_record(world))) as dns:
        event = await delivered(await world.started({**FLAGS, "resolver.addresses": dns.address}))
    (host,) = event.attempt.hosts
    assert (host.authenticated_by, host.policy) == ("dane", f"dane: 1 usable of 1 record at {HOST}, host signed")


async def test_a_record_with_a_broken_signature_skips_the_host(world: TlsWorld) -> None:
    name, kind, text = own_record(world)
    zone = far((name, kind, text))
    zone.tamper(name, kind, authority.server(None, HOST).tlsa(3))
    with resolver(zone) as dns:
        event = await deferred(await world.started({**FLAGS, "resolver.addresses": dns.address}))
    assert (event.status, event.cause) == ("4.4.3", "ours")
    assert f"no answer about the TLSA records of {HOST}: 127.0.0.1" in event.reason
    assert world.remote.connections == 0


async def test_a_validated_denial_goes_on_without_dane(world: TlsWorld) -> None:
    with resolver(far()) as dns:
        event = await delivered(await world.started({**FLAGS, "resolver.addresses": dns.address}))
    assert event.attempt.hosts[0].policy == f"dane: {HOST} has no TLSA record; no mta-sts policy"


async def test_a_signed_alias_into_an_unsigned_zone_has_its_own_records(world: TlsWorld) -> None:
    alias = (HOST, "CNAME", "mail.unsigned.example.")
    with resolver(far(own_record(world), host=alias)) as dns:
        event = await delivered(await world.started({**FLAGS, "resolver.addresses": dns.address}))
    assert event.attempt.hosts[0].authenticated_by == "dane"


async def test_a_resolver_that_answers_about_the_broken_name_is_not_believed(world: TlsWorld) -> None:
    flags = {**FLAGS, "outbound.dnssec_broken_name": HOST}
    with resolver(far(own_record(world))) as dns:
        event = await delivered(await world.started({**flags, "resolver.addresses": dns.address}))
    assert event.attempt.hosts[0].policy == "dane: off; no mta-sts policy"
