"""Mails that came, as the event log tells of them: what they were, and what delivery decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from services.delivery.handlers.past_mails import MailsRead, PastMail, PastMails, StoredCopy
from shared.events.delivery import DeliveryListExpanded, DeliveryPlanned, Step
from shared.events.mail import Client, MailReceived, MailSubmitted, Message, Recipient
from shared.events.mailbox import MessageDelivered, NewEntry
from shared.events.spam import MailClassified, RecordedVerdict
from shared.eventstore.event import Event, encode
from shared.grpc.channel import for_stubs
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb

MESSAGE = Message("g/ab", 100, b"Received: x\r\n", subject="hi", author="bob@example.net")
RECEIVED = MailReceived("q1", "bob@example.net", (Recipient("info@example.org"),), MESSAGE, Client("192.0.2.7"))
VERDICT = MailClassified("q1", RecordedVerdict(True, 7.5, 5.0), b"X-Spam: yes\r\n")
SUBMITTED = MailSubmitted("q1", "eve@example.org", (), MESSAGE, Client("192.0.2.7"), "u1", "a9")
OWN = Step("info@example.org", 0, "store", account="a1", address="ann@example.org")


class Log:
    """A channel to an event log that has these arrivals."""

    def __init__(self, *arrivals: pb.Arrival) -> None:
        self._batch = pb.ArrivalBatch(arrivals=arrivals, read_to=77, oldest=5)

    def unary_unary(self, *_method: Any, **_options: Any) -> Callable[..., Any]:
        return lambda _request: None

    def unary_stream(self, *_method: Any, **_options: Any) -> Callable[..., AsyncIterator[Any]]:
        async def replies(_request: Any) -> AsyncIterator[Any]:
            yield self._batch

        return replies


def logged(event: Event, at: int = 0) -> pb.LoggedEvent:
    return pb.LoggedEvent(type=event.stored_name, at=at, data=encode(event))


def arrival(decision: Event, *mail: Event, stored: tuple[Event, ...] = ()) -> pb.Arrival:
    return pb.Arrival(decision=logged(decision, 42), mail=map(logged, mail), stored=map(logged, stored))


async def read(*arrivals: pb.Arrival) -> MailsRead:
    (batch,) = [batch async for batch in PastMails(for_stubs(Log(*arrivals))).of("a1", 0, 99)]
    return batch


async def only(*arrivals: pb.Arrival) -> PastMail:
    (mail,) = (await read(*arrivals)).mails
    return mail


def copy(account: str = "a1") -> MessageDelivered:
    entry = NewEntry("e1", 3, "g/ab", 100, 1, "x1", "t1")
    return MessageDelivered(account, "m1", "q1", "info@example.org", 0, entry)


async def test_a_mail_is_what_delivery_got() -> None:
    past = await only(arrival(DeliveryPlanned("q1", (OWN,)), RECEIVED, VERDICT, stored=(copy(), copy("a2"))))
    assert past.mail is not None
    assert (past.queue_id, past.at, past.mail.reverse_path) == ("q1", 42, "bob@example.net")
    assert past.mail.is_spam_for("a1") and past.mail.spam_headers_for("a1") == b"X-Spam: yes\r\n"
    assert past.stored == (StoredCopy("m1", 3),) and past.steps == (OWN,)


async def test_submitted_mail_has_no_verdict() -> None:
    past = await only(arrival(DeliveryPlanned("q1", (OWN,)), SUBMITTED))
    assert past.mail is not None and past.mail.submitted and not past.mail.is_spam_for("a1")


async def test_without_a_reception_nothing_more_is_known() -> None:
    assert (await only(arrival(DeliveryPlanned("q1", (OWN,))))).mail is None
    assert (await only(arrival(DeliveryPlanned("q1", (OWN,)), VERDICT))).mail is None


async def test_what_cannot_be_read_is_left_out() -> None:
    broken = pb.Arrival(decision=pb.LoggedEvent(type="delivery.planned", data=b"{"))
    other = arrival(DeliveryPlanned("q1", (Step("x@example.org", 0, "store", account="a2"),)), RECEIVED)
    batch = await read(broken, other)
    assert batch == MailsRead([], 77, 5)


async def test_a_notification_is_another_mail_and_an_answer_belongs_to_this_one() -> None:
    steps = (
        OWN,
        Step("info@example.org", 1, "store", account="a1", blob="g/notice"),
        Step("info@example.org", 2, "answer", account="a1", blob="g/answer"),
        Step("info@example.org", 3, "store", account="a2", address="Eve@example.org"),
    )
    past = await only(arrival(DeliveryPlanned("q1", steps), RECEIVED))
    assert [step.index for step in past.steps] == [0, 2]
    assert past.others == frozenset({"eve@example.org"})


async def test_a_member_of_a_list_gets_what_the_list_has_made_of_a_post() -> None:
    own = Step("list@example.org", 4, "store", account="a1", address="ann@example.org", reverse_path="list-bounces@x")
    part = DeliveryListExpanded(
        "q1", "list@example.org", "l1", "list@example.org", 0, (own,), b"List-Id: <l>\r\n", blob="g/list", size=120
    )
    past = await only(arrival(part, RECEIVED, VERDICT))
    assert past.mail is not None
    message = past.mail.message
    assert (message.blob, message.size, message.prefix) == ("g/list", 120, b"List-Id: <l>\r\nReceived: x\r\n")
    assert (past.mail.reverse_path, past.mail.list_address) == ("list-bounces@x", "list@example.org")


async def test_the_address_of_the_account_is_not_the_one_to_which_a_script_redirects() -> None:
    away = Step("info@example.org", 0, "enqueue", account="a1", address="bob@elsewhere.example")
    assert (await only(arrival(DeliveryPlanned("q1", (away,)), RECEIVED))).address == ""
    assert (await only(arrival(DeliveryPlanned("q1", (away, OWN)), RECEIVED))).address == "ann@example.org"
