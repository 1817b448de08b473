"""Scripts that burn work, and mail made to be costly for scripts: others get their mail, and nothing is lost."""

from __future__ import annotations

import email
from email.message import Message

import pytest

from services.ingress.domain.header import MAX_FIELDS
from tests.harness.mails import RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_TEST = 'if body :raw :matches ["*a*b*c*d*e*!", "*f*g*h*i*j*!", "*k*l*m*n*o*!"] { stop; }\n'
BURNING = f'require ["body", "fileinto"];\n{_TEST * 8}fileinto "Archive";\n'
BODY = b"abcdefghijklmno pqrstuvwxyz 0123456789\r\n" * 12_000
"""Half a megabyte; each test of the script compares it several times."""


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


@pytest.fixture
def bob(server: MailfoldServer) -> Person:
    return server.people.person("bob")


def use(server: MailfoldServer, person: Person, script: str) -> None:
    server.command("sieve", "put", person.address, "main", "-", "--activate", text=script)


def receive(server: MailfoldServer, *people: Person, body: bytes = b"hello\r\n", header: bytes = b"") -> RenderedMail:
    """A mail of a stranger; `header` are lines on top of it."""
    sent = compose(SENDER, people[0].address, body=body)
    sent = RenderedMail(sent.message_id, header + sent.data)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address for person in people], sent.data).queue_id
    return sent


def copy(server: MailfoldServer, person: Person, sent: RenderedMail, mailbox: str = "INBOX") -> Message:
    server.settled()
    with server.imap(person) as imap:
        uid = imap.wait_for(sent.message_id, mailbox)
        return email.message_from_bytes(imap.fetch(uid))


def test_a_script_that_burns_work_delays_nobody_else(server: MailfoldServer, ann: Person, bob: Person) -> None:
    """Twenty mails of half a megabyte for a script that compares all of it again and again, and one for another."""
    use(server, ann, BURNING)
    burning = [receive(server, ann, body=BODY) for _ in range(20)]
    other = receive(server, bob)
    assert copy(server, bob, other)["Subject"] == "a test"
    for sent in burning:
        server.settled()
        with server.imap(ann) as imap:
            imap.select("INBOX")
            kept = imap.find(sent.message_id)
            imap.select("Archive")
            assert len(kept) + len(imap.find(sent.message_id)) == 1


def test_a_header_of_as_many_fields_as_are_accepted(server: MailfoldServer, ann: Person, bob: Person) -> None:
    """The script deletes them all and adds others; the other recipient gets the mail as it was."""
    script = 'require ["editheader", "index"]; if exists "X-Nothing" { discard; }'
    script += 'deleteheader "Y"; addheader "X-Seen" "yes"; addheader :last "X-End" "yes";'
    use(server, ann, script)
    number = MAX_FIELDS - 20
    sent = receive(server, ann, bob, header=b"Y:1\r\n" * number)
    edited, plain = copy(server, ann, sent), copy(server, bob, sent)
    assert len(plain.get_all("Y", [])) == number
    assert (edited["X-Seen"], edited["X-End"], edited["Y"]) == ("yes", "yes", None)
    assert edited["Message-ID"] == plain["Message-ID"] and edited.get_payload() == plain.get_payload()


def test_fields_that_a_script_adds_do_not_grow_the_plan(server: MailfoldServer, ann: Person) -> None:
    """Twenty copies, each with a megabyte of added fields, are messages of their own and no part of events."""
    big = "x" * 60_000
    script = 'require ["editheader", "fileinto", "mailbox"];\n' + f'addheader "X-Big" "{big}";\n' * 3
    script += "\n".join(f'fileinto :create "box{number}"; addheader "X-{number}" "1";' for number in range(20))
    use(server, ann, script)
    sent = receive(server, ann)
    message = copy(server, ann, sent, "box19")
    assert len(message.get_all("X-Big", [])) == 3 and message["X-18"] == "1"
    (line,) = server.command("events", "--type", "delivery.planned", "--limit", "1", "--json").splitlines()
    assert len(line) < 100_000


def test_one_mail_for_many_scripts(server: MailfoldServer) -> None:
    """Forty recipients with scripts, each of which files the mail and changes its copy."""
    names = [f"many{number}" for number in range(40)]
    people = server.people.people(*names)
    script = (
        'require ["fileinto", "editheader"]; deleteheader "Subject"; addheader :last "X-End" "1"; fileinto "Archive";'
    )
    for person in people:
        use(server, person, script)
    sent = receive(server, *people)
    for person in people:
        message = copy(server, person, sent, "Archive")
        assert (message["Subject"], message["X-End"]) == (None, "1")
