"""A script is applied to the mail of a mailbox and undone, while IMAP clients have it open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

SCRIPT = r"""require ["fileinto", "imap4flags", "mailbox", "copy", "vacation", "enotify"];
if header :contains "subject" "invoice" {
    addflag "\\Seen";
    fileinto :create "Money/Invoices";
} elsif header :contains "subject" "casino" {
    discard;
} elsif header :contains "subject" "watches" {
    fileinto "Spam";
} else {
    redirect :copy "away@elsewhere.example";
    notify "mailto:me@elsewhere.example";
}
"""
SUBJECTS = ("invoice 1", "casino", "hello", "invoice 2", "watches", "invoice 3")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A file with the script."""
    path = tmp_path / "sorting.sieve"
    path.write_text(SCRIPT)
    return path


def fill(imap: Imap, person: Person) -> None:
    """Put a message of each subject into INBOX."""
    for subject in SUBJECTS:
        imap.append("INBOX", compose("carl@honest.example", person.address, subject=subject).data)


def subjects(imap: Imap, mailbox: str) -> list[str]:
    """The subjects in a mailbox, which is selected afterwards."""
    imap.select(mailbox)
    headers = [imap.fetch(uid, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]") for uid in imap.uids("ALL")]
    return [header.decode().removeprefix("Subject: ").strip() for header in headers]


def applied(server: MailfoldServer, person: Person, *words: str) -> dict[str, Any]:
    """What an application did."""
    done: dict[str, Any] = server.command.json("sieve", "apply", person.address, *words)
    return done


def events_of(server: MailfoldServer, person: Person, kind: str) -> list[Any]:
    """What a script did to the mail of a person, by the log."""
    listed = server.command.json_lines("events", "--type", kind)
    return [event for event in listed if event["data"]["account"] == person.account and is_by_script(event["actor"])]


def is_by_script(actor: dict[str, str]) -> bool:
    return (actor["kind"], actor.get("credential")) == ("service", "sieve")


@pytest.mark.all_layouts
def test_open_clients_see_it_and_its_undo(server: MailfoldServer, script: Path) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap, server.imap(ann) as waiting:
        fill(imap, ann)
        assert waiting.select() == 6
        dry = applied(server, ann, "--file", str(script), "--dry-run")
        assert (dry["moved"], dry["discarded"], dry["filed"]) == (4, 1, {"Money/Invoices": 3, "Spam": 1, "Trash": 1})
        assert imap.count("INBOX") == 6
        with waiting.idle() as idle:
            done = applied(server, ann, "--file", str(script))
            idle.wait_for(b"EXPUNGE")
        assert (done["state"], done["examined"], done["moved"], done["discarded"]) == ("done", 6, 4, 1)
        assert done["left_out"] == {"notify": 1, "redirect": 1}
        waiting.command(b"NOOP")
        assert waiting.uids("ALL") == [3]
        assert subjects(imap, "Money/Invoices") == ["invoice 1", "invoice 2", "invoice 3"]
        assert all("\\Seen" in imap.flags(uid) for uid in imap.uids("ALL"))
        assert (subjects(imap, "Trash"), subjects(imap, "Spam")) == (["casino"], ["watches"])
        with waiting.idle() as idle:
            undone = server.command.json("sieve", "undo", done["id"])
            idle.wait_for(b"EXISTS")
        assert (undone["undone"]["moved_back"], undone["undone"]["mailboxes_removed"]) == (5, 2)
        assert sorted(subjects(imap, "INBOX")) == sorted(SUBJECTS)
        assert not any("\\Seen" in imap.flags(uid) for uid in imap.uids("ALL"))
        assert imap.connection.select('"Money/Invoices"')[0] == "NO"
        assert server.command.json("sieve", "undo", done["id"])["undone"] == undone["undone"]


def test_undo_skips_what_the_owner_did_since(server: MailfoldServer, script: Path) -> None:
    ann, eve = server.people.people("ann", "eve")
    own = ("--as", ann.user)
    server.command(*own, "sieve", "put", ann.address, "sorting", str(script))
    with server.imap(ann) as imap:
        fill(imap, ann)
        server.command(*own, "sieve", "apply", ann.address, "sorting")
        (listed,) = server.command.json(*own, "sieve", "applications", ann.address)
        assert (listed["script"], listed["state"], listed["moved"]) == ("sorting", "done", 4)
        imap.select("Money/Invoices")
        imap.move("1", "Archive")
        imap.store(2, r"+FLAGS (\Answered)")
        for words in (
            ("apply", ann.address, "sorting"),
            ("applications", ann.address),
            ("undo", listed["id"]),
        ):
            with pytest.raises(CommandFailed, match="exit 1"):
                server.command("--as", eve.user, "sieve", *words)
        undone = server.command.json(*own, "sieve", "undo", listed["id"])["undone"]
        assert (undone["moved_back"], undone["skipped"], undone["flags_restored"]) == (4, 1, 1)
        assert subjects(imap, "Archive") == ["invoice 1"]
        assert sorted(subjects(imap, "INBOX")) == sorted(SUBJECTS[1:])


def test_a_script_teaches_nothing(server: MailfoldServer, script: Path) -> None:
    """The classifier follows events in order: when a later lesson is there, the script's move taught none."""
    ann = server.people.person("ann")
    with server.imap(ann) as imap:
        fill(imap, ann)
        done = applied(server, ann, "--file", str(script))
        server.command("sieve", "undo", done["id"])
        imap.append("Spam", compose("carl@honest.example", ann.address, subject="a lesson").data)

        def lessons() -> list[Any]:
            events = server.command.json_lines("events", "--type", "lesson.learned")
            return [event for event in events if event["data"]["account"] == ann.account]

        assert len(until(lessons, "the lesson of the message that the owner put into Spam")) == 1


def test_the_log_tells_about_it(server: MailfoldServer, script: Path) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap:
        fill(imap, ann)
        done = applied(server, ann, "--file", str(script))
    until(lambda: events_of(server, ann, "script.application_ended"), "the end")
    assert len(events_of(server, ann, "message.moved")) == 3, "one for each kind of message"
    shown = server.command("events", "--type", "script")
    assert f"{done['id']}: a script that is not stored is applied to 6 messages in INBOX" in shown
    assert f"{done['id']}: done" in shown


def test_mistakes(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann")
    wrong = tmp_path / "wrong.sieve"
    wrong.write_text("keep;\nfileinto;\n")
    right = tmp_path / "right.sieve"
    right.write_text("keep;\n")
    with pytest.raises(CommandFailed, match="never had any mail"):
        server.command("sieve", "apply", ann.address, "--file", str(right))
    with server.imap(ann):
        pass
    for words, text in (
        (("apply", ann.address, "--file", str(wrong)), "line 2, column 1"),
        (("apply", ann.address, "missing"), "there is no script missing"),
        (("apply", ann.address, "--file", str(right), "--mailbox", "Nowhere"), "there is no mailbox Nowhere"),
        (("undo", "c0000"), "there is no application c0000"),
    ):
        with pytest.raises(CommandFailed, match="exit 1") as failure:
            server.command("sieve", *words)
        assert text in str(failure.value)
    with pytest.raises(CommandFailed, match="exit 2"):
        server.command("sieve", "apply", ann.address)
    assert "no script was applied" in server.command("sieve", "applications", ann.address)
