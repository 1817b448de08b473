"""Strangers and owners who want a script to write other people's headers, go round for ever, or send without end."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from email.message import Message

import pytest

from tests.harness.mails import RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE, FORGED

ECHO = """
require ["vacation", "variables", "vacation-seconds"];
if header :matches "subject" "*" { set "s" "${1}"; }
vacation :seconds 0 :subject "Re: ${s}" "You wrote: ${s}";
"""
Scripted = Callable[[str, str], Person]


@pytest.fixture
def scripted(server: MailfoldServer) -> Scripted:
    """`scripted("ann", script)`: an account of its own with a script that works."""

    def make(name: str, script: str) -> Person:
        person = server.people.person(name)
        give(server, person, script)
        return person

    return make


def give(server: MailfoldServer, person: Person, script: str) -> None:
    server.command("sieve", "put", person.address, "main", "-", "--activate", text=script)


def submit(server: MailfoldServer, author: Person, to: Person, **how: object) -> RenderedMail:
    """A mail of a user here to another one."""
    sent = compose(author.address, to.address, **how)  # type: ignore[arg-type]
    with server.submissions(author) as smtp:
        assert str(smtp.send(author.address, [to.address], sent.data)).startswith("250 ")
    return sent


def receive(server: MailfoldServer, sender: str, to: Person, **how: object) -> RenderedMail:
    """A mail of a stranger."""
    sent = compose(sender or f"postmaster@{ELSEWHERE}", to.address, **how)  # type: ignore[arg-type]
    with server.smtp() as smtp:
        assert str(smtp.send(sender, [to.address], sent.data)).startswith("250 ")
    return sent


def inbox(server: MailfoldServer, person: Person) -> list[Message]:
    """What is in INBOX once every mail is settled; what a settled mail has caused is settled as well."""
    for _ in range(3):
        server.settled()
    with server.imap(person) as imap:
        imap.select()
        octets = [imap.fetch(uid) for uid in imap.uids("ALL")]
    return [email.message_from_bytes(data, policy=email.policy.compat32) for data in octets]


def response(server: MailfoldServer, author: Person, subject: str, number: int) -> Message:
    """The response with this number that the author has got."""
    until(lambda: len(inbox(server, author)) >= number, f"response {number} to {subject[:40]!r}")
    return inbox(server, author)[number - 1]


HOSTILE = [
    "=?utf-8?q?a=0D=0ABcc:_all=40example.net=0D=0A=0D=0Abody?=",
    "=?utf-8?q?nul=00and=0Band=7F?=",
    "=?utf-8?b?" + "4oCu4oCu4oCu" * 20 + "?=",
    "x" * 900,
    "=?utf-8?q?" + "=C3=A9" * 200 + "?=",
    '=?x-unknown?q?=FF=FE?= \\" <>,;:',
]


def test_no_subject_of_a_stranger_leaves_its_field(server: MailfoldServer, scripted: Scripted) -> None:
    ann, bob = scripted("ann", ECHO), server.people.person("bob")
    for number, subject in enumerate(HOSTILE, 1):
        submit(server, bob, ann, subject=subject)
        answer = response(server, bob, subject, number)
        assert answer["Bcc"] is None and len(answer.get_all("Subject", [])) == 1
        assert answer["Auto-Submitted"] == "auto-replied"
        assert answer.get_content_type() == "text/plain" and "You wrote:" in str(answer.get_payload(decode=True))


def test_thousands_of_references_become_a_few(server: MailfoldServer, scripted: Scripted) -> None:
    ann, bob = scripted("ann", ECHO), server.people.person("bob")
    ids = b"\r\n ".join(b"<%d@example.net>" % number for number in range(5000))
    submit(server, bob, ann, fields=(b"References: " + ids,))
    answer = response(server, bob, "", 1)
    assert len(str(answer["References"]).split()) <= 20


def test_two_absent_people_answer_each_other_once(server: MailfoldServer, scripted: Scripted) -> None:
    away = 'require ["vacation", "vacation-seconds"]; vacation :seconds 0 "I am away.";'
    ann, bob = scripted("ann", away), scripted("bob", away)
    submit(server, bob, ann)
    assert len(inbox(server, bob)) == 1 and len(inbox(server, ann)) == 1


def test_redirects_in_a_circle_leave_the_mail_once(server: MailfoldServer, scripted: Scripted) -> None:
    ann, bob = scripted("ann", "keep;"), scripted("bob", "keep;")
    give(server, ann, f'redirect "{bob.address}";')
    give(server, bob, f'redirect "{ann.address}";')
    sent = receive(server, f"eve@{ELSEWHERE}", ann)
    copies = [mail for person in (ann, bob) for mail in inbox(server, person)]
    assert [mail["Message-ID"] for mail in copies] == [f"<{sent.message_id}>"]


def test_a_redirect_to_an_alias_of_oneself_keeps_the_mail_once(server: MailfoldServer, scripted: Scripted) -> None:
    ann = scripted("ann", "keep;")
    alias = server.people.alias("mirror", ann.address)
    give(server, ann, f'redirect "{alias}"; redirect "{ann.address}";')
    receive(server, f"eve@{ELSEWHERE}", ann)
    assert len(inbox(server, ann)) == 1


def test_a_notification_about_a_notification_ends(server: MailfoldServer, scripted: Scripted) -> None:
    ann, bob = scripted("ann", "keep;"), scripted("bob", "keep;")
    give(server, ann, f'require "enotify"; notify "mailto:{bob.address}";')
    give(server, bob, f'require "enotify"; notify "mailto:{ann.address}";')
    receive(server, f"eve@{ELSEWHERE}", ann)
    assert len(inbox(server, bob)) == 1 and len(inbox(server, ann)) == 1


def test_a_mark_that_a_stranger_has_forged_keeps_the_mail(server: MailfoldServer, scripted: Scripted) -> None:
    ann = scripted("ann", f'redirect "zoe@{ELSEWHERE}";')
    mark = b"X-Sieve-Redirected-From: " + ann.address.encode()
    sent = receive(server, f"eve@{ELSEWHERE}", ann, fields=(mark,))
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)


@pytest.mark.parametrize("sender", ["", f"mallory@{FORGED}", f"eve@{ELSEWHERE}"])
def test_a_flood_of_refused_mail_reaches_nobody_and_the_owner_is_told_once(
    server: MailfoldServer, scripted: Scripted, sender: str
) -> None:
    ann = scripted("ann", 'require ["reject", "spamtest"]; if not spamtest "99" { reject "No."; }')
    for _ in range(5):
        receive(server, sender, ann)
    mails = inbox(server, ann)
    notices = [mail for mail in mails if mail["Auto-Submitted"] == "auto-generated"]
    with server.imap(ann) as imap:
        kept = len(mails) - len(notices) + imap.count("Spam")
    assert (kept, len(notices)) == (5, 1)
    queued = {entry.recipient for entry in server.contracts.queue()}
    assert not {f"mallory@{FORGED}", f"eve@{ELSEWHERE}"} & queued
