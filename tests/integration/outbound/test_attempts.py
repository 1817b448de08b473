"""Mail that leaves: what the other server says, and what is recorded of it."""

from __future__ import annotations

from shared.events.outbound import OutboundBounced, OutboundDeferred, OutboundDelivered
from tests.integration.outbound.installation import Installation
from tests.parts.remote_server import CUT, RemoteServer, in_turn


async def test_a_mail_arrives_once_for_all_its_recipients(installation: Installation, remote: RemoteServer) -> None:
    entries = await installation.enqueue("bob@far.example", "eve@far.example")
    for entry in entries:
        delivered = await installation.until_event(entry, OutboundDelivered)
        assert delivered.attempt.hosts[-1].host == "mx.far.example"
        assert delivered.attempt.hosts[-1].code == 250
        assert delivered.attempt.route == "mx far.example"
    recipients = sorted(recipient for mail in remote.mails for recipient in mail.recipients)
    assert recipients == ["bob@far.example", "eve@far.example"]
    assert b"Subject: Hello\r\n" in remote.mails[0].data
    assert await installation.listed() == []


async def test_each_recipient_of_one_transaction_has_its_own_outcome(
    installation: Installation, remote: RemoteServer
) -> None:
    def rcpt(line: str) -> bytes:
        if "<b@" in line:
            return b"550 5.1.1 no such user\r\n"
        return b"451 4.2.1 later\r\n" if "<c@" in line else b"250 2.1.5 ok\r\n"

    remote.replies["RCPT"] = rcpt
    accepted, refused, deferred = await installation.enqueue("a@far.example", "b@far.example", "c@far.example")
    assert (await installation.until_event(accepted, OutboundDelivered)).attempt.number == 1
    bounced = await installation.until_event(refused, OutboundBounced)
    assert (bounced.status, bounced.reason) == ("5.1.1", "550 5.1.1 no such user")
    waits = await installation.until_event(deferred, OutboundDeferred)
    assert (waits.status, waits.cause) == ("4.2.1", "recipient")
    (report,) = await installation.until_reported()
    assert report.to == "ann@example.org"
    assert b"550 5.1.1 no such user" in await installation.report_text(report)


async def test_a_deferred_mail_is_tried_again_until_it_is_taken(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["RCPT"] = in_turn([b"450 4.7.1 greylisted\r\n", b"250 2.1.5 ok\r\n"])
    (entry,) = await installation.enqueue("bob@far.example")
    delivered = await installation.until_event(entry, OutboundDelivered)
    assert delivered.attempt.number == 2


async def test_a_cut_after_the_dot_is_an_outcome_of_its_own(installation: Installation, remote: RemoteServer) -> None:
    remote.replies["dot"] = CUT
    (entry,) = await installation.enqueue("bob@far.example")
    deferred = await installation.until_event(entry, OutboundDeferred)
    assert deferred.perhaps_delivered
    assert deferred.due - deferred.attempt.at >= 3_600_000_000


async def test_a_server_that_takes_no_connection_is_tried_again_alone(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["greeting"] = in_turn([b"421 4.3.2 too busy\r\n", b"220 remote.example ESMTP\r\n"])
    first, second = await installation.enqueue("bob@far.example"), await installation.enqueue("eve@far.example")
    for (entry,) in (first, second):
        await installation.until_event(entry, OutboundDelivered)
    deferred = [event for event in await installation.events(first[0]) if isinstance(event, OutboundDeferred)]
    assert [event.cause for event in deferred] in ([], ["destination"])
