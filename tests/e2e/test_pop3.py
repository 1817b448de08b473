"""Users read their mail with POP3, where the operator has allowed it."""

from __future__ import annotations

import itertools
import poplib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import PASSWORD, Person
from tests.harness.ports import POP3, POP3S
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

_numbers = itertools.count(1)
_SENDER = "eve@tests.example"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A user of this test alone, whose account may be read with POP3."""
    person = server.people.person(f"popular{next(_numbers)}")
    server.command("account", "pop3", person.address, "on")
    return person


@contextmanager
def opened(server: MailfoldServer, person: Person, password: str = PASSWORD) -> Iterator[poplib.POP3_SSL]:
    """A session that has logged in; without QUIT it is cut."""
    client = poplib.POP3_SSL("localhost", server.port(POP3S), context=server.tls(), timeout=60)
    try:
        client.user(person.address)
        client.pass_(password)
        yield client
    finally:
        client.close()


def send(server: MailfoldServer, person: Person, number: int) -> list[str]:
    """Send mails, and wait until all are in INBOX; returns their Message-IDs in the order of arrival."""
    mails = [compose(_SENDER, person.address) for _ in range(number)]
    for mail in mails:
        with server.smtp() as smtp:
            assert smtp.send(_SENDER, [person.address], mail.data).code == 250
        with server.imap(person) as imap:
            imap.wait_for(mail.message_id)
    return [mail.message_id for mail in mails]


def unique_ids(client: poplib.POP3_SSL) -> list[str]:
    return [line.decode().split()[1] for line in client.uidl()[1]]


def count(client: poplib.POP3_SSL) -> int:
    return client.stat()[0]


@pytest.mark.all_layouts
def test_mail_is_fetched_and_removed_and_can_be_restored(server: MailfoldServer, ann: Person) -> None:
    ids = send(server, ann, 2)
    with opened(server, ann) as client:
        before = unique_ids(client)
        lines = client.retr(1)[1]
        assert f"Message-ID: {ids[0]}".encode() in lines or f"Message-ID: <{ids[0]}>".encode() in lines
        octets = sum(len(line) + 2 for line in lines)
        assert client.list(1).split()[2] == str(octets).encode()
        client.dele(1)
    with opened(server, ann) as client:  # the first session ended without QUIT
        assert count(client) == 2
        client.dele(1)
        assert client.quit().startswith(b"+OK")
    with opened(server, ann) as client:
        assert unique_ids(client) == before[1:]
        client.quit()
    gone = server.command.json("mailbox", "deleted", ann.address, "--cause", "pop3")
    assert [(message["mailbox"], message["cause"]) for message in gone] == [("INBOX", "pop3")]
    server.command("mailbox", "restore", ann.address, "--cause", "pop3")
    with opened(server, ann) as client:
        assert sorted(unique_ids(client)) == sorted(before)
        client.quit()
    assert "by a POP3 client" in server.command("trace", ids[0])


def test_the_account_the_domain_and_the_server_decide(server: MailfoldServer) -> None:
    person = server.people.person(f"unpopular{next(_numbers)}")
    shown = server.command.json("account", "pop3", person.address)
    assert (shown["own"], shown["server"], shown["chosen"]) == ("", False, False)
    with pytest.raises(poplib.error_proto, match="may not be read with this protocol"), opened(server, person):
        pass
    with server.imap(person):
        pass
    assert server.command.json("account", "pop3", person.address, "on")["chosen"] is True
    with opened(server, person) as client:
        client.quit()
    assert server.command.json("account", "pop3", person.address, "default")["chosen"] is False
    with pytest.raises(poplib.error_proto, match="AUTH"), opened(server, person):
        pass
    with pytest.raises(poplib.error_proto, match="Wrong name or password"), opened(server, person, "wrong"):
        pass


def test_an_app_password_is_for_pop_or_not(server: MailfoldServer, ann: Person) -> None:
    add = ("app-password", "add", ann.user)
    made = {
        scope: server.command.json(*add, "--name", f"phone for {scope}", "--scope", scope)["password"]
        for scope in ("pop", "imap")
    }
    with opened(server, ann, made["pop"]) as client:
        client.quit()
    with pytest.raises(poplib.error_proto, match="Wrong name or password"), opened(server, ann, made["imap"]):
        pass


def test_in_clear_a_client_must_begin_with_stls(server: MailfoldServer, ann: Person) -> None:
    client = poplib.POP3("localhost", server.port(POP3), timeout=60)
    assert "STLS" in client.capa() and "USER" not in client.capa()
    with pytest.raises(poplib.error_proto, match="STLS"):
        client.user(ann.address)
    client.stls(server.tls())
    client.user(ann.address)
    client.pass_(ann.password)
    assert count(client) == 0  # type: ignore[arg-type]
    client.quit()


def test_numbers_stay_while_another_client_removes_and_receives(server: MailfoldServer, ann: Person) -> None:
    send(server, ann, 3)
    with opened(server, ann) as client:
        client.retr(1)
        with server.imap(ann) as imap:
            imap.select()
            imap.move("2", "Archive")
        send(server, ann, 1)
        assert count(client) == 3
        with pytest.raises(poplib.error_proto, match="message 2 is gone"):
            until(lambda: not client.retr(2), "the session to learn of it")
        client.retr(3)
        client.dele(2)
        client.dele(3)
        assert b"1 messages" in client.quit()
    with opened(server, ann) as client:
        assert count(client) == 2
        client.quit()


def test_a_session_ends_with_its_log_in(server: MailfoldServer, ann: Person) -> None:
    with opened(server, ann) as client:
        server.command("account", "disable", ann.address)
        with pytest.raises((OSError, poplib.error_proto, EOFError)):
            until(lambda: not client.noop(), "the end of the session")
    server.command("account", "enable", ann.address)
    with opened(server, ann) as client, server.imap(ann) as imap:
        server.command("account", "pop3", ann.address, "off")
        with pytest.raises((OSError, poplib.error_proto, EOFError)):
            until(lambda: not client.noop(), "the end of the session")
        imap.select()
    server.command("account", "pop3", ann.address, "on")
    with opened(server, ann) as client:
        client.quit()


def test_ids_of_a_former_server_are_brought_along(server: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    ids = send(server, ann, 3)
    former = tmp_path / "uidl.txt"
    former.write_text(f"old.1 <{ids[0].strip('<>')}>\nold.3 {ids[2].strip('<>')}\nold.9 <gone@example.net>\n")
    command = ("pop3", "uidl", "import", str(former), "--account", ann.address)
    assert server.command.json(*command) == {"lines": 3, "matched": 2, "given": 2, "left_over": 1}
    assert server.command.json(*command)["given"] == 0
    with opened(server, ann) as client:
        first, second, third = unique_ids(client)
        client.quit()
    assert (first, third) == ("old.1", "old.3") and second.startswith("e")
    with server.imap(ann) as imap:
        imap.select()
        imap.move("1", "Archive")
        imap.select("Archive")
        imap.move("1", "INBOX")
    with opened(server, ann) as client:
        assert unique_ids(client) == [second, "old.3", "old.1"]
        client.quit()
    server.command("verify")
    listed = server.command.json("pop3", "uidl", "list", ann.address)
    assert [message["unique_id"] for message in listed] == [second, "old.3", "old.1"]
    former.write_text(f"old.3 {ids[1].strip('<>')}\n")
    assert "another message" in server.command.run(*command).errors
