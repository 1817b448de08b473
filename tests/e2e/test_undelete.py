"""Mail that was expunged comes back by command, in a session that waits, and teaches the classifier nothing."""

from __future__ import annotations

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


def expunge(imap: Imap, uids: str) -> None:
    """Expunge messages of the selected mailbox."""
    imap.command(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)".encode())
    imap.command(b"EXPUNGE")


def lessons(server: MailfoldServer, person: Person) -> int:
    """How many lessons a person has taught."""
    events = server.command.json_lines("events", "--type", "lesson.learned")
    return sum(event["data"]["account"] == person.account for event in events)


def refusals(server: MailfoldServer) -> int:
    """How many refusals of rights the log has."""
    return len(server.command.json_lines("events", "--type", "right.refused"))


def test_expunged_mail_comes_back(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap, server.imap(ann) as waiting:
        for number in range(1, 4):
            data = compose(ann.address, ann.address, subject=f"removed {number}").data
            imap.append("INBOX", data, flags="\\Seen $Work")
        imap.select()
        expunge(imap, "1:2")
        assert waiting.select() == 1
        listed = server.command.json("mailbox", "deleted", ann.address, "INBOX", "--since", "1h")
        assert [(mail["uid"], mail["cause"], mail["subject"]) for mail in listed] == [
            (2, "expunged", "removed 2"),
            (1, "expunged", "removed 1"),
        ]
        assert all(ann.address in mail["author"] for mail in listed)
        (command,) = {mail["command"] for mail in listed}
        with waiting.idle() as idle:
            restored = server.command.json("mailbox", "restore", ann.address, "INBOX", "--uid", "2")
            assert restored == [{"mailbox": "INBOX", "messages": 1}]
            assert idle.wait_for(b"EXISTS") == b"* 2 EXISTS"
        assert waiting.uids("ALL") == [3, 4]
        assert waiting.flags(4) - {"\\Recent"} == {"\\Seen", "$Work"}
        assert b"Subject: removed 2" in waiting.fetch(4)
        assert server.command.json("mailbox", "restore", ann.address, "--command", command) == [
            {"mailbox": "INBOX", "messages": 1}
        ]
        assert server.command.json("mailbox", "restore", ann.address, "--all") == []
        imap.command(b"NOOP")
        assert imap.uids("ALL") == [3, 4, 5]
    until(lambda: "message.restored" in server.command("events", "--type", "message.restored"), "the log")


def test_mail_of_a_deleted_mailbox_and_of_spam(server: MailfoldServer) -> None:
    """The classifier follows events in order: when a later lesson is there, a restored message taught none."""
    ann, eve = server.people.people("ann", "eve")
    with server.imap(ann) as imap:
        imap.command(b"CREATE Old")
        for mailbox in ("Old", "Spam"):
            imap.append(mailbox, compose(ann.address, ann.address, subject=f"in {mailbox}").data)
        imap.command(b"DELETE Old")
        imap.select("Spam")
        expunge(imap, "1")
        own = ("--as", ann.user)
        causes = {
            mail["mailbox"]: mail["cause"] for mail in server.command.json(*own, "mailbox", "deleted", ann.address)
        }
        assert causes == {"Old": "deleted", "Spam": "expunged"}
        for words in (("deleted", ann.address), ("restore", ann.address, "--all")):
            with pytest.raises(CommandFailed, match="exit 1"):
                server.command("--as", eve.user, "mailbox", *words)
        restored = server.command.json(*own, "mailbox", "restore", ann.address, "--all")
        assert {entry["mailbox"]: entry["messages"] for entry in restored} == {"INBOX": 1, "Spam": 1}
        imap.append("Spam", compose(ann.address, ann.address, subject="another lesson").data)
        assert (imap.count("INBOX"), imap.count("Spam")) == (1, 2)
        until(lambda: lessons(server, ann) == 2, "the lessons of two messages that were put into Spam")


def test_owners_set_the_rules_of_their_own_mailboxes(server: MailfoldServer) -> None:
    ann, eve = server.people.people("ann", "eve")
    with server.imap(ann) as imap:
        imap.append("Trash", compose(ann.address, ann.address).data)
    own = ("--as", ann.user)
    assert server.command.json(*own, "mailbox", "expire", ann.address, "Trash", "9")["rule"] == "9"
    shown = server.command.json(*own, "mailbox", "expiry", ann.address)
    assert {"mailbox": "Trash", "rule": "9", "days": "9"}.items() <= shown[1].items()
    before = refusals(server)
    for words in (("expire", ann.address, "Trash", "1"), ("expiry", ann.address)):
        with pytest.raises(CommandFailed, match="exit 1"):
            server.command("--as", eve.user, "mailbox", *words)
    until(lambda: refusals(server) >= before + 2, "the refusals in the log")
    assert server.command.json("mailbox", "expiry", ann.address)[1]["rule"] == "9"


def test_what_says_nothing_is_refused(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    for words, text in (
        ((ann.address,), "which messages"),
        ((ann.address, "--all", "--uid", "4"), "name it"),
        ((ann.address, "INBOX", "--uid", "0"), "neither a UID"),
        ((ann.address, "INBOX", "--uid", "4,4:5"), "twice"),
        (("nobody@example.org", "--all"), "no account"),
    ):
        with pytest.raises(CommandFailed, match=text):
            server.command("mailbox", "restore", *words)
