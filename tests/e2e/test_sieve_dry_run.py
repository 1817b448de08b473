"""What a Sieve script would do, before it does it: over one message, and over the mail of the last days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

SENDER = "bob@honest.example"
FILES = (
    'require ["fileinto", "mailbox"];\n'
    'if header :contains "subject" "invoice" {\n'
    '  fileinto :create "Bills";\n'
    '} elsif header :contains "subject" "robot" {\n'
    "  discard;\n"
    "}\n"
)


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A file with a script."""
    path = tmp_path / "new.sieve"
    path.write_text(FILES)
    return str(path)


def send(server: MailfoldServer, to: str, subject: str, *others: str) -> str:
    """Send a mail from outside; returns its queue id."""
    with server.smtp() as smtp:
        return smtp.send(SENDER, [to, *others], compose(SENDER, to, subject=subject).data).queue_id


def delivered(server: MailfoldServer, *queue_ids: str) -> None:
    """Wait until mails are delivered, and the event log has all their events."""
    for queue_id in queue_ids:
        server.command.trace(queue_id, "delivery done")


def what_if(server: MailfoldServer, *words: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The mails that would go elsewhere, and the totals."""
    *entries, totals = server.command.json_lines("sieve", "what-if", *words)
    return [entry for entry in entries if "queue_id" in entry], totals


@contextmanager
def active(server: MailfoldServer, owner: str, source: str, *place: str) -> Iterator[None]:
    """A script that runs over mail in the block."""
    server.command("sieve", "put", owner, "dry", "-", "--activate" if not place else place[0], text=source)
    try:
        yield
    finally:
        server.command("sieve", "deactivate", owner, *place)


@pytest.mark.all_layouts
def test_mail_that_would_go_elsewhere_is_named(server: MailfoldServer, script: str) -> None:
    ann = server.people.person("ann")
    queue_ids = [send(server, ann.address, subject) for subject in ("invoice 7", "hello", "a robot", "invoice 8")]
    delivered(server, *queue_ids)
    with server.imap(ann) as imap:
        imap.select()
        (moved,) = imap.uids('SUBJECT "invoice 8"')
        imap.command(f'UID MOVE {moved} "Trash"'.encode())
    entries, last = what_if(server, ann.address, script, "--days", "1")
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    entries.sort(key=lambda entry: queue_ids.index(entry["queue_id"]))  # they were delivered at once
    assert [(e["queue_id"], e["was"], e["would_be"], e["line"], e["moved"]) for e in entries] == [
        (queue_ids[0], ["INBOX"], ["Bills (new)"], 3, False),
        (queue_ids[2], ["INBOX"], [], 5, False),
        (queue_ids[3], ["INBOX"], ["Bills (new)"], 3, True),
    ]
    assert (entries[0]["author"], entries[0]["subject"]) == (SENDER, "invoice 7")
    totals = last["totals"]
    assert (totals["mails"], totals["elsewhere"], totals["discarded"], last["complete"]) == (4, 3, 1, True)
    text = server.command("sieve", "what-if", ann.address, script, "--limit", "2")
    assert "INBOX → Bills (new)" in text and "… and 1 more, see --limit" in text
    assert "4 mails since" in text and "3 would go elsewhere" in text
    with server.imap(ann) as imap:
        assert imap.select() == 3, "nothing was done"


def test_what_the_scripts_of_today_have_discarded_is_seen_too(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann")
    keep = tmp_path / "keep.sieve"
    keep.write_text("keep;\n")
    with active(server, ann.address, FILES):
        for subject in ("invoice 1", "a robot"):
            discarded = send(server, ann.address, subject)
            delivered(server, discarded)
        entries, _ = what_if(server, ann.address, str(keep))
        assert [(e["was"], e["would_be"], e["rule"]) for e in entries] == [
            (["Bills"], ["INBOX"], 'script "keep.sieve" line 1: keep'),
            ([], ["INBOX"], 'script "keep.sieve" line 1: keep'),
        ]
        assert entries[1]["queue_id"] == discarded
        same, totals = what_if(server, ann.address, str(keep), "--compare-active")
        assert [(e["was"], e["would_be"]) for e in same] == [(["Bills"], ["INBOX"]), ([], ["INBOX"])]
        assert totals["totals"]["mails"] == 2


def test_the_script_that_ran_would_change_nothing(server: MailfoldServer, tmp_path: Path) -> None:
    """What a trial decides is what delivery did, for each kind of action."""
    ann, eve, gus = server.people.people("ann", "eve", "gus")
    source = "\n".join(
        (
            'require ["fileinto", "mailbox", "copy", "reject", "imap4flags", "special-use", "vacation", "editheader"];',
            'if header "subject" "new" { fileinto :create "Made"; }',
            'elsif header "subject" "copy" { fileinto :copy :flags "\\\\Seen" "Trash"; }',
            'elsif header "subject" "use" { fileinto :specialuse "\\\\Junk" "X"; }',
            'elsif header "subject" "none" { discard; }',
            'elsif header "subject" "away" { redirect "bob@elsewhere.example"; }',
            f'elsif header "subject" "here" {{ redirect :copy "{eve.address}"; }}',
            f'elsif header "subject" "self" {{ redirect "{ann.address}"; }}',
            'elsif header "subject" "no" { reject "no"; }',
            'elsif header "subject" "error" { fileinto "Missing"; }',
            'elsif header "subject" "edit" { addheader "X-A" "1"; }',
            'else { vacation "away"; }',
        )
    )
    script = tmp_path / "same.sieve"
    script.write_text(source)
    subjects = ("new", "copy", "use", "none", "away", "here", "self", "no", "error", "edit", "other", "other")
    with active(server, ann.address, source):
        # A mail with another recipient is not refused in the dialogue.
        delivered(server, *[send(server, ann.address, subject, gus.address) for subject in subjects])
        for words in ((), ("--compare-active",)):
            entries, last = what_if(server, ann.address, str(script), *words)
            assert [(e["subject"], e["was"], e["would_be"], e["rule"]) for e in entries] == []
            totals = last["totals"]
            assert totals["mails"] >= len(subjects), "there may be a notice about the error"
            assert (totals["elsewhere"], totals["gone"]) == (0, 0)
            assert (totals["failed"], totals["discarded"], totals["answered"]) == (1, 1, 1)
            assert totals["redirected"] == 2


def test_the_owner_may_ask_and_nobody_else(server: MailfoldServer, script: str) -> None:
    ann, eve = server.people.people("ann", "eve")
    queue_id = send(server, ann.address, "invoice")
    delivered(server, queue_id)
    *entries, _ = server.command.json_lines("--as", ann.user, "sieve", "what-if", ann.address, script)
    assert [entry["queue_id"] for entry in entries] == [queue_id]
    words = ("sieve", "test", script, "--account", ann.address, "--message-of", queue_id)
    assert "file into Bills" in server.command("--as", ann.user, *words)
    for refused in (words, ("sieve", "what-if", ann.address, script)):
        with pytest.raises(CommandFailed, match="exit 1"):
            server.command("--as", eve.user, *refused)


def test_a_message_is_tried_with_what_the_server_knows(server: MailfoldServer, tmp_path: Path, script: str) -> None:
    ann = server.people.person("ann")
    alias = server.people.alias(f"{ann.user}-also", ann.address)
    message = tmp_path / "message.eml"
    message.write_bytes(compose(SENDER, alias, subject="for you").data)
    source = (
        'require ["mailbox", "vacation", "fileinto"];\nif mailboxexists "Trash" { vacation "I am away"; }\n'
        'if mailboxexists "Nowhere" { discard; }\n'
    )
    Path(script).write_text(source)
    words = ("sieve", "test", script, str(message), "--account", ann.address, "--from", SENDER)
    text = server.command(*words)
    assert 'line 2: mailboxexists "Trash" … true' in text and 'line 3: mailboxexists "Nowhere" … false' in text
    assert f"answer {SENDER}: " in text and "store in INBOX" in text
    with active(server, "server", 'if header :is "subject" "for you" { discard; }', "--before"):
        lines = server.command.json_lines(*words)
        assert lines[-1]["would"] == ['discard (line 1), by script "dry" of the server']
    Path(script).write_text("frob;\n")
    done = server.command.run(*words)
    assert done.status == 1 and done.output.splitlines()[1:] == ["    frob;", "    ^"]


def test_a_mail_is_tried_again_by_its_queue_id(server: MailfoldServer, script: str) -> None:
    ann, eve = server.people.people("ann", "eve")
    queue_id = send(server, ann.address, "invoice 9")
    delivered(server, queue_id)
    Path(script).write_text(f'require "envelope"; if envelope "from" "{SENDER}" {{ discard; }}')
    words = ("sieve", "test", script, "--message-of", queue_id, "--account")
    assert server.command(*words, ann.address).splitlines()[-1] == "  discard (line 1)"
    assert "store in INBOX" in server.command(*words, ann.address, "--from", "eve@example.com")
    with pytest.raises(CommandFailed, match="has got no mail"):
        server.command(*words, eve.address)


def test_words_that_do_not_fit_are_refused(server: MailfoldServer, script: str) -> None:
    ann: Person = server.people.person("ann")
    for words, complaint in (
        (("sieve", "test", script), "which message"),
        (("sieve", "test", script, "--message-of", "q1"), "needs --account"),
        (("sieve", "test", script, script, "--account", ann.address, "--mailbox", "A"), "leave them out"),
        (("sieve", "test", script, "--message-of", "no id", "--account", ann.address), "is not a queue id"),
        (("sieve", "what-if", ann.address, script, "--days", "0"), "less than 1"),
    ):
        done = server.command.run(*words)
        assert done.status == 2 and complaint in done.errors
    assert server.command.run("sieve", "what-if", "nobody@example.org", script).status == 1
