"""Scripts run for what clients do in mailboxes (RFC 6785), named by annotations (RFC 5464) that IMAP or the operator
sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap, No
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

pytestmark = pytest.mark.all_layouts

REQUIRE = 'require ["imapsieve", "environment", "imap4flags", "fileinto", "copy", "mailbox", "variables"];\n'
CAUSES = 'if environment :matches "imap.cause" "*" { set "cause" "${1}"; addflag "$${cause}"; }\n'
"""Marks a message with the causes of the runs."""


def script(server: MailfoldServer, folder: Path, owner: str, name: str, source: str) -> None:
    """Store a script."""
    file = folder / f"{name}.sieve"
    file.write_text(REQUIRE + source)
    server.command("sieve", "put", owner, name, str(file))


def annotate(imap: Imap, mailbox: str, name: str) -> None:
    """Let the annotation of a mailbox name a script."""
    imap.command(b'SETMETADATA "%b" (/shared/imapsieve/script "%b")' % (mailbox.encode(), name.encode()))


def keywords(imap: Imap, uid: int) -> set[str]:
    """The flags that a script has set."""
    imap.connection.noop()
    return {flag for flag in imap.flags(uid) if flag.startswith("$")}


def wait_for_keywords(imap: Imap, uid: int, *names: str) -> None:
    """Wait until a message of the selected mailbox has exactly these flags of a script."""
    until(lambda: keywords(imap, uid) == set(names), f"{names} on UID {uid}")


def runs(server: MailfoldServer, person: Person) -> list[Any]:
    """What the log says about the runs for an account."""
    listed = server.command.json_lines("events", "--type", "mailbox_script.ran")
    return [event for event in listed if event["data"]["account"] == person.account]


def test_append_copy_move_and_flags_run_the_script(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann")
    script(server, tmp_path, ann.address, "causes", CAUSES)
    with server.imap(ann) as imap:
        imap.append("INBOX", compose(ann.address, ann.address).data)  # no script yet
        for mailbox in ("Archive", "Drafts"):
            annotate(imap, mailbox, "causes")
        imap.append("Archive", compose(ann.address, ann.address).data)
        imap.select("Archive")
        wait_for_keywords(imap, 1, "$APPEND")
        imap.store(1, "+FLAGS (\\Seen)")
        wait_for_keywords(imap, 1, "$APPEND", "$FLAG")
        imap.select("INBOX")
        assert keywords(imap, 1) == set()
        imap.connection.uid("COPY", "1", "Archive")
        imap.move("1", "Drafts")
        imap.select("Archive")
        wait_for_keywords(imap, 2, "$COPY")
        imap.select("Drafts")
        wait_for_keywords(imap, 1, "$COPY")
        imap.fetch(1, "BODY[]")  # sets \Seen
        wait_for_keywords(imap, 1, "$COPY", "$FLAG")
    until(lambda: len(runs(server, ann)) == 5, "five runs, none for a flag that a script has set")


def test_what_is_filed_goes_with_the_next_expunge(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann")
    script(server, tmp_path, ann.address, "file", 'fileinto :create "Work/Done";')
    with server.imap(ann) as imap:
        server.command("mailbox", "annotate", ann.address, "/shared/imapsieve/script", "file", "--mailbox", "Archive")
        imap.append("Archive", compose(ann.address, ann.address).data)
        imap.select("Archive")
        until(lambda: imap.connection.noop() and "\\Deleted" in imap.flags(1), "the original marked \\Deleted")
        assert imap.count("Work/Done") == 1
        annotate(imap, "Work/Done", "file")  # by its own act a script runs no script
        imap.connection.expunge()
        assert (imap.count("Archive"), imap.count("Work/Done")) == (0, 1)


def test_the_default_of_the_server_and_an_entry_that_names_nothing(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann")
    script(server, tmp_path, ann.address, "causes", CAUSES)
    server.command("mailbox", "annotate", "server", "/shared/imapsieve/script", "causes")
    try:
        with server.imap(ann) as imap:
            annotate(imap, "Drafts", "missing")
            for mailbox in ("Drafts", "Archive"):
                imap.append(mailbox, compose(ann.address, ann.address).data)
            imap.select("Archive")
            wait_for_keywords(imap, 1, "$APPEND")
            imap.select("Drafts")
            until(lambda: len(runs(server, ann)) == 2, "both runs")
            assert keywords(imap, 1) == set()
    finally:
        server.command("mailbox", "annotate", "server", "/shared/imapsieve/script", "--remove")


def test_a_killed_server_repeats_nothing(server: MailfoldServer, tmp_path: Path) -> None:
    ann, bob = server.people.people("ann", "bob")
    mails = 60
    script(server, tmp_path, ann.address, "copy", f'fileinto :copy "Archive";\nredirect :copy "{bob.address}";')
    with server.imap(ann) as imap:
        for _ in range(mails):
            imap.append("INBOX", compose(ann.address, ann.address).data)
        annotate(imap, "Drafts", "copy")
        imap.select("INBOX")
        imap.move("1:*", "Drafts")
    with server.imap(bob) as imap:
        until(lambda: imap.count("INBOX") > 0, "the first redirected mail")
    server.kill()
    server.start()
    with server.imap(ann) as imap, server.imap(bob) as other:
        until(lambda: imap.count("Archive") >= mails, "all copies")
        until(lambda: other.count("INBOX") >= mails, "all redirected mails")
        server.settled()
        assert (imap.count("Archive"), imap.count("Drafts"), other.count("INBOX")) == (mails, mails, mails)


def test_the_command_line_and_owners(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    for person in (ann, bob):
        with server.imap(person) as imap:
            imap.select()
    server.command("mailbox", "annotate", ann.address, "/private/comment", "letters", "--mailbox", "INBOX")
    as_ann, as_bob = ("--as", ann.user), ("--as", bob.user)
    assert server.command.json(*as_ann, "mailbox", "annotations", ann.address, "--mailbox", "INBOX") == [
        {"entry": "/private/comment", "value": "letters"}
    ]
    notes = ("/private/comment", "notes", "--mailbox", "INBOX")
    assert server.command.json(*as_ann, "mailbox", "annotate", ann.address, *notes)["changed"]
    assert not server.command.json("mailbox", "annotate", ann.address, *notes)["changed"]
    with server.imap(ann) as imap:
        imap.command(b"GETMETADATA INBOX /private/comment")
        with pytest.raises(No, match="NOPERM"):
            imap.command(b'SETMETADATA "" (/shared/comment "x")')
    for acting, words, text in (
        (as_bob, ("annotations", ann.address, "--mailbox", "INBOX"), "needs an admin"),
        (as_bob, ("annotate", ann.address, "/private/comment", "x"), "needs an admin"),
        (as_ann, ("annotate", "server", "/shared/comment", "x"), "needs an admin"),
        ((), ("annotate", ann.address, "/private/comment", "--mailbox", "Nowhere"), "no mailbox"),
        ((), ("annotate", ann.address, "comment", "x"), "begins with"),
        ((), ("annotate", ann.address, "/private/comment", "x", "--remove"), "no value"),
        ((), ("annotations", "nobody@example.org"), "no account"),
    ):
        with pytest.raises(CommandFailed, match=text):
            server.command(*acting, "mailbox", *words)


def test_another_session_hears_of_changes(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap, server.imap(ann) as waiting:
        waiting.command(b"ENABLE METADATA")
        waiting.select()
        with waiting.idle() as idle:
            server.command("mailbox", "annotate", ann.address, "/private/comment", "x", "--mailbox", "Drafts")
            assert idle.wait_for(b"METADATA").strip() == b'* METADATA "Drafts" /private/comment'
        imap.command(b'SETMETADATA INBOX (/private/comment "x" /shared/comment "y")')
        until(
            lambda: (
                waiting.connection.noop()
                and waiting.responses("METADATA") == [b'"INBOX" /private/comment /shared/comment']
            ),
            "METADATA of the other session",
        )
