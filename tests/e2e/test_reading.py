"""IMAP sessions see each other's changes and are notified of new mail at once."""

from __future__ import annotations

import imaplib

import pytest

from tests.harness.imap import No
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

pytestmark = pytest.mark.all_layouts

SENDER = f"carl@{HONEST}"
SPECIAL = {"Drafts": "\\Drafts", "Sent": "\\Sent", "Spam": "\\Junk", "Trash": "\\Trash", "Archive": "\\Archive"}


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The user who reads."""
    return server.people.person("ann")


def send(server: MailfoldServer, person: Person) -> str:
    """Send a mail from outside; returns its Message-ID."""
    sent = compose(SENDER, person.address)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address], sent.data).queue_id
    return sent.message_id


def test_a_wrong_password_opens_nothing(server: MailfoldServer, ann: Person) -> None:
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(Person(ann.user, ann.address, ann.account, "wrong"))


def test_default_mailboxes_have_their_uses(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        _, lines = imap.connection.list()
    reported = b"\n".join(line for line in lines if isinstance(line, bytes)).decode()
    for name, use in SPECIAL.items():
        (line,) = [result for result in reported.splitlines() if result.rpartition(" ")[2].strip('"') == name]
        assert use in line, line


def test_idle_reports_new_mail(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        imap.select()
        with imap.idle() as idle:
            message_id = send(server, ann)
            assert idle.wait_for(b"EXISTS") == b"* 1 EXISTS"
        assert imap.find(message_id)


def test_two_sessions_see_each_others_changes(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as first, server.imap(ann) as second:
        for number in range(3):
            first.append("INBOX", compose(SENDER, ann.address, subject=f"number {number}").data)
        assert first.select() == second.select() == 3
        first.store(2, "+FLAGS (\\Flagged)")
        until(lambda: "\\Flagged" in (second.connection.noop() and second.flags(2)), "the flag in the other session")
        with second.idle() as idle:
            first.store(2, "+FLAGS (\\Deleted)")
            assert b"\\Deleted" in idle.wait_for(b"FETCH")
            first.command(b"UID EXPUNGE 2")
            assert idle.wait_for(b"EXPUNGE") == b"* 2 EXPUNGE"
        assert second.uids("ALL") == first.uids("ALL") == [1, 3]


def test_flags_survive_a_move_and_uids_are_reported(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        imap.append("INBOX", compose(SENDER, ann.address).data, "(\\Seen $Label1)")
        imap.select()
        imap.move("1", "Archive")
        assert (imap.count("INBOX"), imap.select("Archive")) == (0, 1)
        assert {"\\Seen", "$Label1"} <= imap.flags(imap.uids("ALL")[0])


def test_mailboxes_are_made_renamed_and_deleted(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        imap.command(b'CREATE "Work/Projects"')
        imap.append("Work/Projects", compose(SENDER, ann.address).data)
        imap.command(b'RENAME "Work" "Play"')
        assert imap.count("Play/Projects") == 1
        imap.command(b'DELETE "Play/Projects"')
        with pytest.raises(No):
            imap.count("Play/Projects")


def test_search_means_substring_in_any_language(server: MailfoldServer, ann: Person) -> None:
    with server.imap(ann) as imap:
        body = "Füße und Übermut: ein Überfluß.\r\n".encode()
        fields = (b"MIME-Version: 1.0", b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit")
        imap.append("INBOX", compose(SENDER, ann.address, body=body, fields=fields).data)
        imap.append("INBOX", compose(SENDER, ann.address, subject="other").data)
        imap.select()
        assert imap.uids_of_text("BODY", "bermut") == [1]
        assert imap.uids_of_text("TEXT", "Füß") == [1]
        assert imap.uids("SUBJECT", "other") == [2]
