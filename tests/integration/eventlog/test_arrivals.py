"""The mails of an account with what they were, from the log, over gRPC."""

from __future__ import annotations

from typing import Any

import msgspec

from services.eventlog.handlers import arrivals
from shared.events import delivery, mailbox
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from tests.integration.eventlog.events import ACCOUNT, INBOX, QUEUE_ID, deliver, delivered, received
from tests.integration.eventlog.installation import Installation

MAIL = ["mail.received", "mail.classified"]
LATER = 4_000_000_000_000_000


async def read(installation: Installation, account: str = ACCOUNT, **span: int) -> list[pb.Arrival]:
    request = pb.ReadArrivalsRequest(account=account, **span)
    return [arrival async for batch in installation.log.ReadArrivals(request) for arrival in batch.arrivals]


def types(events: Any) -> list[str]:
    return [event.type for event in events]


async def test_each_mail_comes_with_its_reception_verdict_and_copy(installation: Installation) -> None:
    for number in range(1, 4):
        await deliver(installation, f"q{number:04}", uid=number, message_id=f"{number}@example.net")
    await installation.followed()
    mails = await read(installation)
    assert [arrival.decision.queue_id for arrival in mails] == ["q0001", "q0002", "q0003"]
    for arrival in mails:
        assert types([arrival.decision]) == ["delivery.planned"]
        assert types(arrival.mail) == MAIL and types(arrival.stored) == ["message.delivered"]
        assert {event.queue_id for event in (*arrival.mail, *arrival.stored)} == {arrival.decision.queue_id}


async def test_only_mails_of_the_account_within_the_span_come(installation: Installation) -> None:
    await deliver(installation)
    step = delivery.Step("eve@example.org", 0, "store", account="a0002", address="eve@example.org")
    await installation.write("delivery", "q0007", delivery.DeliveryPlanned("q0007", (step,)), correlation="q0007")
    await installation.write("mailstore", ACCOUNT, mailbox.FlagsChanged(ACCOUNT, INBOX, ((1, 1),), "add", ("a",)))
    await installation.followed()
    assert [arrival.decision.queue_id for arrival in await read(installation)] == [QUEUE_ID]
    at = (await read(installation))[0].decision.at
    assert await read(installation, until=at) == []
    assert await read(installation, since=at + 1) == []
    assert len(await read(installation, since=at, until=at + 1)) == 1
    (other,) = await read(installation, "a0002")
    assert not other.mail and not other.stored, "the log knows nothing more of it"


async def test_a_discarded_mail_comes_without_a_copy(installation: Installation) -> None:
    step = delivery.Step("ann@example.org", 0, "discard", account=ACCOUNT, address="ann@example.org", line=3)
    await installation.write("ingress", QUEUE_ID, received(), correlation=QUEUE_ID)
    await installation.write("delivery", QUEUE_ID, delivery.DeliveryPlanned(QUEUE_ID, (step,)), correlation=QUEUE_ID)
    await installation.followed()
    (arrival,) = await read(installation)
    assert types(arrival.mail) == ["mail.received"] and not arrival.stored


async def test_a_copy_of_another_account_is_left_out(installation: Installation) -> None:
    await deliver(installation)
    copy = msgspec.structs.replace(delivered(9), account="a0002", recipient="eve@example.org")
    await installation.write("mailstore", "a0002", copy, correlation=QUEUE_ID)
    await installation.followed()
    (arrival,) = await read(installation)
    assert len(arrival.stored) == 1


async def test_batches_tell_how_far_they_are_and_where_the_log_begins(installation: Installation) -> None:
    await deliver(installation)
    await installation.followed()
    batches = [
        batch async for batch in installation.log.ReadArrivals(pb.ReadArrivalsRequest(account=ACCOUNT, until=LATER))
    ]
    assert batches[-1].read_to == LATER
    assert 0 < batches[0].oldest <= batches[0].arrivals[0].mail[0].at


async def test_pages_leave_out_nothing_and_repeat_nothing(installation: Installation, monkeypatch: Any) -> None:
    monkeypatch.setattr(arrivals, "_IDS", 7)
    monkeypatch.setattr(arrivals, "_MAILS", 2)
    for number in range(1, 12):
        await deliver(installation, f"q{number:04}", uid=number, message_id=f"{number}@example.net")
    await installation.followed()
    assert [arrival.decision.queue_id for arrival in await read(installation)] == [f"q{n:04}" for n in range(1, 12)]


async def test_large_decisions_make_small_pages(installation: Installation, monkeypatch: Any) -> None:
    monkeypatch.setattr(arrivals, "_OCTETS", 1)
    for number in range(1, 4):
        await deliver(installation, f"q{number:04}", uid=number, message_id=f"{number}@example.net")
    await installation.followed()
    request = pb.ReadArrivalsRequest(account=ACCOUNT)
    sizes = [len(batch.arrivals) async for batch in installation.log.ReadArrivals(request)]
    assert [size for size in sizes if size] == [1, 1, 1]


async def test_a_mail_that_waited_and_one_among_very_many_events_have_their_reception(
    installation: Installation, monkeypatch: Any
) -> None:
    monkeypatch.setattr(arrivals, "_AROUND", 0)
    monkeypatch.setattr(arrivals, "_EVENTS", 1)
    for number in range(1, 4):
        await deliver(installation, f"q{number:04}", uid=number, message_id=f"{number}@example.net")
    await installation.followed()
    assert [types(arrival.mail) for arrival in await read(installation)] == [MAIL] * 3
