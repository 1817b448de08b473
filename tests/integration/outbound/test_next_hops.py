"""Where mail goes: MX by preference, hosts that refuse, domains without mail, relays."""

from __future__ import annotations

import ssl
from pathlib import Path

from loadtest.zone.answers import Faults
from shared.events.outbound import OutboundBounced, OutboundDeferred, OutboundDelivered
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb
from shared.rpc.mailfold.owner.v1 import owner_pb2
from tests.integration.outbound.conftest import FAR, StartQueue, zone_of
from tests.integration.outbound.installation import Installation
from tests.parts.certificate import self_signed
from tests.parts.remote_server import RemoteServer, in_turn

QUIET = {"outbound.retry_first": "600", "outbound.destination_first": "600", "outbound.connect_seconds": "2"}


async def test_the_next_host_takes_the_mail_when_the_first_does_not(start_queue: StartQueue) -> None:
    async with RemoteServer(address="127.0.0.3") as second:
        zone = zone_of((FAR, "mx1.far.example", 10, "127.0.0.2"), (FAR, "mx2.far.example", 20, "127.0.0.3"))
        async with RemoteServer(address="127.0.0.2", port=second.port) as first:
            first.replies["greeting"] = b"554 5.7.1 go away\r\n"
            installation = await start_queue(second, zone=zone)
            (entry,) = await installation.enqueue("bob@far.example")
            delivered = await installation.until_event(entry, OutboundDelivered)
    hosts = delivered.attempt.hosts
    assert [(host.host, host.address, host.code) for host in hosts] == [
        ("mx1.far.example", "127.0.0.2", 554),
        ("mx2.far.example", "127.0.0.3", 250),
    ]
    assert "go away" in hosts[0].reply


async def test_a_refusal_of_our_address_by_every_host_defers_as_ours(start_queue: StartQueue) -> None:
    async with RemoteServer(replies={"greeting": b"554 5.7.1 your address is listed\r\n"}) as remote:
        installation = await start_queue(remote, QUIET)
        (entry,) = await installation.enqueue("bob@far.example")
        deferred = await installation.until_event(entry, OutboundDeferred)
    assert (deferred.cause, deferred.status) == ("ours", "4.7.1")
    assert "your address is listed" in deferred.reason
    assert deferred.destination_blocked_until > deferred.attempt.at


async def test_a_host_that_says_521_takes_no_mail_at_all(start_queue: StartQueue) -> None:
    async with RemoteServer(replies={"greeting": b"521 5.3.2 no mail here\r\n"}) as remote:
        installation = await start_queue(remote)
        (entry,) = await installation.enqueue("bob@far.example")
        bounced = await installation.until_event(entry, OutboundBounced)
    assert bounced.status == "5.3.2"


async def test_domains_that_take_no_mail_bounce_at_once(start_queue: StartQueue, remote: RemoteServer) -> None:
    zone = zone_of((FAR, "mx.far.example", 10, "127.0.0.1"))
    zone.add("null.example", "MX", "0 .")
    zone.add("private.example", "MX", "10 mx.private.example.")
    zone.add("mx.private.example", "A", "10.0.0.1")
    zone.add("bare.example", "TXT", "nothing")
    installation = await start_queue(remote, zone=zone)
    expected = {
        "bob@null.example": "5.1.10",
        "bob@missing.example": "5.1.2",
        "bob@private.example": "5.4.4",
        "bob@bare.example": "5.4.4",
    }
    for address, status in expected.items():
        (entry,) = await installation.enqueue(address)
        bounced = await installation.until_event(entry, OutboundBounced)
        assert (address, bounced.status) == (address, status)
    assert remote.connections == 0


async def test_a_resolver_that_does_not_answer_defers_as_ours(start_queue: StartQueue, remote: RemoteServer) -> None:
    installation = await start_queue(remote, {**QUIET, "resolver.timeout": "0.2"})
    installation.dns.server.faults = Faults(failing=frozenset({"sick.example"}))
    (entry,) = await installation.enqueue("bob@sick.example")
    deferred = await installation.until_event(entry, OutboundDeferred)
    assert (deferred.status, deferred.cause) == ("4.4.3", "ours")


async def test_our_own_name_in_the_list_cuts_it_there(start_queue: StartQueue, remote: RemoteServer) -> None:
    zone = zone_of(
        (FAR, "mail.example.org", 10, "127.0.0.1"),
        (FAR, "mx.far.example", 20, "127.0.0.1"),
        ("backup.example", "mx.far.example", 5, "127.0.0.1"),
        ("backup.example", "mail.example.org", 10, "127.0.0.1"),
    )
    installation = await start_queue(remote, {"outbound.own_names": "mail.example.org"}, zone)
    (looping,) = await installation.enqueue("bob@far.example")
    bounced = await installation.until_event(looping, OutboundBounced)
    assert bounced.status == "5.4.6"
    (preferred,) = await installation.enqueue("bob@backup.example")
    await installation.until_event(preferred, OutboundDelivered)


