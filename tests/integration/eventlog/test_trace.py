"""The trace of a mail by queue id, Message-ID and reference, over gRPC."""

from __future__ import annotations

from shared.events import expiry, mail, mailbox, restoring, spam
from shared.eventstore.event import Actor
from tests.integration.eventlog.events import (
    ACCOUNT,
    ARCHIVE,
    DELIVERED,
    INBOX,
    MESSAGE_ID,
    QUEUE_ID,
    deliver,
    entry,
    received,
)
from tests.integration.eventlog.installation import Installation

ANN = Actor("account", ACCOUNT, session="s-imap", address="192.0.2.9")


async def test_a_queue_id_finds_the_events_of_every_service(installation: Installation) -> None:
    await deliver(installation)
    await deliver(installation, "q0002", uid=2, message_id="second@example.net")
    await installation.followed()
    assert await installation.trace(QUEUE_ID) == DELIVERED


async def test_a_message_id_finds_every_mail_that_has_it(installation: Installation) -> None:
    await deliver(installation)
    await deliver(installation, "q0002", uid=2)
    await deliver(installation, "q0003", uid=3, message_id="other@example.net")
    await installation.followed()
    assert sorted(await installation.trace(f"<{MESSAGE_ID}>")) == sorted(DELIVERED * 2)


async def test_the_copies_are_followed_through_moves_and_copies(installation: Installation) -> None:
    await deliver(installation, "q0009", uid=4, message_id="other@example.net")
    await deliver(installation, uid=5)
    for event in (
        mailbox.FlagsChanged(ACCOUNT, INBOX, ((4, 4),), "add", ("\\Seen",)),  # another message
        mailbox.FlagsChanged(ACCOUNT, INBOX, ((1, 2), (4, 7)), "add", ("\\Seen",)),
        mailbox.MessagesCopied(ACCOUNT, INBOX, ARCHIVE, ((4, 5),), 70, "e9"),  # UID 5 becomes 71
        mailbox.MessagesMoved(ACCOUNT, INBOX, "m0003", ((5, 5),), 8),
        mailbox.FlagsChanged(ACCOUNT, INBOX, ((5, 5),), "add", ("\\Flagged",)),  # it is no longer there
        mailbox.FlagsChanged(ACCOUNT, ARCHIVE, ((70, 70),), "add", ("\\Flagged",)),  # the other copy
        mailbox.MessagesExpunged(ACCOUNT, "m0003", ((1, 100),)),
        mailbox.MailboxDeleted(ACCOUNT, ARCHIVE, "Archive"),
    ):
        await installation.write("mailstore", ACCOUNT, event, actor=ANN)
    await installation.followed()
    life = await installation.trace(QUEUE_ID)
    later = ["message.flags_changed", "message.copied", "message.moved", "message.expunged", "mailbox.deleted"]
    assert life == DELIVERED + later


async def test_a_removed_message_is_followed_to_where_it_was_brought_back(installation: Installation) -> None:
    await deliver(installation, uid=5)
    for event in (
        expiry.MessagesExpired(ACCOUNT, INBOX, ((4, 5),), 30),
        mailbox.FlagsChanged(ACCOUNT, INBOX, ((1, 9),), "add", ("\\Seen",)),  # it is not there
        restoring.MessagesRestored(ACCOUNT, INBOX, ARCHIVE, ((4, 4),), 7),  # another message
        restoring.MessagesRestored(ACCOUNT, INBOX, ARCHIVE, ((1, 3), (5, 5)), 8),  # UID 5 becomes 11
        mailbox.FlagsChanged(ACCOUNT, ARCHIVE, ((11, 11),), "add", ("\\Seen",)),
        mailbox.MessagesExpunged(ACCOUNT, ARCHIVE, ((11, 11),)),
        mailbox.MailboxDeleted(ACCOUNT, ARCHIVE, "Archive"),
    ):
        await installation.write("mailstore", ACCOUNT, event, actor=ANN)
    await installation.followed()
    later = ["message.expired", "message.restored", "message.flags_changed", "message.expunged"]
    assert await installation.trace(QUEUE_ID) == DELIVERED + later


async def test_lessons_about_a_mail_belong_to_its_life(installation: Installation) -> None:
    await deliver(installation)
    await installation.write(
        "classifier", ACCOUNT, spam.LessonLearned(ACCOUNT, "x0001", "spam", "none", entry="e0001"), actor=ANN
    )
    await installation.write(
        "classifier", ACCOUNT, spam.LessonLearned(ACCOUNT, "x0002", "spam", "none", entry="e0002"), actor=ANN
    )
    await installation.followed()
    assert await installation.trace(QUEUE_ID) == [*DELIVERED, "lesson.learned"]


async def test_a_refusal_is_found_by_its_reference_as_people_type_it(installation: Installation) -> None:
    refusal = mail.Refusal(
        "A1B2C3D4E5",
        1,
        "rcpt",
        550,
        "5.1.1",
        "no such recipient",
        sender="eve@example.com",
        recipient="nobody@example.org",
    )
    await installation.write(
        "ingress", "refusals:2026-11-23", mail.MailRefused("s-one", mail.Client("192.0.2.7"), (refusal,))
    )
    await installation.followed()
    assert await installation.trace("a1b2c-3d4e5") == ["mail.refused"]
    assert await installation.trace("A1B2C3D4E6") == []


async def test_an_appended_message_is_traced_by_its_message_id(installation: Installation) -> None:
    appended = mailbox.MessageAppended(ACCOUNT, INBOX, (entry(11, "one@example.org"), entry(12, "two@example.org")))
    await installation.write("mailstore", ACCOUNT, appended, actor=ANN)
    await installation.write(
        "mailstore", ACCOUNT, mailbox.FlagsChanged(ACCOUNT, INBOX, ((11, 11),), "add", ("\\Seen",)), actor=ANN
    )
    await installation.write("mailstore", ACCOUNT, mailbox.MessagesExpunged(ACCOUNT, INBOX, ((12, 12),)), actor=ANN)
    await installation.followed()
    assert await installation.trace("two@example.org") == ["message.appended", "message.expunged"]


async def test_every_check_comes_with_its_inputs(installation: Installation) -> None:
    await installation.write("ingress", QUEUE_ID, received(), correlation=QUEUE_ID)
    await installation.followed()
    (event,) = await installation.query(text=QUEUE_ID)
    assert b"v=spf1 ip4:192.0.2.0/24 -all" in event.data
    assert (event.queue_id, event.message_id, event.service) == (QUEUE_ID, MESSAGE_ID, "ingress")
