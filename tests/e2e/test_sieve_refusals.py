"""A script refuses mail in the SMTP dialogue where its account is the only recipient, and in a report otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Reply
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
SCRIPT = """
require ["ereject", "reject", "fileinto", "mailbox", "copy", "enotify", "duplicate", "spamtest", "spamtestplus",
         "relational", "comparator-i;ascii-numeric", "include"];
if header "subject" "probe" { ereject "probe"; stop; }
if header "subject" "rejected" { reject text:
I take no mail like this.
Please call me.
.
; }
elsif header "subject" "ejected" { ereject "Schöne Grüße!"; }
elsif header "subject" "umlauts" { reject "Schöne Grüße!"; }
elsif header "subject" "judged" {
    if spamtest :value "ge" :comparator "i;ascii-numeric" :percent "0" { ereject "judged"; }
}
elsif header "subject" "flagged" { if not header "X-Spam-Flag" "YES" { fileinto :create "Ham"; } else { ereject "x"; } }
elsif header "subject" "notified" { ereject "told"; notify "mailto:dora@HOST"; }
elsif header "subject" "broken" { ereject "no"; keep; }
elsif header "subject" "included" { include "more"; }
elsif header "subject" "memory" { if duplicate { keep; stop; } ereject "new"; }
""".replace("HOST", HONEST)


def put(server: MailfoldServer, owner: str, name: str, source: str, *, place: str = "active") -> None:
    request = pb.PutScriptRequest(owner=owner, name=name, source=source.encode(), activate=bool(place), place=place)
    server.contracts.ask("mailstore", ScriptsStub, "PutScript", request)


def send(server: MailfoldServer, subject: str, *recipients: str, sender: str = SENDER, parameters: str = "") -> Reply:
    """Send a mail with this subject from another server."""
    with server.smtp() as smtp:
        return smtp.send(sender, list(recipients), compose(SENDER, recipients[0], subject=subject).data, parameters)


def refused(server: MailfoldServer, subject: str, recipient: str) -> Reply | None:
    """The reply to such a mail when it is refused."""
    reply = send(server, subject, recipient)
    return reply if reply.code == 550 else None


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """An account whose script is known to the ingress and to delivery."""
    person = server.people.person("ann")
    put(server, person.account, "more", 'require "reject"; reject "included";', place="")
    put(server, person.account, "rules", SCRIPT)
    until(lambda: refused(server, "probe", person.address), "the script is known")
    return person


def has(server: MailfoldServer, person: Person, subject: str, mailbox: str = "INBOX") -> bool:
    with server.imap(person) as imap:
        imap.select(mailbox)
        return bool(imap.uids("SUBJECT", f'"{subject}"'))


def test_the_sender_gets_the_reason_and_the_operator_the_line(server: MailfoldServer, ann: Person) -> None:
    reply = send(server, "rejected", ann.address)
    assert reply.code == 550
    first, last = reply.lines
    assert first == "5.7.1 I take no mail like this." and last.startswith("5.7.1 Please call me. (ref ")
    told = server.command.trace(reply.reference, "550 5.7.1", "reject in line 5", ann.address)
    assert 'script "rules"' in told and SENDER in told
    server.settled()
    assert not has(server, ann, "rejected")


def test_an_alias_and_a_subaddress_are_refused_too(server: MailfoldServer, ann: Person) -> None:
    alias = server.people.alias("info", ann.address)
    assert send(server, "rejected", alias).code == 550
    assert send(server, "rejected", ann.address.replace("@", "+tag@")).code == 550
    assert send(server, "rejected", ann.address, sender="").code == 550


def test_a_reason_that_is_not_ascii(server: MailfoldServer, ann: Person) -> None:
    """RFC 5429 §2.1.1: ereject says something else; §2.2: reject keeps its text, for a report."""
    assert send(server, "ejected", ann.address).lines[0].startswith("5.7.1 Schone Grusse! (ref ")
    assert send(server, "ejected", ann.address, parameters=" SMTPUTF8").lines[0].startswith("5.7.1 Schöne Grüße! (ref ")
    assert send(server, "umlauts", ann.address, parameters=" SMTPUTF8").lines[0].startswith("5.7.1 Schöne Grüße! (ref ")
    accepted = send(server, "umlauts", ann.address)
    server.command.trace(accepted.queue_id, "settled")
    assert not has(server, ann, "umlauts")


def test_an_included_script_refuses(server: MailfoldServer, ann: Person) -> None:
    assert send(server, "included", ann.address).lines[0].startswith("5.7.1 included (ref ")


@pytest.mark.parametrize("subject", ["judged", "notified"])
def test_what_is_not_decided_or_wants_more_is_accepted(server: MailfoldServer, ann: Person, subject: str) -> None:
    """The verdict on spam comes after the 250, and a notification must not be lost: the delivery refuses the mail."""
    accepted = send(server, subject, ann.address)
    server.command.trace(accepted.queue_id, "ereject", "settled")
    assert not has(server, ann, subject)


def test_the_memory_of_mails_is_untouched_by_a_refusal(server: MailfoldServer, ann: Person) -> None:
    """A script that remembers the mail and refuses it is carried out by the delivery, which remembers."""
    mail = compose(SENDER, ann.address, subject="memory").data
    for _ in range(2):
        with server.smtp() as smtp:
            accepted = smtp.send(SENDER, [ann.address], mail)
        server.command.trace(accepted.queue_id, "settled")
    with server.imap(ann) as imap:
        imap.select("INBOX")
        assert len(imap.uids("SUBJECT", '"memory"')) == 1


def test_a_field_of_the_verdict_is_not_decided(server: MailfoldServer, ann: Person) -> None:
    accepted = send(server, "flagged", ann.address)
    server.command.trace(accepted.queue_id, "settled")
    assert has(server, ann, "flagged", "Ham")


def test_a_script_that_fails_refuses_nothing(server: MailfoldServer, ann: Person) -> None:
    accepted = send(server, "broken", ann.address)
    server.command.trace(accepted.queue_id, "settled")
    assert has(server, ann, "broken")


def test_a_second_recipient_has_the_mail_accepted(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    accepted = send(server, "rejected", ann.address, bob.address)
    server.command.trace(accepted.queue_id, "settled", "I take no mail like this.")
    assert has(server, bob, "rejected") and not has(server, ann, "rejected")


def test_a_user_is_told_by_a_report(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    with server.submissions(bob) as smtp:
        accepted = smtp.send(bob.address, [ann.address], compose(bob.address, ann.address, subject="rejected").data)
    server.command.trace(accepted.queue_id, "settled")
    assert not has(server, ann, "rejected")
    with server.imap(bob) as imap:
        until(lambda: imap.select() == 1, "the report")


def test_accounts_without_such_scripts_take_the_mail(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    put(server, bob.account, "rules", 'require "fileinto"; if header "subject" "rejected" { keep; }')
    accepted = send(server, "rejected", bob.address)
    server.command.trace(accepted.queue_id, "settled")
    assert has(server, bob, "rejected")


@pytest.fixture
def before(server: MailfoldServer) -> Iterator[str]:
    """The subject that a script of the server refuses for everybody, while the test runs."""
    subject = "refused by the operator"
    put(server, "server", "house rules", f'require "ereject"; if header "subject" "{subject}" {{ ereject "house"; }}',
        place="before")  # fmt: skip
    yield subject
    request = pb.ActivateScriptRequest(owner="server", name="", place="before")
    server.contracts.ask("mailstore", ScriptsStub, "ActivateScript", request)


def test_a_script_of_the_server_refuses_for_all(server: MailfoldServer, before: str) -> None:
    bob = server.people.person("bob")
    reply = until(lambda: refused(server, before, bob.address), "the script is known")
    assert reply is not None
    assert reply.lines[0].startswith("5.7.1 house (ref ")
    server.command.trace(reply.reference, "of the server", bob.address)
