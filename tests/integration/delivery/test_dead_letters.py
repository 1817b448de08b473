"""A step that cannot be done is recorded once, holds its reception, and is resolved by a later success or a retry."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from shared.bus.subjects import SUBMITTED
from shared.events.delivery import DeliveryPlanned, Step
from shared.events.mail import MailSubmitted
from shared.eventstore.event import Actor, Provenance
from shared.grpc.errors import Invalid, ServiceError
from shared.rpc.mailfold.owner.v1 import owner_pb2
from tests.harness.waiting import until_true
from tests.integration.delivery.installation import DELIVER, ENQUEUE, RESOLVE, Installation


async def _buried(installation: Installation) -> bool:
    return bool(await installation.dead_letters())


async def _fault(_request: Any, _context: Any) -> Any:
    raise KeyError("a bug")


class Away:
    """Makes methods of a service unavailable, as while it does not run."""

    def __init__(self, installation: Installation, service: str, *paths: str) -> None:
        self._offered = installation.methods[service]
        self._methods = {path: self._offered.pop(path) for path in paths}

    def back(self) -> None:
        self._offered |= self._methods


async def test_a_payload_that_nobody_can_read_is_kept(installation: Installation) -> None:
    for _ in range(2):
        await installation.bus.publish(SUBMITTED.on(0), "", b"\xff{not a fact")
    await until_true(lambda: _buried(installation))
    dead_letter = await installation.dead_letter()
    assert (dead_letter.service, dead_letter.what, dead_letter.queue_id, dead_letter.payload) == (
        "delivery",
        "mail.submitted",
        "",
        b"\xff{not a fact",
    )
    assert installation.ingress.held == []
    with pytest.raises(ServiceError):
        await installation.owner("delivery").RetryDeadLetter(owner_pb2.DeadLetterRequest(id=dead_letter.id))
    assert [dead_letter.id for dead_letter in await installation.dead_letters()] == [dead_letter.id]
    await installation.verify()


async def test_a_mail_of_a_later_shape_holds_its_reception(installation: Installation) -> None:
    await installation.bus.publish(SUBMITTED.on(0), "", b'{"queue_id":"q7","message":"of a later release"}')
    await until_true(lambda: _has_heard(installation, ("q7", True)))
    assert (await installation.dead_letter()).queue_id == "q7"


async def test_a_step_of_a_later_release_is_not_passed_over(installation: Installation) -> None:
    """A plan with an action that this release does not know used to be settled as if the step had been done."""
    mail = await installation.submitted("ann@example.org")
    step = Step("ann@example.org", 0, "an action of a later release")
    planned = DeliveryPlanned(mail.queue_id, (step,))
    await installation.store("delivery").write(
        lambda transaction: transaction.append(mail.queue_id, [planned], Provenance(Actor("system")))
    )
    await installation.publish(mail)
    await until_true(lambda: _buried(installation))
    dead_letter = await installation.dead_letter()
    assert dead_letter.queue_id == mail.queue_id and step.action in dead_letter.error
    assert await installation.events_of_mail(mail.queue_id) == [planned]


async def test_a_mail_that_failed_too_often_is_held_and_delivered_when_re_driven(installation: Installation) -> None:
    method = installation.replace("mailstore", DELIVER, _fault)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail)
    await until_true(lambda: _buried(installation))
    dead_letter = await installation.dead_letter()
    assert (dead_letter.queue_id, dead_letter.attempts) == (mail.queue_id, 2)
    await until_true(lambda: _has_heard(installation, (mail.queue_id, True)))

    installation.methods["mailstore"][DELIVER] = method
    again = await installation.owner("delivery").RetryDeadLetter(owner_pb2.DeadLetterRequest(id=dead_letter.id))
    assert again.retried
    await installation.until_settled(mail.queue_id)
    assert installation.ingress.held[-1] == (mail.queue_id, False)
    assert (await installation.count("ann"), await installation.dead_letters()) == (1, [])
    assert (await installation.owner("delivery").Report(owner_pb2.ReportRequest())).counts["plans_in_hand"] == 0
    await installation.verify()


async def test_a_dead_letter_is_resolved_when_a_repeat_of_the_mail_succeeds(installation: Installation) -> None:
    method = installation.replace("mailstore", DELIVER, _fault)
    mail = await installation.submitted("ann@example.org")
    await installation.publish(mail, times=3)  # each fails, but there is only one dead letter
    await until_true(lambda: _attempts(installation, 6))
    installation.methods["mailstore"][DELIVER] = method
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    await until_true(lambda: _healed(installation))
    assert installation.ingress.held[-1] == (mail.queue_id, False)
    assert await installation.count("ann") == 1
    await installation.verify()


async def test_a_refused_step_becomes_a_dead_letter_at_its_first_try(installation: Installation) -> None:
    tries = 0

    async def refuse(_request: Any, _context: Any) -> Any:
        nonlocal tries
        tries += 1
        raise Invalid("such an address cannot be")

    installation.replace("outbound", ENQUEUE, refuse)
    mail = await installation.submitted("out@example.net")
    await installation.publish(mail)
    await until_true(lambda: _buried(installation))
    assert (tries, (await installation.dead_letter()).attempts) == (1, 1)


_ABSENCES = {
    "mailstore": (DELIVER, "ann@example.org"),
    "outbound": (ENQUEUE, "out@example.net"),
    "directory": (RESOLVE, "out@example.net"),
}


@pytest.mark.parametrize("service", _ABSENCES)
async def test_what_a_service_that_is_away_should_do_is_given_back_and_done_once(
    installation: Installation, service: str
) -> None:
    """Before, each repeat of the mail during the outage became a dead letter that waited for the operator."""
    path, recipient = _ABSENCES[service]
    await installation.followed()
    away = Away(installation, service, path)
    mail = await installation.submitted(recipient)
    for _ in range(3):  # as the ingress repeats it
        await _given_back(installation, mail)
    assert (await installation.dead_letters(), installation.ingress.held) == ([], [])
    away.back()
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert await installation.count("ann") + len(await installation.queued()) == 1
    assert await installation.dead_letters() == []
    await installation.verify()


async def test_a_full_disk_of_one_owner_is_an_absence(installation: Installation) -> None:
    """The mailbox store's database really runs out of pages."""
    connection = installation.store("mailstore")._writer._connection._driver  # type: ignore[union-attr]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    mails = [await installation.submitted("ann@example.org") for _ in range(20)]
    await asyncio.gather(*(_given_back(installation, mail) for mail in mails))
    assert len(mails) - await installation.count("ann") > 0
    connection.execute("PRAGMA max_page_count = 1000000")
    for mail in mails:
        await installation.publish(mail)
        await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.dead_letters()) == (len(mails), [])
    await installation.verify()


