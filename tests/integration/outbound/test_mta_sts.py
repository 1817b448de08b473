"""MTA-STS: policies that are fetched, kept and obeyed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.zone.answers import Faults
from shared.events.outbound import OutboundBounced, OutboundDelivered, OutboundStsPolicyFailed, OutboundStsPolicyFetched
from shared.eventstore.event import Event
from tests.integration.outbound.conftest import FAR, StartQueue
from tests.integration.outbound.installation import BODY, Installation
from tests.integration.outbound.tls_world import (
    HOST,
    TlsWorld,
    counted,
    deferred,
    delivered,
    far_example,
    policy_of,
)
from tests.parts import authority
from tests.parts.policy_server import PolicyServer, policy_text

ENFORCE = policy_text("enforce", "*.far.example")


@pytest.fixture
async def world(tmp_path: Path, start_queue: StartQueue) -> AsyncIterator[TlsWorld]:
    async with far_example(tmp_path, start_queue) as prepared:
        yield prepared


async def started(world: TlsWorld, policies: PolicyServer, faults: Faults | None = None) -> Installation:
    return await world.started({"outbound.sts_port": str(policies.port)}, faults=faults)


async def events_about(installation: Installation) -> list[Event]:
    """The events about the policy."""
    return await installation.events(f"sts/{FAR}")


async def test_a_host_that_the_policy_names_is_verified(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE, policy_id="20261129") as policies:
        installation = await started(world, policies)
        event = await delivered(installation)
        await delivered(installation)
    (host,) = event.attempt.hosts
    assert (host.authenticated_by, host.policy) == ("mta-sts", "mta-sts enforce id=20261129 mx *.far.example")
    assert len(policies.requests) == 1
    assert policies.requests[0].startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.far.example\r\n")
    (fetched,) = await events_about(installation)
    assert isinstance(fetched, OutboundStsPolicyFetched)
    assert (fetched.id, fetched.mode, fetched.mx, fetched.max_age) == ("20261129", "enforce", ("*.far.example",), 86400)
    assert await counted(installation) == {("sts", "success"): 1}


async def test_a_host_that_the_policy_does_not_name_is_skipped(world: TlsWorld) -> None:
    async with policy_of(world, policy_text("enforce", "mail.far.example")) as policies:
        installation = await started(world, policies)
        event = await deferred(installation)
    assert (event.status, event.cause, event.destination_blocked_until) == ("4.7.5", "ours", 0)
    assert "mta-sts enforce id=1: mx.far.example is none of mail.far.example" in event.reason
    assert world.remote.connections == 0
    assert await counted(installation) == {("sts", "validation-failure"): 1}


@pytest.mark.parametrize(
    ("issued", "result"),
    [
        (lambda world: authority.server(world.root, "other.example"), "certificate-host-mismatch"),
        (lambda world: authority.server(world.root, HOST, days=(-30, -2)), "certificate-expired"),
        (lambda _: authority.server(None, HOST), "certificate-not-trusted"),
    ],
)
async def test_enforce_defers_and_testing_delivers_what_cannot_be_verified(
    world: TlsWorld, issued: object, result: str
) -> None:
    assert callable(issued)
    world.presents(issued(world))
    async with policy_of(world, ENFORCE) as policies:
        installation = await started(world, policies)
        event = await deferred(installation)
        assert (event.status, world.remote.mails) == ("4.7.5", [])
        policies.offers(policy_text("testing", "*.far.example", max_age=3600))
        world.zone.replace(f"_mta-sts.{FAR}", "TXT", "v=STSv1; id=2;", ttl=0)
        second = await started(world, policies)
        tested, sent = (await delivered(second)).attempt.hosts
    assert (tested.tls_result, tested.policy) == (result, "mta-sts testing id=2 mx *.far.example")
    assert (sent.code, sent.authenticated_by, sent.tls_result) == (250, "", "")
    assert sent.tls.startswith("TLSv1.3")
    assert await counted(second) == {("sts", result): 1}


async def test_testing_delivers_to_a_host_that_it_does_not_name(world: TlsWorld) -> None:
    async with policy_of(world, policy_text("testing", "mail.far.example")) as policies:
        installation = await started(world, policies)
        await delivered(installation)
    assert await counted(installation) == {("sts", "validation-failure"): 1}


async def test_a_policy_is_kept_while_it_cannot_be_had_and_across_a_restart(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE) as policies:
        installation = await started(world, policies)
        await delivered(installation)
        world.zone.remove(f"_mta-sts.{FAR}", "TXT")
        policies.answer = b"HTTP/1.1 500 Sorry\r\n\r\n"
        await installation.restart()
        event = await delivered(installation, body=BODY + b"again")
    assert event.attempt.hosts[0].authenticated_by == "mta-sts"
    assert len(policies.requests) == 1


async def test_a_policy_ends_with_its_age(world: TlsWorld) -> None:
    world.presents(authority.server(None, HOST))
    async with policy_of(world, policy_text("enforce", "*.far.example", max_age=0)) as policies:
        installation = await started(world, policies)
        event = await delivered(installation)
    assert event.attempt.hosts[0].policy == "dane: off; no mta-sts policy"
    assert isinstance((await events_about(installation))[0], OutboundStsPolicyFetched)


async def test_a_new_policy_is_fetched_before_a_mail_waits_for_the_old_one(world: TlsWorld) -> None:
    async with policy_of(world, policy_text("enforce", "old.far.example")) as policies:
        installation = await started(world, policies)
        await deferred(installation)
        policies.offers(ENFORCE)
        world.zone.replace(f"_mta-sts.{FAR}", "TXT", "v=STSv1; id=2;", ttl=0)
        event = await delivered(installation, body=BODY + b"again")
    assert event.attempt.hosts[0].policy == "mta-sts enforce id=2 mx *.far.example"
    assert len(policies.requests) == 2


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://far.example/\r\n\r\n", "sts-policy-fetch-error"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno", "sts-policy-fetch-error"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno", "sts-policy-invalid"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 100_000, "sts-policy-fetch-error"),
    ],
)
async def test_without_a_policy_that_can_be_had_mail_goes_on_and_the_failure_is_recorded_once(
    world: TlsWorld, answer: bytes, result: str
) -> None:
    async with policy_of(world, ENFORCE) as policies:
        policies.answer = answer
        installation = await started(world, policies)
        await delivered(installation)
        await delivered(installation, body=BODY + b"again")
    (failed,) = await events_about(installation)
    assert isinstance(failed, OutboundStsPolicyFailed)
    assert (failed.domain, failed.id, failed.result) == (FAR, "1", result)
    assert len(policies.requests) == 1
    assert await counted(installation) == {("sts", result): 1}


async def test_a_server_that_never_sends_its_policy_holds_nobody_up(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE, is_silent=True) as policies:
        flags = {"outbound.sts_port": str(policies.port), "outbound.sts_seconds": "0.3"}
        installation = await world.started(flags)
        await delivered(installation)
    (failed,) = await events_about(installation)
    assert isinstance(failed, OutboundStsPolicyFailed)
    assert failed.reason == "mta-sts.far.example sends no policy within 0.3 s"


async def test_the_certificate_of_the_policy_is_verified(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE, issued=authority.server(world.root, "other.example")) as policies:
        installation = await started(world, policies)
        await delivered(installation)
    (failed,) = await events_about(installation)
    assert isinstance(failed, OutboundStsPolicyFailed)
    assert (failed.result, policies.requests) == ("sts-webpki-invalid", [])


async def test_a_policy_is_not_fetched_from_a_private_network(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE, address="127.0.0.9") as policies:
        flags = {"outbound.sts_port": str(policies.port), "outbound.allow_networks": "127.0.0.1/32"}
        installation = await world.started(flags)
        await delivered(installation)
    (failed,) = await events_about(installation)
    assert isinstance(failed, OutboundStsPolicyFailed)
    assert "no address to which a connection may be made" in failed.reason
    assert policies.requests == []


async def test_no_answer_about_the_record_is_not_a_denial(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE) as policies:
        installation = await started(world, policies, Faults(failing=frozenset({f"_mta-sts.{FAR}"})))
        event = await deferred(installation)
    assert (event.status, event.cause) == ("4.4.3", "ours")
    assert world.remote.connections == 0


async def test_requiretls_goes_to_a_host_that_a_policy_names(world: TlsWorld) -> None:
    world.presents(authority.server(world.root, HOST), "REQUIRETLS")
    async with policy_of(world, policy_text("testing", HOST)) as policies:
        installation = await started(world, policies)
        event = await delivered(installation, require_tls=True)
    assert event.attempt.hosts[0].authenticated_by == "mta-sts"
    assert world.remote.mails[0].mail.endswith(" REQUIRETLS")


async def test_requiretls_is_not_sent_to_a_server_without_it(world: TlsWorld) -> None:
    async with policy_of(world, policy_text("enforce", HOST)) as policies:
        installation = await started(world, policies)
        (entry,) = await installation.enqueue(f"bob@{FAR}", require_tls=True)
        event = await installation.until_event(entry, OutboundBounced)
    assert (event.status, world.remote.mails) == ("5.7.30", [])
    assert "does not support REQUIRETLS" in event.reason


async def test_a_connection_without_a_policy_is_not_used_for_a_domain_with_one(world: TlsWorld) -> None:
    world.presents(authority.server(None, HOST))
    world.zone.add("other.example", "MX", f"10 {HOST}.")
    async with policy_of(world, ENFORCE) as policies:
        installation = await started(world, policies)
        (entry,) = await installation.enqueue("eve@other.example")
        await installation.until_event(entry, OutboundDelivered)
        event = await deferred(installation)
        (entry,) = await installation.enqueue("eve@other.example", body=BODY + b"again")
        await installation.until_event(entry, OutboundDelivered)
    assert event.status == "4.7.5"
    assert [mail.recipients for mail in world.remote.mails] == [["eve@other.example"]] * 2


async def test_the_connection_of_many_recipients_is_counted_once(world: TlsWorld) -> None:
    async with policy_of(world, ENFORCE) as policies:
        installation = await started(world, policies)
        entries = await installation.enqueue("a@far.example", "b@far.example", "c@far.example")
        for entry in entries:
            await installation.until_event(entry, OutboundDelivered)
    counts = await counted(installation)
    assert counts == {("sts", "success"): world.remote.connections}


async def test_the_wish_of_the_sender_switches_mta_sts_off(world: TlsWorld) -> None:
    world.presents(authority.server(None, HOST))
    async with policy_of(world, ENFORCE) as policies:
        event = await delivered(await started(world, policies), body=b"TLS-Required: No\r\n" + BODY)
    assert event.attempt.hosts[0].policy == "TLS-Required: No"
    assert policies.requests == []


async def test_a_setting_never_lowers_what_the_policy_asks(world: TlsWorld) -> None:
    world.presents(authority.server(None, HOST))
    async with policy_of(world, ENFORCE) as policies:
        flags = {"outbound.sts_port": str(policies.port), "outbound.tls": f"{FAR}=never"}
        assert (await deferred(await world.started(flags))).status == "4.7.5"
