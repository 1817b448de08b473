"""TLS with other servers: what is asked of a certificate, when clear text is allowed, and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.rpc.mailfold.directory.v1 import directory_pb2
from tests.integration.outbound.conftest import FAR, StartQueue
from tests.integration.outbound.tls_world import HOST, TlsWorld, counted, deferred, delivered, far_example
from tests.parts import authority

STRICT = {"outbound.tls": f"{FAR}=verify"}


@pytest.fixture
async def world(tmp_path: Path, start_queue: StartQueue) -> AsyncIterator[TlsWorld]:
    async with far_example(tmp_path, start_queue) as prepared:
        yield prepared


def certificate(world: TlsWorld, fault: str) -> authority.Issued:
    """A certificate for the server, with a fault."""
    match fault:
        case "certificate-host-mismatch":
            return authority.server(world.root, "other.example")
        case "certificate-expired":
            return authority.server(world.root, HOST, days=(-30, -2))
        case _:
            return authority.server(None, HOST)


FAULTS = ("certificate-host-mismatch", "certificate-expired", "certificate-not-trusted")


@pytest.mark.parametrize("fault", FAULTS)
async def test_without_a_policy_no_certificate_is_looked_at(world: TlsWorld, fault: str) -> None:
    world.presents(certificate(world, fault))
    installation = await world.started()
    event = await delivered(installation)
    (host,) = event.attempt.hosts
    assert host.tls.startswith("TLSv1.3 ")
    assert (host.authenticated_by, host.policy) == ("", "dane: off; no mta-sts policy")
    assert world.remote.mails[0].is_encrypted
    assert await counted(installation) == {("no-policy-found", "success"): 1}


@pytest.mark.parametrize("fault", FAULTS)
async def test_where_the_operator_asks_for_it_a_certificate_is_verified(world: TlsWorld, fault: str) -> None:
    world.presents(certificate(world, fault))
    installation = await world.started(STRICT)
    event = await deferred(installation)
    assert (event.status, event.cause, event.destination_blocked_until) == ("4.7.5", "ours", 0)
    assert "the certificate is not accepted" in event.reason
    assert world.remote.mails == []
    assert world.remote.connections == 1
    assert await counted(installation) == {("no-policy-found", fault): 1}


async def test_a_verified_certificate_is_recorded_and_the_connection_is_counted_once(world: TlsWorld) -> None:
    installation = await world.started(STRICT)
    for _ in range(2):
        event = await delivered(installation)
        assert event.attempt.hosts[-1].authenticated_by == "web-pki"
    assert event.attempt.hosts[-1].policy == f"outbound.tls {FAR}=verify; dane: off; no mta-sts policy"
    assert (len(world.remote.mails), world.remote.connections) == (2, 1)
    assert await counted(installation) == {("no-policy-found", "success"): 1}


async def test_a_destination_that_must_be_encrypted_and_offers_no_tls_waits(world: TlsWorld) -> None:
    world.remote.offers("PIPELINING")
    installation = await world.started({"outbound.tls": f"{FAR}=encrypt"})
    event = await deferred(installation)
    assert (event.status, event.cause) == ("4.7.4", "ours")
    assert await counted(installation) == {("no-policy-found", "starttls-not-supported"): 1}


async def test_a_destination_may_be_exempt_from_tls(world: TlsWorld) -> None:
    installation = await world.started({"outbound.tls": f"{FAR}=never"})
    event = await delivered(installation)
    assert event.attempt.hosts[0].tls == ""
    assert "STARTTLS" not in world.remote.lines
    assert await counted(installation) == {}


async def test_after_a_failed_handshake_the_mail_goes_in_clear_over_a_new_connection(world: TlsWorld) -> None:
    world.remote.context = None  # it answers the handshake with SMTP replies
    installation = await world.started()
    event = await delivered(installation)
    failed, in_clear = event.attempt.hosts
    assert (failed.stage, failed.tls_result) == ("TLS handshake", "validation-failure")
    assert (in_clear.tls, in_clear.code) == ("", 250)
    assert in_clear.policy.endswith("in the clear, because TLS failed")
    assert (world.remote.connections, world.remote.mails[0].is_encrypted) == (2, False)
    assert await counted(installation) == {("no-policy-found", "validation-failure"): 1}


async def test_a_handshake_that_hangs_has_an_end_and_the_mail_goes_in_clear(world: TlsWorld) -> None:
    world.remote.hangs_in_handshake = True
    installation = await world.started({"outbound.handshake_seconds": "0.3"})
    event = await delivered(installation)
    failed, in_clear = event.attempt.hosts
    assert "SSL handshake is taking longer than 0.3 seconds" in failed.reply
    assert (in_clear.tls, in_clear.code) == ("", 250)
    assert world.remote.connections == 2


async def test_a_policy_never_goes_in_clear(world: TlsWorld) -> None:
    world.remote.context = None
    installation = await world.started(STRICT)
    event = await deferred(installation)
    assert (event.status, event.cause) == ("4.7.5", "ours")
    assert (world.remote.connections, world.remote.mails) == (1, [])
    assert not [line for line in world.remote.lines if line.startswith("MAIL")]


async def test_a_log_in_never_goes_in_clear(world: TlsWorld) -> None:
    world.remote.context = None
    world.remote.offers("PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN")
    installation = await world.started()
    await installation.directory.SetRelay(
        directory_pb2.SetRelayRequest(
            preset="smarthost", host="127.0.0.1", port=world.remote.port, tls="starttls", user="ann", password="secret"
        )
    )
    event = await deferred(installation)
    assert (event.status, event.cause) == ("4.7.5", "ours")
    assert event.destination_blocked_until > event.attempt.at
    assert world.remote.mails == []
    assert not [line for line in world.remote.lines if line.startswith(("MAIL", "AUTH"))]


async def test_requiretls_needs_a_host_that_somebody_vouches_for(world: TlsWorld) -> None:
    installation = await world.started()
    event = await deferred(installation, require_tls=True)
    assert (event.status, event.cause) == ("4.7.30", "ours")
    assert "neither DNSSEC nor MTA-STS names mx.far.example" in event.reason
    assert world.remote.connections == 0
