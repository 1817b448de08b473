"""Ports 587 and 465: who may send under which address, and where the mail goes."""

from __future__ import annotations

import pytest

from tests.e2e.received import fields, parsed
from tests.harness.mails import bytes_of, compose
from tests.harness.people import SENDING_DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

pytestmark = pytest.mark.all_layouts


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The sender."""
    return server.people.person("ann")


def test_authentication_is_not_offered_without_tls(server: MailfoldServer, ann: Person) -> None:
    with server.submission() as smtp:
        assert "AUTH" not in smtp.extensions and "STARTTLS" in smtp.extensions
        refusal = smtp.log_in(ann.address, ann.password)
        assert refusal.code in (530, 538) and refusal.text.startswith("5.7."), refusal
        smtp.start_tls(server.tls())
        assert {"PLAIN", "LOGIN"} <= set(smtp.extensions["AUTH"].split())
        assert smtp.log_in(ann.address, ann.password).code == 235


def test_nothing_is_sent_without_authentication(server: MailfoldServer, ann: Person) -> None:
    with server.submissions() as smtp:
        refusal = smtp.command(f"MAIL FROM:<{ann.address}>".encode())
    assert refusal.code == 530 and refusal.text.startswith("5.7."), refusal


def test_a_wrong_password_is_refused(server: MailfoldServer, ann: Person) -> None:
    with server.submissions() as smtp:
        refusal = smtp.log_in(ann.address, "wrong")
    assert refusal.code == 535 and refusal.text.startswith("5.7.8 "), refusal


@pytest.mark.parametrize("port", ["submission", "submissions"])
def test_local_mail_is_delivered(server: MailfoldServer, ann: Person, port: str) -> None:
    bob = server.people.person("bob")
    sent = compose(ann.address, bob.address)
    with getattr(server, port)(ann) as smtp:
        smtp.send(ann.address, [bob.address], sent.data)
    with server.imap(bob) as imap:
        fetched = imap.fetch(imap.wait_for(sent.message_id))
    assert fields(fetched, "Return-Path") == [f"<{ann.address}>"]
    assert "with ESMTPSA" in fields(fetched, "Received")[0]


def test_missing_fields_are_added(server: MailfoldServer, ann: Person) -> None:
    data = f"From: {ann.address}\r\nTo: {ann.address}\r\nSubject: bare\r\n\r\nbody\r\n".encode()
    with server.submissions(ann) as smtp:
        smtp.send(ann.address, [ann.address], data)
    server.settled()
    with server.imap(ann) as imap:
        imap.select()
        (uid,) = imap.uids("SUBJECT", "bare")
        message = parsed(imap.fetch(uid))
    assert message["Message-ID"] and message["Date"]


def test_another_sender_is_refused_in_the_envelope(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    with server.submissions(ann) as smtp:
        refusal = smtp.send(bob.address, [bob.address], compose(bob.address, bob.address).data)
    assert refusal.code in (550, 553) and refusal.text.startswith("5.7.1 "), refusal


def test_another_sender_is_refused_in_the_header(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    with server.submissions(ann) as smtp:
        refusal = smtp.send(ann.address, [bob.address], compose(bob.address, bob.address).data)
    assert refusal.code in (550, 553) and refusal.text.startswith("5.7.1 ") and refusal.reference, refusal


def test_another_sender_field_is_refused(server: MailfoldServer, ann: Person) -> None:
    """The rule for From applies to Sender too, because mail clients show it as the real sender."""
    bob = server.people.person("bob")
    forged = compose(ann.address, bob.address, fields=(f"Sender: {bob.address}".encode(),))
    with server.submissions(ann) as smtp:
        refusal = smtp.send(ann.address, [bob.address], forged.data)
    assert refusal.code == 550 and refusal.text.startswith("5.7.1 ") and refusal.reference, refusal


def test_several_authors_get_a_sender(server: MailfoldServer, ann: Person) -> None:
    """RFC 5322 §3.6.2: Sender names the author who sent the message."""
    alias = server.people.alias("press", ann.address)
    sent = compose(f"{ann.address}, {alias}", ann.address)
    with server.submissions(ann) as smtp:
        assert smtp.send(alias, [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        assert fields(imap.fetch(imap.wait_for(sent.message_id)), "Sender") == [f"<{alias}>"]


def test_nobody_sees_blind_recipients(server: MailfoldServer, ann: Person) -> None:
    """Neither the other recipient nor the hidden one gets the field, and the blob does not contain it."""
    bob, cat = server.people.people("bob", "cat")
    blind = (f"Bcc: Cat\r\n\t<{cat.address}>".encode(), f"RESENT-BCC : {cat.address}".encode())
    sent = compose(ann.address, bob.address, fields=blind, body=b"Bcc: stays in the body\r\n")
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [bob.address, cat.address], sent.data).queue_id
    for person in (bob, cat):
        with server.imap(person) as imap:
            uid = imap.wait_for(sent.message_id)
            fetched, size = imap.fetch(uid), imap.attributes(uid, "RFC822.SIZE")
        ours = fetched[: fetched.index(b"\r\nFrom: ") + 2]
        assert fetched == ours + sent.data[sent.data.index(b"From: ") :]
        assert b"cat" not in fetched.replace(f"Delivered-To: {cat.address}".encode(), b"")
        assert b"RFC822.SIZE %d" % len(fetched) in size
    assert not [
        file for file in server.places.blobs.rglob("*") if file.is_file() and b"Resent-Bcc" in file.read_bytes()
    ]


def test_bcc_of_a_received_mail_is_left_alone(server: MailfoldServer, ann: Person) -> None:
    sent = compose(f"carl@{HONEST}", ann.address, fields=(f"Bcc: {ann.address}".encode(),))
    with server.smtp() as smtp:
        assert smtp.send(f"carl@{HONEST}", [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        assert imap.fetch(imap.wait_for(sent.message_id)).endswith(sent.data)


def test_alias_and_sub_address_may_be_sent_as(server: MailfoldServer, ann: Person) -> None:
    alias = server.people.alias("sales", ann.address)
    for sender in (alias, ann.address.replace("@", "+news@")):
        sent = compose(sender, ann.address)
        with server.submissions(ann) as smtp:
            assert smtp.send(sender, [ann.address], sent.data).queue_id
        with server.imap(ann) as imap:
            imap.wait_for(sent.message_id)


def test_remote_mail_waits_in_the_queue(server: MailfoldServer, ann: Person) -> None:
    before = len(server.contracts.queue())
    sent = compose(ann.address, f"dora@{HONEST}")
    with server.submissions(ann) as smtp:
        queue_id = smtp.send(ann.address, [f"dora@{HONEST}"], sent.data).queue_id
    server.settled()
    (entry,) = [result for result in server.contracts.queue() if result.queue_id == queue_id]
    assert (entry.recipient, entry.sender) == (f"dora@{HONEST}", ann.address)
    assert server.count("outbound", "queued") == before + 1
    server.command.trace(queue_id, f"dora@{HONEST}")


def test_domain_that_only_sends_may_send(server: MailfoldServer, ann: Person) -> None:
    app = server.people.person("app", domain=SENDING_DOMAIN)
    sent = compose(app.address, ann.address)
    with server.submissions(app) as smtp:
        assert smtp.send(app.address, [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)


def test_a_sender_who_asks_for_success_is_notified(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    sent = compose(ann.address, bob.address)
    with server.submissions(ann) as smtp:
        smtp.expect(250, f"MAIL FROM:<{ann.address}> RET=HDRS ENVID=QQ314159".encode())
        smtp.expect(250, f"RCPT TO:<{bob.address}> NOTIFY=SUCCESS".encode())
        smtp.expect(354, b"DATA")
        assert smtp.data(sent.data).queue_id
    server.settled()
    with server.imap(ann) as imap:
        imap.select()
        (uid,) = until(
            lambda: imap.uids("HEADER", "Content-Type", "report-type=delivery-status"), "the report in the mailbox"
        )
        report = parsed(imap.fetch(uid))
    status = report.get_payload(1).as_string()  # type: ignore[union-attr]
    assert "Action: delivered" in status and bob.address in status, status
    assert "Original-Envelope-Id: QQ314159" in status


def test_a_full_mailbox_bounces_to_the_local_sender(server: MailfoldServer, ann: Person) -> None:
    small = server.people.person("small", quota=100_000)
    sent = compose(ann.address, small.address, subject="too big for you", body=bytes_of(150_000))
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [small.address], sent.data).queue_id
    server.settled()
    with server.imap(ann) as imap:
        imap.select()
        (uid,) = imap.uids("HEADER", "Content-Type", "report-type=delivery-status")
        notice = parsed(imap.fetch(uid))
    assert fields(bytes(notice), "Return-Path") == ["<>"]
    status = notice.get_payload(1).as_string()  # type: ignore[union-attr]
    assert "Action: failed" in status and "Status: 5.2.2" in status and small.address in status, status
    with server.imap(small) as imap:
        assert imap.select() == 0
