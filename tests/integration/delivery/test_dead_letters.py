"""What cannot be delivered lies in a list, holds its reception, and is done again on demand."""

from __future__ import annotations

import pytest

from shared.bus.subjects import SUBMITTED
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.owner.v1 import owner_pb2
from tests.integration.delivery.installation import DELIVER, Installation, until


async def _buried(installation: Installation) -> bool:
    return bool(await installation.letters())


async def test_a_payload_that_nobody_can_read_is_kept(installation: Installation) -> None:
    await installation.bus.publish(SUBMITTED.on(0), "", b"\xff{not a fact")
    await until(lambda: _buried(installation))
    (letter,) = await installation.letters()
    assert (letter.service, letter.what, letter.queue_id, letter.payload) == (
        "delivery",
        "mail.submitted",
        "",
        b"\xff{not a fact",
    )
    assert installation.ingress.held == []
    with pytest.raises(ServiceError):
        await installation.owner("delivery").RetryDeadLetter(owner_pb2.DeadLetterRequest(id=letter.id))
    assert [one.id for one in await installation.letters()] == [letter.id]
    await installation.verify()


async def test_a_mail_that_failed_too_often_is_held_and_delivered_when_re_driven(installation: Installation) -> None:
    method = installation.methods["mailstore"].pop(DELIVER)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until(lambda: _buried(installation))
    (letter,) = await installation.letters()
    assert letter.queue_id == mail.queue_id
    await until(lambda: _told(installation, (mail.queue_id, True)))

    installation.methods["mailstore"][DELIVER] = method
    again = await installation.owner("delivery").RetryDeadLetter(owner_pb2.DeadLetterRequest(id=letter.id))
    assert again.retried
    await installation.until_settled(mail.queue_id)
    assert installation.ingress.held[-1] == (mail.queue_id, False)
    assert (await installation.count("ann"), await installation.letters()) == (1, [])
    assert (await installation.owner("delivery").Report(owner_pb2.ReportRequest())).counts["plans_in_hand"] == 0
    await installation.verify()


async def _told(installation: Installation, what: tuple[str, bool]) -> bool:
    return what in installation.ingress.held
