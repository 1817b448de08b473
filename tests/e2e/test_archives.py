"""Accounts are archived, read, exported, restored and deleted by command, and seen through SMTP and IMAP."""

from __future__ import annotations

import imaplib
import itertools
import json
import mailbox
import tarfile
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_numbers = itertools.count(1)


@pytest.fixture
def domain(server: MailfoldServer) -> str:
    """A domain of the test alone."""
    name = f"archives{next(_numbers)}.example"
    server.command("domain", "add", name, "--incoming")
    return name


@pytest.fixture
def ann(server: MailfoldServer, domain: str) -> Person:
    return server.people.person("ann", domain=domain)


def send(server: MailfoldServer, recipient: str, subject: str = "hello") -> tuple[str, str]:
    """The first line of the reply, and the Message-ID."""
    sent = compose(SENDER, recipient, subject=subject)
    with server.smtp() as smtp:
        return str(smtp.send(SENDER, [recipient], sent.data)), sent.message_id


def arrives(server: MailfoldServer, person: Person, subject: str = "hello") -> None:
    reply, message_id = send(server, person.address, subject)
    assert reply.startswith("250 ")
    with server.imap(person) as imap:
        imap.wait_for(message_id)


def bounces(server: MailfoldServer, address: str) -> None:
    """Wait until the ingress refuses an address; no message is sent, which could still reach the archive."""

    def is_refused() -> bool:
        smtp.expect(250, f"MAIL FROM:<{SENDER}>".encode())
        reply = smtp.command(f"RCPT TO:<{address}>".encode())
        smtp.expect(250, b"RSET")
        return str(reply).startswith("550 5.1.1 ")

    with server.smtp() as smtp:
        until(is_refused, f"the end of {address} at the ingress")


def until_caught(server: MailfoldServer, address: str, person: Person) -> None:
    """Send mail to an address until it reaches the person who has the catch-all."""
    sent: list[str] = []

    def look() -> bool:
        sent.append(send(server, address)[1])
        server.settled()
        return any(imap.find(message_id) for message_id in sent)

    with server.imap(person) as imap:
        imap.select()
        until(look, f"mail to {address} in the catch-all")


def test_an_archive_is_read_exported_and_restored(
    server: MailfoldServer, domain: str, ann: Person, tmp_path: Path
) -> None:
    arrives(server, ann, "first needle")
    with server.imap(ann) as imap:
        imap.append("Drafts", b"Subject: a draft\r\n\r\nFrom here on\r\nit is a draft\r\n", "(\\Draft)")
        imap.append("Archive", b"Subject: old\r\n\r\nneedle\r\n", "(\\Seen \\Flagged)")
        imap.select()
        (uid,) = imap.uids("ALL")
        kept = imap.fetch(uid)
    server.command("account", "quota", ann.address, "1G", "--messages", "70")
    server.command("account", "size", ann.address, "100000")
    server.command("block", "add", "*@spam.example", "--account", ann.address)
    server.command("sieve", "put", ann.address, "main", "-", "--activate", text="# kept\n")
    refusal = server.command.run("account", "remove", ann.address)
    assert refusal.status == 2 and "--archive or --delete" in refusal.errors
    removed = server.command.json("account", "remove", ann.address, "--archive")
    assert (removed["id"], removed["state"]) == (ann.account, "archived")
    bounces(server, ann.address)
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(ann)
    assert ann.account in server.command("archive", "list")
    shown = server.command.json("archive", "show", ann.address)
    assert (shown["messages"], shown["mailboxes"]["INBOX"], shown["mailboxes"]["Drafts"]) == (3, 1, 1)
    (listed,) = server.command.json("archive", "open", ann.address)
    assert (listed["uid"], listed["from"], listed["subject"]) == (uid, SENDER, "first needle")
    assert server.command("archive", "open", ann.address, "--uid", str(uid)).encode() == kept.replace(b"\r\n", b"\n")
    matches = server.command.json("archive", "search", ann.address, "NEEDLE")
    assert [(message["mailbox"], message["subject"]) for message in matches] == [
        ("Archive", "old"),
        ("INBOX", "first needle"),
    ]
    assert len(server.command.json("archive", "search", ann.address, "needle", "--field", "Subject")) == 1
    exported(server, ann, tmp_path, kept)
    taken = server.command.run("account", "add", ann.address, "--user", ann.user)
    assert taken.status == 1 and f"mailfold archive show {ann.account}" in taken.errors
    restored = server.command.json("archive", "restore", ann.address)
    assert (restored["id"], restored["address"]) == (ann.account, ann.address)
    limits = server.command.json("account", "show", ann.address)
    assert (limits["quota_bytes"], limits["quota_messages"], limits["max_message_size"]) == (2**30, 70, 100_000)
    assert server.command.json("block", "list", "--account", ann.address) == ["*@spam.example"]
    assert server.command("sieve", "get", ann.address) == "# kept\n"
    with server.imap(ann) as imap:
        assert (imap.select(), imap.count("Drafts"), imap.count("Archive")) == (1, 1, 1)
        assert imap.fetch(uid) == kept
    until(lambda: send(server, ann.address)[0].startswith("250 "), "the restored address at the ingress")
    with server.submission(ann) as smtp:
        assert smtp.hello()["SIZE"] == "100000"
    with server.imap(ann) as imap:
        until(lambda: imap.select() == 2, "the mail after the restoration")
    until(
        lambda: len([line for line in readings(server) if ann.account in json.dumps(line)]) == 7,
        "every reading in the event log",
    )


