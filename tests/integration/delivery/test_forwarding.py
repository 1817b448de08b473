"""Return paths of forwarded mail in the plan: decided once, and never a way for mail that has a sender."""

from __future__ import annotations

from shared.events.delivery import DeliveryPlanned
from shared.rpc.mailfold.directory.v1 import directory_pb2
from tests.integration.delivery.installation import Installation

TARGET = "zoe@elsewhere.example"


async def forwarded(installation: Installation) -> tuple[str, str]:
    """Forward a mail from a stranger; returns its queue id and the return path in the queue."""
    await installation.directory.AddAlias(
        directory_pb2.AddAliasRequest(address="both@example.org", targets=["ann@example.org", TARGET])
    )
    await installation.followed()
    mail = await installation.classified("both@example.org")
    await installation.publish(mail, times=2)
    assert await installation.until_settled(mail.queue_id) == {"both@example.org": "delivered"}
    (entry,) = await installation.queued()
    return mail.queue_id, entry.sender


async def test_the_return_path_is_decided_once_and_kept_with_the_sender(installation: Installation) -> None:
    queue_id, path = await forwarded(installation)
    assert path.startswith("SRS0=") and path.endswith("=example.net=eve@example.org")
    (planned,) = [event for event in await installation.events_of_mail(queue_id) if isinstance(event, DeliveryPlanned)]
    assert [(step.action, step.reverse_path, step.original_sender) for step in planned.steps] == [
        ("store", "", ""),
        ("enqueue", path, "eve@example.net"),
    ]
    assert b"Return-Path: <eve@example.net>" in (await installation.messages("ann"))[0]
    await installation.verify()


async def test_mail_with_a_sender_goes_nowhere_through_a_return_path(installation: Installation) -> None:
    _, path = await forwarded(installation)
    mail = await installation.classified(path)
    await installation.publish(mail)
    assert await installation.until_settled(mail.queue_id) == {path: "bounced"}
    assert {entry.recipient for entry in await installation.queued()} == {TARGET, "eve@example.net"}
