"""Events of one mail, as the services write them."""

from __future__ import annotations

from shared.events import delivery, mail, mailbox, spam
from shared.eventstore.event import Event
from tests.integration.eventlog.installation import Installation

QUEUE_ID = "q0001"
MESSAGE_ID = "first@example.net"
ACCOUNT = "a0001"
INBOX, ARCHIVE = "m0001", "m0002"


def received(
    queue_id: str = QUEUE_ID, message_id: str = MESSAGE_ID, sender: str = "bob@example.net"
) -> mail.MailReceived:
    check = mail.RecordedCheck(
        "spf",
        "pass",
        {"mechanism": "ip4:192.0.2.0/24"},
        (mail.DnsAnswer("example.net", "TXT", "NOERROR", ("v=spf1 ip4:192.0.2.0/24 -all",)),),
    )
    message = mail.Message(
        "g0001/ab", 1200, b"Received: from x\r\n" * 40, message_id=message_id, subject="Grüße", author=sender
    )
    client = mail.Client("192.0.2.7", 4711, "mx.example.net", "ESMTPS", listener="smtp")
    return mail.MailReceived(queue_id, sender, (mail.Recipient("ann@example.org"),), message, client, checks=(check,))


def entry(uid: int, message_id: str = MESSAGE_ID) -> mailbox.NewEntry:
    return mailbox.NewEntry(
        f"e{uid:04}", uid, "g0001/ab", 1300, 1_700_000_000_000_000, f"x{uid:04}", "t0001", message_id=message_id
    )


def delivered(uid: int, queue_id: str = QUEUE_ID, message_id: str = MESSAGE_ID) -> mailbox.MessageDelivered:
    return mailbox.MessageDelivered(ACCOUNT, INBOX, queue_id, "ann@example.org", 0, entry(uid, message_id))


async def deliver(
    installation: Installation, queue_id: str = QUEUE_ID, uid: int = 1, message_id: str = MESSAGE_ID
) -> None:
    """Six events of four services: a mail from its acceptance to the mailbox."""
    step = delivery.Step("ann@example.org", 0, "store", account=ACCOUNT, address="ann@example.org")
    outcome = mail.Outcome("ann@example.org", "delivered")
    way: list[tuple[str, str, Event]] = [
        ("ingress", queue_id, received(queue_id, message_id)),
        (
            "classifier",
            queue_id,
            spam.MailClassified(
                queue_id, spam.RecordedVerdict(False, 1.5, 5.0, (spam.Test("GREETING", 1.5),)), b"X-Spam-Score: 1.5\r\n"
            ),
        ),
        ("delivery", queue_id, delivery.DeliveryPlanned(queue_id, (step,))),
        ("mailstore", ACCOUNT, delivered(uid, queue_id, message_id)),
        ("delivery", queue_id, delivery.DeliverySettled(queue_id, (outcome,))),
        ("ingress", queue_id, mail.MailSettled(queue_id, (outcome,))),
    ]
    for service, stream, event in way:
        await installation.write(service, stream, event, correlation=queue_id)


DELIVERED = [
    "mail.received",
    "mail.classified",
    "delivery.planned",
    "message.delivered",
    "delivery.settled",
    "mail.settled",
]
