"""A mail is planned once and delivered once, however often it is repeated and whatever is killed meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.events.delivery import DeliveryPlanned, DeliverySettled
from shared.events.mail import Recipient
from shared.grpc.errors import Unavailable
from shared.grpc.servicers import Method
from shared.rpc.mailfold.directory.v1 import directory_pb2
from tests.harness.waiting import until_true
from tests.integration.delivery.installation import BODY, DELIVER, Installation
from tests.parts import nats


async def test_repeats_at_once_and_later_deliver_one_copy(installation: Installation) -> None:
    mail = await installation.submitted("ann@example.org", "bob@example.org", "out@example.net")
    await installation.publish(mail, times=20)
    outcomes = await installation.until_settled(mail.queue_id, times=20)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id, times=21)
    assert outcomes == {"ann@example.org": "delivered", "bob@example.org": "delivered", "out@example.net": "queued"}
    assert (await installation.count("ann"), await installation.count("bob"), len(await installation.queued())) == (
        1,
        1,
        1,
    )
    assert [type(event) for event in await installation.events_of_mail(mail.queue_id)] == [
        DeliveryPlanned,
        DeliverySettled,
    ]
    assert all(entry.outcomes == installation.settled[0].outcomes for entry in installation.settled)
    await installation.verify()


async def test_a_copy_has_its_prefix_and_the_bytes_as_accepted(installation: Installation) -> None:
    mail = await installation.classified("ann@example.org")
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    (message,) = await installation.messages("ann")
    lines = (
        b"Return-Path: <eve@example.net>\r\nDelivered-To: ann@example.org\r\nX-Spam-Status: known\r\nReceived: by "
        b"mail.example.org\r\n"
    )
    assert message == lines + BODY


async def test_spam_is_filed(installation: Installation) -> None:
    mail = await installation.classified("ann@example.org", spam=True)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann", "\\Junk"), await installation.count("ann")) == (1, 0)


async def test_a_plan_outlives_the_process_and_is_not_decided_again(
    tmp_path: Path, nats_server: nats.NatsServer
) -> None:
    first = Installation(tmp_path / "data", nats_server.url)
    await first.start()
    await first.add_people("ann", "bob")
    await first.directory.AddAlias(
        directory_pb2.AddAliasRequest(address="info@example.org", targets=["ann@example.org"])
    )
    first.methods["mailstore"].clear()
    mail = await first.submitted("info@example.org")
    await first.publish(mail)
    await until_true(lambda: _planned(first, mail.queue_id))
    await first.directory.RemoveAlias(directory_pb2.NameRequest(name="info@example.org"))
    await first.stop()

    second = Installation(tmp_path / "data", nats_server.url)
    await second.start()
    await second.publish(mail)
    assert await second.until_settled(mail.queue_id) == {"info@example.org": "delivered"}
    assert (await second.count("ann"), await second.count("bob")) == (1, 0)
    await second.verify()
    await second.stop()


async def test_an_effect_whose_answer_was_lost_is_not_done_twice(installation: Installation) -> None:
    offered = installation.methods["mailstore"]
    method = offered[DELIVER]
    lost = False

    async def deliver(request: Any, context: Any) -> Any:
        nonlocal lost
        reply = await method.behaviour(request, context)
        if not lost:
            lost = True
            raise Unavailable("the line is cut")
        return reply

    offered[DELIVER] = Method(method.service, method.path, method.streams, deliver, method.handler)
    mail = await installation.submitted("ann@example.org", "bob@example.org")
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert lost
    assert (await installation.count("ann"), await installation.count("bob")) == (1, 1)


async def test_what_the_mailbox_store_cannot_take_now_comes_again(installation: Installation) -> None:
    offered = installation.methods["mailstore"]
    method = offered.pop(DELIVER)
    mail = await installation.submitted(Recipient("ann@example.org"), "out@example.net")
    await installation.publish(mail)
    await until_true(lambda: _planned(installation, mail.queue_id))
    assert not installation.settled
    offered[DELIVER] = method
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), len(await installation.queued()), await installation.dead_letters()) == (
        1,
        1,
        [],
    )


async def test_an_alias_and_its_target_are_one_account(installation: Installation) -> None:
    await installation.directory.AddAlias(
        directory_pb2.AddAliasRequest(address="info@example.org", targets=["ann@example.org", "x@example.net"])
    )
    mail = await installation.submitted("info@example.org", "ann@example.org", "x@example.net")
    await installation.publish(mail)
    outcomes = await installation.until_settled(mail.queue_id)
    assert outcomes["info@example.org"] == "delivered"
    assert (await installation.count("ann"), len(await installation.queued())) == (1, 1)


async def _planned(installation: Installation, queue_id: str) -> bool:
    return bool(await installation.events_of_mail(queue_id))
