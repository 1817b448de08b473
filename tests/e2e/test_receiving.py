"""Mail on port 25, from the connection to FETCH, and everything that is refused there."""

from __future__ import annotations

import pytest

from shared.rpc.mailfold.directory.v1 import directory_pb2 as directory
from tests.e2e.received import field_names, fields
from tests.harness.mails import bytes_of, compose
from tests.harness.people import SENDING_DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

pytestmark = pytest.mark.all_layouts

SENDER = f"carl@{HONEST}"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The recipient."""
    return server.people.person("ann")


def test_from_25_to_fetch(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address, body=b"first\r\n.leading dot\r\nlast\r\n")
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], sent.data)
    with server.imap(ann) as imap:
        fetched = imap.fetch(imap.wait_for(sent.message_id))
    assert fetched.endswith(sent.data)


def test_header_of_a_delivered_mail(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        queue_id = smtp.send(SENDER, [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        fetched = imap.fetch(imap.wait_for(sent.message_id))
    names = field_names(fetched)
    assert names[:2] == ["return-path", "delivered-to"]
    ours = [name for name in names if name in ("x-spam-status", "received", "authentication-results")]
    assert sorted(ours) == ["authentication-results", "received", "x-spam-status"]
    assert names.index("x-spam-status") < names.index("received") < names.index("from")
    assert fields(fetched, "Return-Path") == [f"<{SENDER}>"]
    assert fields(fetched, "Delivered-To") == [ann.address]
    assert fields(fetched, "X-Spam-Status")[0].startswith("No, score=")
    (received,) = fields(fetched, "Received")
    assert "from client.honest.example" in received and f"id {queue_id}" in received and "with ESMTP" in received
    assert fields(fetched, "Authentication-Results")[0].startswith("mx.example.org;")


def test_forged_authentication_results_are_removed(server: MailfoldServer, ann: Person) -> None:
    forged = b"Authentication-Results: mx.example.org;\r\n dmarc=pass header.from=bank.example"
    foreign = b"Authentication-Results: mx.elsewhere.example; spf=pass"
    sent = compose(SENDER, ann.address, fields=(forged, foreign))
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], sent.data)
    with server.imap(ann) as imap:
        result = fields(imap.fetch(imap.wait_for(sent.message_id)), "Authentication-Results")
    assert len(result) == 2
    assert "bank.example" not in " ".join(result)
    assert "mx.elsewhere.example; spf=pass" in result


def test_one_mail_for_several(server: MailfoldServer) -> None:
    people = server.people.people("bob", "cat", "dan")
    sent = compose(SENDER, people[0].address)
    with server.smtp() as smtp:
        smtp.send(SENDER, [person.address for person in people], sent.data)
    for person in people:
        with server.imap(person) as imap:
            fetched = imap.fetch(imap.wait_for(sent.message_id))
            assert fields(fetched, "Delivered-To") == [person.address]


def test_sub_address(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address.replace("@", "+shop@").upper()], sent.data)
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)


def test_alias_of_several_targets(server: MailfoldServer) -> None:
    eve, fay = server.people.people("eve", "fay")
    alias = server.people.alias("team", eve.address, fay.address)
    sent = compose(SENDER, alias)
    with server.smtp() as smtp:
        smtp.send(SENDER, [alias, eve.address], sent.data)
    for person in (eve, fay):
        with server.imap(person) as imap:
            imap.wait_for(sent.message_id)


def test_unknown_recipient_is_refused_with_a_reference(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
        refusal = smtp.command(b"RCPT TO:<nobody@example.org>")
        assert refusal.code == 550 and refusal.text.startswith("5.1.1 "), refusal
        assert refusal.reference, refusal
        smtp.expect(250, f"RCPT TO:<{ann.address}>".encode())
        smtp.expect(354, b"DATA")
        assert smtp.data(sent.data).queue_id
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)


def test_disabled_account_is_refused_and_comes_back(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        imap.append("INBOX", compose(SENDER, ann.address).data)
    server.people.ask("ChangeAccount", directory.ChangeAccountRequest(address=ann.address, disabled=True))
    with server.smtp() as smtp:
        smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
        until(
            lambda: smtp.command(f"RCPT TO:<{ann.address}>".encode()).text.startswith("5.2.1 "),
            "the recipient's refusal",
        )
    with server.submissions() as smtp:
        assert smtp.log_in(ann.address, ann.password).code == 535
    server.people.ask("ChangeAccount", directory.ChangeAccountRequest(address=ann.address, disabled=False))
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        assert until(lambda: accepted(smtp, ann.address, sent.data), "the account's return")
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
        assert imap.count("INBOX") == 2


def accepted(smtp: Smtp, address: str, data: bytes) -> bool:
    """Whether the mail was accepted."""
    return smtp.send(SENDER, [address], data).code == 250


def test_domain_that_only_sends_receives_nothing(server: MailfoldServer) -> None:
    app = server.people.person("app", domain=SENDING_DOMAIN)
    with server.smtp() as smtp:
        refusal = smtp.send(SENDER, [app.address], compose(SENDER, app.address).data)
    assert refusal.code == 550 and refusal.text.startswith("5.7.1 "), refusal


@pytest.mark.parametrize("recipient", [f"dora@{HONEST}", f"x%{HONEST}@elsewhere.example"])
def test_relaying_is_denied(server: MailfoldServer, recipient: str) -> None:
    with server.smtp() as smtp:
        refusal = smtp.send(SENDER, [recipient], compose(SENDER, recipient).data)
    assert refusal.code == 550 and refusal.text.startswith("5.7.1 "), refusal


def test_null_reverse_path_is_welcome(server: MailfoldServer, ann: Person) -> None:
    sent = compose(f"mailer-daemon@{SILENT}", ann.address)
    with server.smtp() as smtp:
        smtp.send("", [ann.address], sent.data)
    with server.imap(ann) as imap:
        assert fields(imap.fetch(imap.wait_for(sent.message_id)), "Return-Path") == ["<>"]


def test_size_is_advertised_and_enforced(server: MailfoldServer, ann: Person) -> None:
    with server.smtp() as smtp:
        limit = int(smtp.extensions["SIZE"])
        refusal = smtp.command(f"MAIL FROM:<{SENDER}> SIZE={limit + 1}".encode())
        assert refusal.code == 552 and refusal.text.startswith("5.3.4 "), refusal


def test_a_large_mail_comes_whole(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address, body=bytes_of(3_000_000))
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], sent.data)
    with server.imap(ann) as imap:
        uid = imap.wait_for(sent.message_id)
        assert imap.fetch(uid).endswith(sent.data)
        assert imap.fetch(uid, "BODY.PEEK[]<1000000.65536>") == imap.fetch(uid)[1_000_000:1_065_536]


def test_message_in_chunks(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    half = len(sent.data) // 2
    with server.smtp() as smtp:
        assert "CHUNKING" in smtp.extensions
        smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
        smtp.expect(250, f"RCPT TO:<{ann.address}>".encode())
        smtp.write(b"BDAT %d\r\n" % half + sent.data[:half])
        assert smtp.reply().code == 250
        smtp.write(b"BDAT %d LAST\r\n" % (len(sent.data) - half) + sent.data[half:])
        assert smtp.reply().queue_id
    with server.imap(ann) as imap:
        assert imap.fetch(imap.wait_for(sent.message_id)).endswith(sent.data)
