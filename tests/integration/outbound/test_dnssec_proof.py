"""Which name servers are believed about signatures: declared ones that prove that they validate."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from loadtest.zone.answers import Faults
from loadtest.zone.data import Zone
from services.outbound.adapters.dnssec import DnssecProof
from services.outbound.settings import OutboundSettings
from shared.clock import SystemClock
from shared.dns.settings import ResolverSettings
from tests.parts.dns import ZoneServerThread

BROKEN = "dnssec-failed.org"
VALIDATES = Faults(failing=frozenset({BROKEN}))


def zone() -> Zone:
    zone = Zone()
    zone.add("org", "SOA", "ns.org. admin.org. 1 2 3 4 5")
    zone.add(BROKEN, "A", "192.0.2.1")
    return zone


@pytest.fixture
def validating() -> Iterator[ZoneServerThread]:
    """A name server that answers as one that validates."""
    with ZoneServerThread(zone(), VALIDATES, authentic=True) as server:
        yield server


def proof_of(addresses: str, dnssec: str = "auto") -> DnssecProof:
    settings = msgspec.convert({"dnssec": dnssec}, OutboundSettings)
    return DnssecProof(settings, ResolverSettings(addresses=addresses, timeout=0.3), SystemClock())


async def outcome(proof: DnssecProof) -> tuple[bool, str]:
    """Whether the proof is given, and what is said about it."""
    await proof.prove()
    return proof.is_proven, proof.reason


async def test_a_server_that_validates_is_believed(validating: ZoneServerThread) -> None:
    assert await outcome(proof_of(validating.address)) == (True, "")
    assert [name for name, _ in validating.server.asked] == ["org", BROKEN]


async def test_a_server_that_authenticates_nothing_is_not_believed() -> None:
    with ZoneServerThread(zone(), VALIDATES) as server:
        is_proven, reason = await outcome(proof_of(server.address))
    assert not is_proven
    assert "does not validate: the answer about org is not authenticated" in reason


async def test_a_server_that_answers_about_broken_signatures_is_not_believed() -> None:
    with ZoneServerThread(zone(), authentic=True) as server:
        is_proven, reason = await outcome(proof_of(server.address))
    assert not is_proven
    assert f"it answers about {BROKEN}" in reason


async def test_every_server_must_validate(validating: ZoneServerThread) -> None:
    with ZoneServerThread(zone(), authentic=True) as other:
        assert not (await outcome(proof_of(f"{validating.address}, {other.address}")))[0]


async def test_silence_proves_nothing_and_takes_no_proof_away(validating: ZoneServerThread) -> None:
    proof = proof_of(validating.address)
    validating.server.faults = Faults(silent=frozenset({""}))
    assert await proof.prove() is False
    assert not proof.is_proven
    assert "gave no answer" in proof.reason
    validating.server.faults = VALIDATES
    assert await proof.prove() is True
    assert proof.is_proven
    validating.server.faults = Faults(silent=frozenset({""}))
    assert await proof.prove() is False
    assert (proof.is_proven, proof.reason) == (True, "")
    validating.server.faults = Faults()
    assert await proof.prove() is True
    assert not proof.is_proven


async def test_a_server_elsewhere_must_be_declared() -> None:
    is_proven, reason = await outcome(proof_of("192.0.2.53"))
    assert (is_proven, reason) == (
        False,
        "DANE is off: outbound.dnssec is auto, and the resolver is not on this machine",
    )


async def test_a_declared_server_without_proof_is_a_trouble_and_not_only_a_note() -> None:
    with ZoneServerThread(zone(), authentic=True) as server:
        for dnssec, is_trouble in (("on", True), ("auto", False)):
            proof = proof_of(server.address, dnssec)
            await proof.prove()
            assert bool(proof.trouble) is is_trouble