def readings(server: MailfoldServer) -> list[object]:
    """The events that say who read an archive."""
    return server.command.json_lines("events", "--type", "account.archive_opened")


def exported(server: MailfoldServer, ann: Person, folder: Path, kept: bytes) -> None:
    """Every format can be read again by programs that are not ours."""
    for kind in ("mbox", "maildir", "eml"):
        words = ("archive", "export", ann.address, str(folder / kind), "--format", kind)
        assert server.command.json(*words) == {"messages": 3, "path": str(folder / kind)}
        again = server.command.run(*words)
        assert again.status == 2 and "is there already" in again.errors
    (drafts,) = mailbox.mbox(folder / "mbox" / "Drafts.mbox")
    assert (drafts["Subject"], drafts["X-Status"]) == ("a draft", "T")
    assert drafts.get_payload() == ">From here on\nit is a draft\n"
    maildir = mailbox.Maildir(folder / "maildir")
    assert sorted(maildir.list_folders()) == ["Archive", "Drafts"]
    (old,) = maildir.get_folder("Archive")
    assert (old["Subject"], old.get_flags()) == ("old", "FS")
    (key,) = maildir.keys()
    assert maildir.get_bytes(key) == kept.replace(b"\r\n", b"\n")
    with tarfile.open(folder / "eml") as tar:
        index = [json.loads(line) for line in tar.extractfile("index.jsonl") or ()]
        assert [(entry["mailbox"], entry["flags"]) for entry in index] == [
            ("Archive", ["\\Seen", "\\Flagged"]),
            ("Drafts", ["\\Draft"]),
            ("INBOX", []),
        ]
        file = tar.extractfile(index[2]["file"])
        assert file is not None and file.read() == kept


def test_what_is_deleted_is_gone_and_a_new_holder_inherits_nothing(
    server: MailfoldServer, domain: str, ann: Person
) -> None:
    bob = server.people.person("bob", domain=domain)
    info = f"info@{domain}"
    server.command("alias", "add", info, ann.address, bob.address)
    arrives(server, ann, "a secret of ann")
    arrives(server, bob)
    refusal = server.command.run("account", "remove", ann.address, "--delete")
    assert refusal.status == 2 and "--yes" in refusal.errors
    refusal = server.command.run("account", "remove", ann.address, "--delete", "--yes")
    assert refusal.status == 1 and f"the alias {info}" in refusal.errors
    removed = server.command.json("account", "remove", ann.address, "--delete", "--yes", "--references", "end")
    assert (removed["state"], removed["aliases"]) == ("erased", [info])
    assert server.command.json("alias", "show", info)["targets"] == [bob.address]
    bounces(server, ann.address)
    server.command("verify")
    server.command("account", "add", ann.address, "--user", ann.user)
    with server.imap(ann) as imap:
        assert imap.select() == 0
        assert {imap.count(name) for name in ("Sent", "Trash", "Drafts", "Archive")} == {0}
    until(lambda: send(server, info)[0].startswith("250 "), "the alias")
    server.settled()
    with server.imap(ann) as imap:
        assert imap.select() == 0
    with server.imap(bob) as imap:
        until(lambda: imap.select() >= 2, "the mail to the alias")
    server.command("verify")


def test_mail_to_an_archived_account_goes_to_the_catch_all(server: MailfoldServer, domain: str, ann: Person) -> None:
    bob = server.people.person("bob", domain=domain)
    server.command("domain", "set", domain, "catch_all", bob.address)
    archive = server.command.json("account", "remove", ann.address, "--archive")["id"]
    until_caught(server, ann.address, bob)  # every service knows the removal by then
    kept = server.command.json("archive", "show", archive)["messages"]
    reply, message_id = send(server, ann.address)
    assert reply.startswith("250 ")
    with server.imap(bob) as imap:
        imap.wait_for(message_id)
    assert server.command.json("archive", "show", archive)["messages"] == kept
    other = f"anna@{domain}"
    server.command("archive", "restore", archive, "--address", other)
    deleted = server.command.json("account", "remove", other, "--archive")
    assert deleted["id"] == archive
    assert server.command.json("archive", "delete", other, "--yes")["state"] == "erased"
    assert archive not in server.command("archive", "list")
