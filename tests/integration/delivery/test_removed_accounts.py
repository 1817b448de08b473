"""Mail that is under way when its account is removed: it bounces, and never goes to a stranger."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.delivery import DeliveryPlanned
from shared.events.mail import MailSubmitted, Recipient
from shared.rpc.mailfold.directory.v1 import archives_pb2, directory_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.mailstore.v1.closings_pb2 import ClosingRequest
from shared.rpc.mailfold.mailstore.v1.closings_pb2_grpc import ClosingsStub
from tests.harness.waiting import until_true
from tests.integration.delivery.installation import DELIVER, Installation

ANN = "ann@example.org"
Remove = archives_pb2.RemoveAccountRequest


def archives(installation: Installation) -> Any:
    return ArchivesStub(installation.host.channel("directory", "operator"))


async def closing(installation: Installation, account: str) -> tuple[str, int, int]:
    stub = ClosingsStub(installation.host.channel("mailstore", "operator"))
    shown = await stub.ShowClosing(ClosingRequest(account=account))
    return shown.state, shown.messages, shown.events


async def until_closed(installation: Installation, account: str, state: str) -> None:
    async def reached() -> bool:
        now, messages, events = await closing(installation, account)
        return now == state and (state != "erased" or not (messages or events))

    await until_true(reached)


async def remove(installation: Installation, fate: int) -> str:
    """Remove ann; returns the id of the account when the mailstore knows it."""
    removed = await archives(installation).RemoveAccount(Remove(account=ANN, fate=fate))
    await until_closed(installation, removed.id, "archived" if fate == Remove.ARCHIVE else "erased")
    await installation.followed()
    return str(removed.id)


async def new_ann(installation: Installation) -> None:
    await installation.directory.AddAccount(directory_pb2.AddAccountRequest(address=ANN, user="bob"))
    await installation.followed()


async def planned(installation: Installation, mail: MailSubmitted) -> list[str]:
    """The accounts of a mail's plan; empty while there is none."""
    events = await installation.events_of_mail(mail.queue_id)
    return [step.account for event in events if isinstance(event, DeliveryPlanned) for step in event.steps]


async def test_a_new_holder_does_not_get_mail_that_was_accepted_before(installation: Installation) -> None:
    shown = await installation.directory.ShowAccount(directory_pb2.NameRequest(name=ANN))
    mail = await installation.submitted(Recipient(ANN, account=shown.id))
    assert await remove(installation, Remove.DELETE) == shown.id
    await new_ann(installation)
    await installation.publish(mail)
    assert await installation.until_settled(mail.queue_id) == {ANN: "bounced"}
    assert b"Status: 5.1.1\r\n" in (await installation.messages("bob"))[0]
    later = await installation.submitted(ANN)
    await installation.publish(later)
    assert await installation.until_settled(later.queue_id) == {ANN: "delivered"}
    assert await installation.count("ann") == 1
    await installation.verify()


@pytest.mark.parametrize("fate", [Remove.ARCHIVE, Remove.DELETE])
async def test_a_plan_names_the_account_and_not_the_address(installation: Installation, fate: int) -> None:
    """The mail is planned for the old account, and handed over after a new one has the address."""
    method = installation.methods["mailstore"].pop(DELIVER)
    mail = await installation.submitted(ANN)
    await installation.publish(mail)
    account = await until_true_value(installation, mail)
    assert await remove(installation, fate) == account
    if fate == Remove.DELETE:
        await new_ann(installation)
    installation.methods["mailstore"][DELIVER] = method
    assert await installation.until_settled(mail.queue_id) == {ANN: "bounced"}
    if fate == Remove.DELETE:
        assert await installation.count("ann") == 0
    assert (await closing(installation, account))[1] == 0
    await installation.verify()


async def until_true_value(installation: Installation, mail: MailSubmitted) -> str:
    """The account of the plan, as soon as there is one."""

    async def is_planned() -> bool:
        return bool(await planned(installation, mail))

    await until_true(is_planned)
    (account,) = await planned(installation, mail)
    return account


async def test_a_restored_account_gets_its_mail_again(installation: Installation) -> None:
    mail = await installation.submitted(ANN)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    account = await remove(installation, Remove.ARCHIVE)
    waits = await installation.submitted(ANN)
    await archives(installation).RestoreArchive(archives_pb2.RestoreArchiveRequest(archive=account))
    await installation.publish(waits)  # at once: the mailstore may not know of the restoration yet
    await installation.followed()
    later = await installation.submitted(ANN)
    await installation.publish(later)
    assert (await installation.until_settled(later.queue_id)) == {ANN: "delivered"}
    assert (await installation.until_settled(waits.queue_id)) == {ANN: "delivered"}
    await until_closed(installation, account, "")
    assert await installation.count("ann") == 3
    await installation.verify()


async def test_what_a_deleted_account_had_is_erased(installation: Installation) -> None:
    for _ in range(3):
        mail = await installation.submitted(ANN, "bob@example.org")
        await installation.publish(mail)
        await installation.until_settled(mail.queue_id)
    account = await remove(installation, Remove.DELETE)
    left = await installation.store("mailstore").read_stream(account)
    assert [recorded.event.stored_name for recorded in left] == ["mailbox.account_erased"]
    assert await installation.count("bob") == 3
    await installation.verify()
    await new_ann(installation)
    assert await installation.count("ann") == 0
