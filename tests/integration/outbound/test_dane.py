"""DANE: servers whose certificates match their TLSA records, and all that can be wrong with records and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.zone.answers import Faults
from shared.rpc.mailfold.owner.v1 import owner_pb2
from tests.harness.waiting import until_true
from tests.integration.outbound.conftest import FAR, StartQueue
from tests.integration.outbound.installation import BODY, Installation
from tests.integration.outbound.tls_world import (
    HOST,
    QUIET,
    TlsWorld,
    counted,
    deferred,
    delivered,
    far_example,
    policy_of,
)
from tests.parts import authority
from tests.parts.policy_server import policy_text
from tests.parts.remote_server import RemoteServer


@pytest.fixture
async def world(tmp_path: Path, start_queue: StartQueue) -> AsyncIterator[TlsWorld]:
    """far.example with a certificate that no public authority signed, in a signed zone."""
    async with far_example(tmp_path, start_queue) as prepared:
        prepared.signed()
        yield prepared


async def state_of(installation: Installation) -> str:
    """What `status` says about the queue."""
    report: owner_pb2.ReportReply = await installation.owner.Report(owner_pb2.ReportRequest())
    return report.state


async def test_a_certificate_that_a_record_names_is_authenticated(world: TlsWorld) -> None:
    own = authority.server(None, "unrelated.example", days=(-30, -2))
    world.presents(own)
    world.zone.add(world.tlsa_name, "TLSA", own.tlsa(3, 1, 1), "1 0 1 " + "00" * 32)
    installation = await world.started()
    event = await delivered(installation)
    (host,) = event.attempt.hosts
    assert (host.authenticated_by, host.policy_type, host.tls_result) == ("dane", "tlsa", "success")
    assert host.policy == f"dane: 1 usable of 2 records at {HOST}, host signed"
    assert (f"_mta-sts.{FAR}", "TXT") not in installation.dns.server.counted()
    assert await counted(installation) == {("tlsa", "success"): 1}


async def test_an_authority_that_a_record_names_is_the_anchor(world: TlsWorld) -> None:
    private = authority.root("A private root")
    middle = authority.intermediate(private)
    world.presents(authority.server(middle, HOST))
    world.zone.add(world.tlsa_name, "TLSA", middle.tlsa(2, 0, 1))
    event = await delivered(await world.started())
    assert event.attempt.hosts[0].authenticated_by == "dane"


async def test_the_anchor_of_another_name_is_refused(world: TlsWorld) -> None:
    private = authority.root("A private root")
    world.presents(authority.server(private, "other.example"), with_root=True)
    world.zone.add(world.tlsa_name, "TLSA", private.tlsa(2, 0, 1))
    installation = await world.started()
    event = await deferred(installation)
    assert "the certificate is for other.example, not for mx.far.example, far.example" in event.reason
    assert await counted(installation) == {("tlsa", "certificate-host-mismatch"): 1}


async def test_a_certificate_that_matches_no_record_gets_no_mail(world: TlsWorld) -> None:
    world.zone.add(world.tlsa_name, "TLSA", authority.root().tlsa(3))
    installation = await world.started()
    event = await deferred(installation)
    assert (event.status, event.cause, event.destination_blocked_until) == ("4.7.5", "ours", 0)
    assert "no TLSA record matches" in event.reason
    assert (world.remote.mails, world.remote.connections) == ([], 1)
    assert await counted(installation) == {("tlsa", "validation-failure"): 1}


async def test_a_server_that_hides_starttls_gets_no_mail(world: TlsWorld) -> None:
    world.zone.add(world.tlsa_name, "TLSA", world.root.tlsa(2))
    world.remote.offers("PIPELINING")
    event = await deferred(await world.started())
    assert (event.status, world.remote.mails) == ("4.7.4", [])


async def test_the_next_host_takes_the_mail_when_the_first_does_not_match(world: TlsWorld) -> None:
    good = authority.server(None, "mx2.far.example")
    world.zone.add(world.tlsa_name, "TLSA", good.tlsa(3))
    world.zone.add(FAR, "MX", "20 mx2.far.example.")
    world.zone.add("mx2.far.example", "A", "127.0.0.4")
    world.zone.add(f"_{world.remote.port}._tcp.mx2.far.example", "TLSA", good.tlsa(3))
    async with RemoteServer(address="127.0.0.4", port=world.remote.port) as second:
        second.context = good.server(world.folder)
        second.offers("STARTTLS")
        event = await delivered(await world.started())
    assert [(host.host, host.tls_result) for host in event.attempt.hosts] == [
        (HOST, "validation-failure"),
        ("mx2.far.example", "success"),
    ]


async def test_only_unusable_records_ask_for_tls_and_no_certificate(world: TlsWorld) -> None:
    world.zone.add(world.tlsa_name, "TLSA", "1 0 1 " + "00" * 32)
    world.presents(authority.server(None, "other.example"))
    installation = await world.started({"outbound.connection_idle": "0"})
    event = await delivered(installation)
    assert event.attempt.hosts[0].tls.startswith("TLSv1.3")
    assert event.attempt.hosts[0].authenticated_by == ""
    assert await counted(installation) == {("tlsa", "tlsa-invalid"): 1}
    world.remote.offers("PIPELINING")
    assert (await deferred(installation, body=BODY + b"again")).status == "4.7.4"


async def test_a_host_that_is_skipped_is_skipped_with_all_its_addresses(world: TlsWorld) -> None:
    world.zone.add(HOST, "A", "127.0.0.2", "127.0.0.3")
    installation = await world.started(faults=Faults(failing=frozenset({world.tlsa_name})))
    event = await deferred(installation)
    assert len(event.attempt.hosts) == 1
    assert await counted(installation) == {("tlsa", "dnssec-invalid"): 1}


@pytest.mark.parametrize("is_silent", [False, True], ids=["bogus", "time-out"])
async def test_without_an_answer_about_tlsa_the_host_is_skipped(world: TlsWorld, is_silent: bool) -> None:
    names = frozenset({world.tlsa_name})
    installation = await world.started(faults=Faults(silent=names) if is_silent else Faults(failing=names))
    event = await deferred(installation)
    assert (event.status, event.cause, event.destination_blocked_until) == ("4.4.3", "ours", 0)
    assert f"no answer about the TLSA records of {HOST}" in event.reason
    assert [(host.stage, host.tls_result) for host in event.attempt.hosts] == [("policy", "dnssec-invalid")]
    assert world.remote.connections == 0


async def test_a_signed_host_without_records_goes_on_without_dane(world: TlsWorld) -> None:
    event = await delivered(await world.started())
    assert event.attempt.hosts[0].policy == f"dane: {HOST} has no TLSA record; no mta-sts policy"


async def test_a_resolver_that_does_not_validate_is_not_believed(world: TlsWorld) -> None:
    world.zone.add("dnssec-broken.example", "A", "192.0.2.1")
    world.zone.add(world.tlsa_name, "TLSA", authority.root().tlsa(3))
    installation = await world.started({"outbound.dnssec_broken_name": "dnssec-broken.example"})
    event = await delivered(installation)
    assert event.attempt.hosts[0].policy.startswith("dane: off")
    state = await state_of(installation)
    assert "DANE is off: the name server" in state
    assert "it answers about dnssec-broken.example, whose signatures are broken" in state


async def test_a_switch_turns_dane_off_and_status_says_so(world: TlsWorld) -> None:
    installation = await world.started({"outbound.dnssec": "off"})

    async def is_said() -> bool:
        return "DANE is off: outbound.dnssec is off" in await state_of(installation)

    await until_true(is_said)


async def test_the_wish_of_the_sender_switches_dane_off_but_not_with_requiretls(world: TlsWorld) -> None:
    world.zone.add(world.tlsa_name, "TLSA", authority.root().tlsa(3))
    installation = await world.started(QUIET)
    body = b"TLS-Required: No\r\n" + BODY
    event = await delivered(installation, body=body)
    assert event.attempt.hosts[0].policy == "TLS-Required: No"
    assert (await deferred(installation, body=body + b"again", require_tls=True)).status == "4.7.5"


async def test_requiretls_goes_to_a_host_that_dane_vouches_for(world: TlsWorld) -> None:
    own = authority.server(world.root, HOST)
    world.presents(own, "REQUIRETLS")
    world.zone.add(world.tlsa_name, "TLSA", own.tlsa(3))
    event = await delivered(await world.started(), require_tls=True)
    assert event.attempt.hosts[0].authenticated_by == "dane"
    assert world.remote.mails[0].mail.endswith(" REQUIRETLS")


async def test_requiretls_in_a_signed_domain_without_records_needs_a_public_certificate(world: TlsWorld) -> None:
    world.presents(authority.server(world.root, HOST), "REQUIRETLS")
    event = await delivered(await world.started(), require_tls=True)
    assert event.attempt.hosts[0].authenticated_by == "web-pki"


async def test_dane_comes_before_mta_sts(world: TlsWorld) -> None:
    own = authority.server(None, HOST)
    world.presents(own)
    world.zone.add(world.tlsa_name, "TLSA", own.tlsa(3))
    async with policy_of(world, policy_text("enforce", "other.example")) as policies:
        event = await delivered(await world.started({"outbound.sts_port": str(policies.port)}))
    assert event.attempt.hosts[0].authenticated_by == "dane"
    assert policies.requests == []