async def test_a_long_rebuild_is_an_absence(installation: Installation) -> None:
    """The writer of the mailbox store is busy meanwhile; calls end at their deadline and are not carried out twice."""
    over = threading.Event()
    rebuild = asyncio.ensure_future(installation.store("mailstore").write(lambda _transaction: over.wait(), long=True))
    mail = await installation.submitted("ann@example.org")
    for _ in range(2):
        await _given_back(installation, mail)
    assert not rebuild.done()
    over.set()
    await rebuild
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.dead_letters()) == (1, [])
    await installation.verify()


async def test_a_service_that_hangs_holds_up_no_other_mail(installation: Installation) -> None:
    """More mails wait for the mailbox store than there are workers; mail to other servers is still delivered."""
    asked = 0

    async def hang(_request: Any, _context: Any) -> Any:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    await installation.followed()
    method = installation.replace("mailstore", DELIVER, hang)
    stuck = [await installation.submitted("ann@example.org") for _ in range(60)]
    for mail in stuck:
        await installation.publish(mail)
    passing = [await installation.submitted("out@example.net") for _ in range(20)]
    for mail in passing:
        await installation.publish(mail)
    for mail in passing:
        await installation.until_settled(mail.queue_id)
    assert asked < len(stuck)
    installation.methods["mailstore"][DELIVER] = method
    for mail in stuck:
        await installation.publish(mail)
    for mail in stuck:
        await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.dead_letters()) == (60, [])


async def test_a_part_that_was_refused_waits_for_one_that_is_away(installation: Installation) -> None:
    async def refuse(_request: Any, _context: Any) -> Any:
        raise Invalid("such an address cannot be")

    installation.replace("outbound", ENQUEUE, refuse)
    away = Away(installation, "mailstore", DELIVER)
    mail = await installation.submitted("out@example.net", "ann@example.org")
    await _given_back(installation, mail)
    assert await installation.dead_letters() == []
    away.back()
    await installation.publish(mail)
    await until_true(lambda: _buried(installation))
    assert await installation.count("ann") == 1


async def _given_back(installation: Installation, mail: MailSubmitted) -> None:
    """Publish, and wait until the bus has none of its messages."""
    await installation.publish(mail)

    async def is_gone() -> bool:
        known = await installation.bus.backlog()
        return known is not None and not known.waiting

    await until_true(is_gone)


async def _attempts(installation: Installation, count: int) -> bool:
    dead_letters = await installation.dead_letters()
    return bool(dead_letters) and dead_letters[0].attempts == count


async def _healed(installation: Installation) -> bool:
    return not await installation.dead_letters() and installation.ingress.held[-1][1] is False


async def _has_heard(installation: Installation, what: tuple[str, bool]) -> bool:
    return what in installation.ingress.held
