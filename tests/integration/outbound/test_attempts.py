"""Mail that leaves: what the other server says, and what is recorded of it."""

from __future__ import annotations

from email import message_from_bytes

import dkim

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
    text = await installation.report_text(report)
    assert b"550 5.1.1 no such user" in text
    assert b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n" in text


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


async def test_a_mail_of_our_domain_is_signed_twice_and_both_signatures_hold(
    installation: Installation, remote: RemoteServer
) -> None:
    body = (
        b"From: ann@example.org\r\nTo: bob@far.example\r\nSubject: Two signatures\r\nBcc: eve@far.example\r\n"
        b"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m2@example.org>\r\n\r\nGr\xc3\xbc\xc3\x9fe.\r\n.dot\r\n"
    )
    (entry,) = await installation.enqueue("bob@far.example", body=body)
    await installation.until_event(entry, OutboundDelivered)
    records = {
        f"{key.selector}._domainkey.{key.domain}.": key.record.encode() for key in await installation.dkim_keys()
    }
    sent = remote.mails[0].data
    assert b"\r\nBcc:" not in sent
    assert sent.count(b"DKIM-Signature:") == len(records) == 2
    for index in (0, 1):
        verifier = dkim.DKIM(sent)
        assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records.get(name.decode(), b""))


async def test_a_body_is_encoded_for_a_server_without_8bitmime(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.offers("PIPELINING")
    body = (
        b"From: ann@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    )
    (entry,) = await installation.enqueue("bob@far.example", body=body, eight_bit=True)
    await installation.until_event(entry, OutboundDelivered)
    sent = remote.mails[0].data
    assert sent.isascii()
    assert message_from_bytes(sent).get_payload(decode=True) == b"Gr\xc3\xbc\xc3\x9fe\r\n"
