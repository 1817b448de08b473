"""The sender is notified, once, of mail that turns out to be undeliverable after acceptance."""

from __future__ import annotations

import email
from typing import Any

import msgspec
import pytest

from shared.events.delivery import DeliveryBounced
from shared.events.mail import MailSubmitted, Recipient
from shared.events.outbound import OutboundQueued
from shared.grpc.errors import NotFound
from shared.grpc.servicers import Method
from shared.rpc.mailfold.directory.v1 import directory_pb2
from tests.integration.delivery.installation import DELIVER, Installation


@pytest.fixture
async def installation(installation: Installation) -> Installation:
    await installation.add_people("full", "fuller", quota_bytes=10)
    return installation


async def settle(installation: Installation, mail: MailSubmitted) -> dict[str, str]:
    await installation.publish(mail)
    return await installation.until_settled(mail.queue_id)


async def test_a_local_sender_is_notified_of_a_full_mailbox(installation: Installation) -> None:
    mail = await installation.submitted("full@example.org", "ann@example.org")
    await installation.publish(mail, times=5)
    outcomes = await installation.until_settled(mail.queue_id, times=5)
    assert outcomes == {"full@example.org": "bounced", "ann@example.org": "delivered"}
    (notice,) = await installation.messages("bob")
    assert notice.startswith(b"Return-Path: <>\r\nDelivered-To: bob@example.org\r\n")
    report = email.message_from_bytes(notice)
    assert report["From"] == "Mail Delivery System <postmaster@example.org>"
    assert report.get_content_type() == "multipart/report"
    assert b"Final-Recipient: rfc822; full@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n" in notice
    assert b"Message-ID: <m1@example.org>" in notice
    assert b"Hello." not in notice
    await installation.verify()


async def test_failures_of_one_mail_come_in_one_notification(installation: Installation) -> None:
    mail = await installation.submitted("full@example.org", "fuller@example.org", "nobody@example.org")
    assert set((await settle(installation, mail)).values()) == {"bounced"}
    (notice,) = await installation.messages("bob")
    assert notice.count(b"Final-Recipient: ") == 3
    assert sum(isinstance(event, DeliveryBounced) for event in await installation.events_of_mail(mail.queue_id)) == 3
    await installation.verify()


async def test_the_sender_is_notified_of_an_address_that_is_gone(installation: Installation) -> None:
    mail = await installation.submitted("nobody@example.org")
    assert await settle(installation, mail) == {"nobody@example.org": "bounced"}
    (notice,) = await installation.messages("bob")
    assert b"Status: 5.1.1\r\n" in notice


async def test_the_sender_is_notified_of_a_disabled_account(installation: Installation) -> None:
    await installation.directory.ChangeAccount(
        directory_pb2.ChangeAccountRequest(address="ann@example.org", disabled=True)
    )
    await installation.followed()
    mail = await installation.submitted("ann@example.org")
    assert await settle(installation, mail) == {"ann@example.org": "bounced"}
    assert b"Status: 5.2.1\r\n" in (await installation.messages("bob"))[0]


async def test_the_null_reverse_path_is_never_answered(installation: Installation) -> None:
    mail = await installation.submitted("full@example.org", sender="")
    assert await settle(installation, mail) == {"full@example.org": "bounced"}
    assert (await installation.count("bob"), await installation.queued()) == (0, [])


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS,DELAY"])
async def test_a_sender_with_notify_never_is_not_notified(installation: Installation, notify: str) -> None:
    mail = await installation.submitted(Recipient("full@example.org", notify))
    assert await settle(installation, mail) == {"full@example.org": "bounced"}
    assert await installation.count("bob") == 0


async def test_the_whole_mail_comes_back_when_asked_for(installation: Installation) -> None:
    mail = await installation.submitted(Recipient("full@example.org", "FAILURE", "rfc822;full@example.org"), ret="FULL")
    await settle(installation, mail)
    (notice,) = await installation.messages("bob")
    assert b"Original-Recipient: rfc822;full@example.org\r\n" in notice
    assert notice.count(b"Hello.") == 1


async def test_a_remote_sender_is_notified_through_the_outbound_queue(installation: Installation) -> None:
    mail = await installation.submitted("full@example.org", sender="eve@example.net")
    await installation.publish(mail, times=3)
    await installation.until_settled(mail.queue_id, times=3)
    (entry,) = await installation.queued()
    assert (entry.sender, entry.recipient) == ("", "eve@example.net")
    await installation.verify()


async def test_a_sender_whose_mailbox_is_full_is_notified_all_the_same(installation: Installation) -> None:
    mail = await installation.submitted("full@example.org", sender="fuller@example.org")
    assert await settle(installation, mail) == {"full@example.org": "bounced"}
    assert (await installation.count("full"), await installation.count("fuller")) == (0, 1)