async def test_one_connection_carries_several_mails(installation: Installation, remote: RemoteServer) -> None:
    for number in range(3):
        (entry,) = await installation.enqueue(f"bob{number}@far.example")
        await installation.until_event(entry, OutboundDelivered)
    assert (len(remote.mails), remote.connections) == (3, 1)


async def test_a_relay_takes_all_mail(start_queue: StartQueue) -> None:
    async with RemoteServer() as remote:
        installation = await start_queue(remote)
        await _set_relay(installation, remote)
        (entry,) = await installation.enqueue("bob@anywhere.example")
        delivered = await installation.until_event(entry, OutboundDelivered)
    assert delivered.attempt.route == "relay [127.0.0.1]"
    assert remote.mails[0].recipients == ["bob@anywhere.example"]


async def test_mail_that_is_refused_for_one_recipient_reaches_the_others_after_a_greylisting(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["RCPT"] = in_turn([b"451 4.7.1 greylisted\r\n", b"550 5.1.1 no\r\n", b"250 2.1.5 ok\r\n"])
    first, second = await installation.enqueue("a@far.example", "b@far.example")
    outcomes = {type(event) for entry in (first, second) for event in await _ended(installation, entry)}
    assert outcomes == {OutboundDelivered, OutboundBounced}


async def test_a_relay_is_tried_without_a_mail(start_queue: StartQueue) -> None:
    async with RemoteServer(replies={"EHLO": b"250-relay\r\n250 SIZE 1000\r\n"}) as remote:
        installation = await start_queue(remote)
        nothing = await installation.queue.TestRelay(pb.TestRelayRequest())
        assert (nothing.works, nothing.stage) == (False, "directory")
        await _set_relay(installation, remote)
        works = await installation.queue.TestRelay(pb.TestRelayRequest())
        assert (works.works, works.host, works.address, works.mechanism) == (True, "127.0.0.1", "127.0.0.1", "")
        remote.replies["greeting"] = b"554 5.7.1 not you\r\n"
        refused = await installation.queue.TestRelay(pb.TestRelayRequest())
        assert (refused.works, refused.stage) == (False, "greeting")
        assert "not you" in refused.text
    assert remote.mails == []


async def test_a_relay_that_refuses_the_log_in_defers_as_ours(start_queue: StartQueue, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "relay.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with RemoteServer(context=context) as remote:
        remote.replies["EHLO"] = b"250-relay\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
        remote.replies["AUTH"] = b"535 5.7.8 password changed\r\n"
        zone = zone_of((FAR, "mx.far.example", 10, "127.0.0.1"))
        zone.add("relay.example", "A", "127.0.0.1")
        installation = await start_queue(remote, {**QUIET, "outbound.authority": str(certificate)}, zone)
        request = directory_pb2.SetRelayRequest(
            preset="smarthost", host="relay.example", port=remote.port, user="ann", password="wrong"
        )
        await installation.directory.SetRelay(request)
        (entry,) = await installation.enqueue("bob@anywhere.example")
        deferred = await installation.until_event(entry, OutboundDeferred)
        assert (deferred.cause, deferred.status) == ("ours", "4.7.8")
        assert "password changed" in deferred.reason
        assert deferred.attempt.hosts[-1].tls
        remote.replies["AUTH"] = b"235 2.7.0 welcome\r\n"
        works = await installation.queue.TestRelay(pb.TestRelayRequest())
        assert (works.works, works.mechanism) == (True, "PLAIN")
        assert works.tls.startswith("TLSv1.3")
    assert not [line for line in deferred.attempt.transcript if "wrong" in line]


async def _ended(installation: Installation, entry: str) -> list[object]:
    await installation.until_gone(entry)
    return [
        event for event in await installation.events(entry) if isinstance(event, OutboundDelivered | OutboundBounced)
    ]


async def _set_relay(installation: Installation, remote: RemoteServer) -> None:
    request = directory_pb2.SetRelayRequest(preset="smarthost", host="127.0.0.1", port=remote.port, tls="none")
    await installation.directory.SetRelay(request)


async def test_a_refusal_of_one_family_of_our_addresses_is_followed_by_the_other(start_queue: StartQueue) -> None:
    zone = zone_of((FAR, "mx.far.example", 10, "127.0.0.1"))
    zone.add("mx.far.example", "AAAA", "::1")
    async with RemoteServer() as remote, RemoteServer(address="::1", port=remote.port) as over_ipv6:
        over_ipv6.replies["MAIL"] = b"550 5.7.25 the address has no PTR record\r\n"
        flags = {"outbound.allow_networks": "127.0.0.0/8,::1/128"}
        installation = await start_queue(remote, flags, zone)
        (entry,) = await installation.enqueue("bob@far.example")
        delivered = await installation.until_event(entry, OutboundDelivered)
        report = await installation.owner.Report(owner_pb2.ReportRequest())
    lines = [(line.address, line.code, line.is_family_refused) for line in delivered.attempt.hosts]
    assert lines == [("::1", 550, True), ("127.0.0.1", 250, False)]
    assert report.state.startswith("mx.far.example refuses this server over IPv6 and takes its mail over the other")
