"""The journal of an account: log-ins, who read its mail, and what others than the owner did, by command."""

from __future__ import annotations

import poplib
from collections import Counter
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import POP3S
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


def journal(server: MailfoldServer, person: Person, *words: str) -> list[Any]:
    entries: list[Any] = server.command.json("journal", "--account", person.address, *words)
    return entries


def test_the_owner_sees_log_ins_reads_and_changes_of_others(server: MailfoldServer) -> None:
    ann, bob = server.people.person("ann"), server.people.person("bob")
    with server.imap(ann) as imap:
        for number in range(3):
            imap.append("INBOX", compose(ann.address, ann.address, subject=f"secret {number}").data)
        imap.select()
        for _ in range(2):
            imap.connection.fetch("1:*", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            imap.connection.fetch("1:*", "(BODY.PEEK[])")
        imap.command(b"STORE 1:2 +FLAGS (\\Deleted)")
        imap.command(b"EXPUNGE")
    assert server.command.json("mailbox", "restore", ann.address, "INBOX", "--uid", "1")
    server.command("verify")
    server.restart()  # what is counted is written at a stop at the latest
    until(lambda: {"log-in", "read", "change"} <= {entry["kind"] for entry in journal(server, ann)}, "the journal")
    entries = journal(server, ann)
    assert Counter(entry["kind"] for entry in entries)["read"] == 1
    (read,) = journal(server, ann, "--kind", "read")
    assert (read["who"], read["protocol"], read["mailbox"], read["count"]) == (ann.user, "imap", "INBOX", 6)
    assert read["address"] == "127.0.0.1"
    changes = [(entry["who"], entry["type"]) for entry in entries if entry["kind"] == "change"]
    assert ("operator", "message.restored") in changes
    assert all(who == "operator" for who, _ in changes)
    (log_in,) = journal(server, ann, "--kind", "log-in")
    assert (log_in["who"], log_in["protocol"], log_in["address"]) == (ann.user, "imap", "127.0.0.1")
    assert "secret" not in str(entries)
    assert journal(server, ann, "--until", "1d") == []
    assert journal(server, ann, "--limit", "1") == entries[:1]
    as_ann = server.command.json("--as", ann.user, "journal", "--account", ann.address)
    assert [entry["id"] for entry in as_ann] == [entry["id"] for entry in entries]
    with pytest.raises(CommandFailed):
        server.command("--as", bob.user, "journal", "--account", ann.address)


def test_bodies_read_with_pop3_and_through_urls_count(server: MailfoldServer) -> None:
    """RETR and TOP with lines, and the URLs of CATENATE; headers alone do not."""
    ann = server.people.person("ann")
    server.command("account", "pop3", ann.address, "on")
    with server.imap(ann) as imap:
        for number in range(3):
            imap.append("INBOX", compose(ann.address, ann.address, subject=f"secret {number}").data)
        urls = b"URL /INBOX/;UID=1/;section=HEADER URL /INBOX/;UID=1/;section=TEXT URL /INBOX/;UID=2"
        imap.command(b"APPEND Drafts CATENATE (" + urls + b")")
    client = poplib.POP3_SSL("localhost", server.port(POP3S), context=server.tls(), timeout=60)
    client.user(ann.address)
    client.pass_(ann.password)
    for number in range(1, 4):
        client.top(number, 0)
        client.retr(number)
    client.top(1, 1)
    client.quit()
    server.restart()

    def counts() -> dict[str, int]:
        return {entry["protocol"]: entry["count"] for entry in journal(server, ann, "--kind", "read")}

    until(lambda: counts() == {"imap": 2, "pop3": 4}, "what was read")
    assert {entry["mailbox"] for entry in journal(server, ann, "--kind", "read")} == {"INBOX"}