async def test_a_notification_that_fails_is_not_notified(installation: Installation) -> None:
    offered = installation.methods["mailstore"]
    method = offered[DELIVER]

    async def deliver(request: Any, context: Any) -> Any:
        if request.prefix.startswith(b"Return-Path: <>"):
            raise NotFound("the account is gone")
        return await method.behaviour(request, context)

    offered[DELIVER] = Method(method.service, method.path, method.streams, deliver, method.handler)
    mail = await installation.submitted("full@example.org", "ann@example.org")
    assert await settle(installation, mail) == {"full@example.org": "bounced", "ann@example.org": "delivered"}
    assert (await installation.count("bob"), await installation.queued()) == (0, [])
    assert sum(isinstance(event, DeliveryBounced) for event in await installation.events_of_mail(mail.queue_id)) == 2


async def test_a_mail_whose_blob_cannot_be_read_is_notified_all_the_same(installation: Installation) -> None:
    mail = await installation.submitted("nobody@example.org")
    for file in installation.places.blobs.rglob("*"):
        if file.is_file():
            file.unlink()
    await settle(installation, mail)
    assert await installation.count("bob") == 1


async def test_a_notification_about_a_mail_with_requiretls_returns_no_content(installation: Installation) -> None:
    """RFC 8689 §5: it may leave over a connection without TLS."""
    mail = await installation.submitted(Recipient("full@example.org"), ret="FULL")
    await settle(installation, msgspec.structs.replace(mail, require_tls=True))
    (notice,) = await installation.messages("bob")
    assert b"REQUIRETLS" in notice and b"Status: 5.2.2\r\n" in notice
    assert b"Hello." not in notice and b"m1@example.org" not in notice


async def test_requiretls_goes_with_every_copy_that_leaves(installation: Installation) -> None:
    """Also with a copy that an alias forwards, of a mail from outside."""
    alias = directory_pb2.AddAliasRequest(address="away@example.org", targets=["carl@far.example"])
    await installation.directory.AddAlias(alias)
    await installation.followed()
    submitted = await installation.submitted("dora@far.example")
    classified = await installation.classified("away@example.org")
    assert classified.reception is not None
    received = msgspec.structs.replace(classified.reception, require_tls=True)
    for mail in (
        msgspec.structs.replace(submitted, require_tls=True),
        msgspec.structs.replace(classified, reception=received),
    ):
        await installation.publish(mail)
        await installation.until_settled(mail.queue_id)
    entries = await installation.queued()
    assert sorted(entry.recipient for entry in entries) == ["carl@far.example", "dora@far.example"]
    for entry in entries:
        queued, *_ = await installation.store("outbound").read_stream(entry.id)
        assert isinstance(queued.event, OutboundQueued) and queued.event.require_tls


async def test_a_sender_who_asks_for_success_is_notified_of_each_stored_copy(installation: Installation) -> None:
    await installation.add_people("cat")
    recipients = (
        Recipient("ann@example.org", "SUCCESS,FAILURE", "rfc822;ann@example.org"),
        Recipient("cat@example.org", "FAILURE"),
        Recipient("full@example.org", "SUCCESS,FAILURE"),
    )
    mail = await installation.submitted(*recipients)
    await installation.publish(mail, times=3)
    outcomes = await installation.until_settled(mail.queue_id, times=3)
    assert outcomes == {"ann@example.org": "delivered", "cat@example.org": "delivered", "full@example.org": "bounced"}
    notices = await installation.messages("bob")
    blocks = [
        line
        for notice in notices
        for line in notice.split(b"\r\n")
        if line.startswith((b"Final-Recipient", b"Action:"))
    ]
    assert sorted(zip(blocks[::2], blocks[1::2], strict=True)) == [
        (b"Final-Recipient: rfc822; ann@example.org", b"Action: delivered"),
        (b"Final-Recipient: rfc822; full@example.org", b"Action: failed"),
    ]
    await installation.verify()


async def test_a_remote_sender_who_asks_for_success_is_notified_through_the_queue(installation: Installation) -> None:
    mail = await installation.submitted(Recipient("ann@example.org", "SUCCESS"), sender="eve@example.net")
    assert await settle(installation, mail) == {"ann@example.org": "delivered"}
    (entry,) = await installation.queued()
    assert (entry.sender, entry.recipient) == ("", "eve@example.net")


async def test_success_is_not_reported_to_the_null_reverse_path(installation: Installation) -> None:
    mail = await installation.submitted(Recipient("ann@example.org", "SUCCESS"), sender="")
    assert await settle(installation, mail) == {"ann@example.org": "delivered"}
    assert (await installation.count("bob"), await installation.queued()) == (0, [])


async def test_a_report_of_success_that_cannot_be_stored_is_given_up(installation: Installation) -> None:
    mail = await installation.submitted(Recipient("ann@example.org", "SUCCESS"), sender="fuller@example.org")
    assert await settle(installation, mail) == {"ann@example.org": "delivered"}
    await installation.verify()
