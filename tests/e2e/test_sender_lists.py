"""Blocked and allowed senders and networks by command, and what SMTP and IMAP clients see of them."""

from __future__ import annotations

import itertools
import re
import socket
from pathlib import Path

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import FORGED, HONEST, SILENT

_numbers = itertools.count(1)
BLOCKED, ALLOWED = "USER_IN_BLACKLIST", "USER_IN_WHITELIST"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


@pytest.fixture
def spammers() -> str:
    """A domain of the test alone."""
    return f"spammers{next(_numbers)}.example"


def sent(server: MailfoldServer, sender: str, *people: Person, author: str = "") -> str:
    """Send a mail from another server; returns its message id."""
    mail = compose(author or sender, people[0].address)
    with server.smtp() as smtp:
        assert smtp.send(sender, [person.address for person in people], mail.data).queue_id
    return mail.message_id


def status(server: MailfoldServer, person: Person, message_id: str, mailbox: str = "INBOX") -> str:
    """The X-Spam-Status field of a mail in a mailbox, unfolded."""
    with server.imap(person) as imap:
        imap.wait_for(message_id, mailbox)
        imap.select(mailbox)
        text = imap.fetch(imap.find(message_id)[0]).decode()
    (field,) = re.findall(r"^X-Spam-Status: ((?:.|\r\n\t)*)", text, re.MULTILINE)
    return re.sub(r"\s+", " ", field)


def greeting(server: MailfoldServer, client: str) -> str:
    """What the server says to a client with this address when it connects."""
    with socket.create_connection(("127.0.0.1", server.port(25)), 30, source_address=(client, 0)) as connection:
        return connection.recv(1000).decode().strip()


def test_blocked_and_allowed_senders_of_the_server(server: MailfoldServer, ann: Person, spammers: str) -> None:
    server.command("block", "add", f"*.{spammers}", f"win-?*@{spammers}", f"offers@{SILENT}")
    server.command("allow", "add", f"boss@good.{spammers}", f"ceo@{FORGED}")
    until(lambda: BLOCKED in status_of_new(server, ann, f"bob@a.{spammers}"), "the list at the classifier")
    field = status(server, ann, sent(server, f"WIN-9@{spammers}", ann), "Spam")
    assert field.startswith("Yes, score=") and BLOCKED in field
    field = status(server, ann, sent(server, f"carl@{HONEST}", ann, author=f"Offers <offers@{SILENT}>"), "Spam")
    assert BLOCKED in field, "the author counts as the envelope does"
    field = status(server, ann, sent(server, f"boss@good.{spammers}", ann))
    assert field.startswith("No, score=-") and ALLOWED in field and BLOCKED not in field
    assert ALLOWED not in status(server, ann, sent(server, f"ceo@{FORGED}", ann)), "SPF fails for it"
    for sender in (f"win-@{spammers}", f"bob@{spammers}"):
        assert BLOCKED not in status(server, ann, sent(server, sender, ann))
    server.restart()
    first = sent(server, f"bob@a.{spammers}", ann)
    assert BLOCKED in status(server, ann, first, "Spam"), "the first mail after a start"
    server.command("block", "remove", f"*.{spammers}")
    line = f"*@*.{spammers} no longer blocked for all mail"
    until(lambda: line in server.command("events", "--type", "blocking.entries_removed"), "the event with its list")


def status_of_new(server: MailfoldServer, person: Person, sender: str) -> str:
    """The X-Spam-Status field of a new mail, wherever it is filed."""
    message_id = sent(server, sender, person)
    server.settled()
    with server.imap(person) as imap:
        imap.select("Spam")
        mailbox = "Spam" if imap.find(message_id) else "INBOX"
    return status(server, person, message_id, mailbox)


def test_an_account_blocks_for_its_own_mail(server: MailfoldServer, ann: Person) -> None:
    bob, carl = server.people.person("bob"), f"carl{next(_numbers)}@{HONEST}"
    server.command("--as", ann.user, "block", "add", carl, "--account", ann.address)
    with pytest.raises(CommandFailed, match="this needs an admin"):
        server.command("--as", ann.user, "block", "add", carl)
    with pytest.raises(CommandFailed, match="this needs an admin"):
        server.command("--as", ann.user, "block", "add", carl, "--account", bob.address)
    until(lambda: BLOCKED in status_of_new(server, ann, carl), "the list at the classifier")
    message_id = sent(server, carl, ann, bob)
    assert BLOCKED in status(server, ann, message_id, "Spam")
    assert BLOCKED not in status(server, bob, message_id)
    assert server.command.json("block", "list", "--account", ann.address) == [carl]
    server.command("block", "add", carl)
    server.command("block", "remove", carl, "--account", ann.address)
    server.command("allow", "add", carl, "--account", ann.address)
    until(lambda: ALLOWED in status_of_new(server, ann, carl), "the own list counts before that of the server")
    server.command("block", "remove", carl)


def test_a_blocked_network_cannot_connect(server: MailfoldServer) -> None:
    server.command("block", "add", "127.0.0.9/29", "2001:db8:bad::/48")
    until(lambda: greeting(server, "127.0.0.9").startswith("554 5.7.1 "), "the network at the ingress")
    refusal = greeting(server, "127.0.0.15")
    reference = re.search(r"\(ref (\w+)\)", refusal)
    assert reference is not None
    until(lambda: "127.0.0.8/29 is blocked" in server.command.run("trace", reference[1]).output, "the event")
    assert greeting(server, "127.0.0.16").startswith("220 ")
    with pytest.raises(CommandFailed, match="networks are only blocked"):
        server.command("allow", "add", "127.0.0.9")
    server.command("block", "remove", "127.0.0.8/29", "2001:db8:bad::/48")
    until(lambda: greeting(server, "127.0.0.9").startswith("220 "), "the end of the block at the ingress")


def test_lists_are_imported_and_exported_as_text(
    server: MailfoldServer, ann: Person, spammers: str, tmp_path: Path
) -> None:
    file, account = tmp_path / "list.txt", ("--account", ann.address)
    file.write_text(f"# known\nBob@{spammers}\n\nnot an address@{spammers}\n*.{spammers} # all\n1.2.3.4/99\n")
    failed = server.command.run("block", "import", str(file), *account)
    assert failed.status == 1 and "line 4: " in failed.errors and "line 6: " in failed.errors
    assert server.command.json("block", "list", *account) == []
    many = [f"user{number}@{spammers}" for number in range(1_200)]
    file.write_text("\n".join([f"Bob@{spammers}", f"*.{spammers}", "198.51.100.0/24", *many]))
    assert "1203 pattern(s)" in server.command("block", "import", str(file), *account)
    exported = server.command("block", "export", *account)
    assert set(exported.split()) == {f"bob@{spammers}", f"*@*.{spammers}", "198.51.100.0/24", *many}
    file.write_text(exported)
    assert "0 pattern(s)" in server.command("block", "import", str(file), *account), "all of it is there already"
    refusal = server.command.run("allow", "add", f"bob@{spammers}", *account)
    assert refusal.status == 1 and "on the other list" in refusal.errors
