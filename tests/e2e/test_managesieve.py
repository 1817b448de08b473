"""Users manage their scripts with ManageSieve, and mail is filed by what they stored."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tests.e2e.test_groups import Team as Team
from tests.e2e.test_groups import team as team
from tests.harness.mails import compose
from tests.harness.managesieve import ManageSieve
from tests.harness.people import Person
from tests.harness.ports import MANAGESIEVE
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

_numbers = itertools.count(1)
_SENDER = "eve@tests.example"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A user of this test alone."""
    return server.people.person(f"rules{next(_numbers)}")


def filing(mailbox: str) -> bytes:
    return f'require "fileinto";\nfileinto "{mailbox}";\n'.encode()


def filed(server: MailfoldServer, person: Person, mailbox: str) -> None:
    """Send a mail, which must come into this mailbox."""
    mail = compose(_SENDER, person.address)
    with server.smtp() as smtp:
        assert smtp.send(_SENDER, [person.address], mail.data).code == 250
    with server.imap(person) as imap:
        imap.wait_for(mail.message_id, mailbox)


@pytest.mark.all_layouts
def test_mail_is_filed_by_what_was_uploaded_last(server: MailfoldServer, ann: Person) -> None:
    with server.managesieve(ann) as sieve:
        assert sieve.put("rules", filing("Archive")) == b'OK "The script is stored"'
        filed(server, ann, "INBOX")
        sieve.ok('SETACTIVE "rules"')
        filed(server, ann, "Archive")
        assert sieve.put("rules", filing("Trash")) == b'OK "The script is stored"'
        filed(server, ann, "Trash")
        assert sieve.put("rules", b"keep;\nfrobnicate;").startswith(b'NO "line 2, column 1:')
        filed(server, ann, "Trash")
        sieve.ok('SETACTIVE ""')
        filed(server, ann, "INBOX")


def test_the_operator_sees_and_reverts_what_a_client_did(server: MailfoldServer, ann: Person) -> None:
    with server.managesieve(ann) as sieve:
        sieve.put("rules", b"keep;")
        sieve.put("rules", b"discard;")
        newest, first = server.command.json("sieve", "history", ann.address, "rules")
        assert newest["actor"].startswith("user ")
        server.command("sieve", "revert", ann.address, "rules", first["id"])
        assert sieve.ok('GETSCRIPT "rules"') == [b"{5}\r\nkeep;"]
        server.command("sieve", "delete", ann.address, "rules")
        assert sieve.ok("LISTSCRIPTS") == []


def test_app_passwords_open_what_they_are_for(server: MailfoldServer, ann: Person) -> None:
    for scope, answer in (("sieve", b'OK "Logged in"'), ("imap,smtp", b'NO "Wrong name or password"')):
        words = ("app-password", "add", ann.user, "--name", scope, "--scope", scope)
        password = server.command.json(*words)["password"]
        with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
            assert sieve.log_in(ann.address, password) == answer


def test_members_share_the_scripts_of_their_group(server: MailfoldServer, team: Team) -> None:
    with (
        server.managesieve(team.at(team.ann, named=True)) as first,
        server.managesieve(team.at(team.bob, named=True)) as second,
        server.managesieve(team.ann) as own,
    ):
        first.put("team", b"keep;")
        assert second.ok("LISTSCRIPTS") == [b'"team"']
        assert b'"team"' not in own.ok("LISTSCRIPTS")
        assert f'"OWNER" "{team.address}"'.encode() in second.ok("CAPABILITY")
        server.command("group", "leave", team.name, team.bob.user)
        assert second.rest() == b'BYE "You are no longer a member of the group of this account"\r\n'
        first.ok("NOOP")
    stranger = replace(server.people.person(f"stranger{next(_numbers)}"), address=f"{team.address}*nobody")
    with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
        assert sieve.log_in(stranger.address, stranger.password) == b'NO "Wrong name or password"'


def test_a_session_ends_with_its_log_in(server: MailfoldServer, ann: Person) -> None:
    with server.managesieve(ann) as sieve, server.managesieve(ann) as forgotten:
        forgotten.ok("UNAUTHENTICATE")
        server.command("user", "password", ann.user, "--password-stdin", text="another secret\n")
        assert sieve.rest() == b'BYE "The password was changed; log in again"\r\n'
        forgotten.ok("NOOP")
        assert forgotten.log_in(ann.address, "another secret").startswith(b"OK")


def test_status_lists_the_listener(server: MailfoldServer, ann: Person) -> None:
    with server.managesieve(ann):
        until(lambda: server.count("access", "managesieve_sessions") >= 1, "the session to be counted")
    rows = [row for row in server.status()["listeners"] if row["protocol"] == "managesieve"]
    assert [(row["port"], row["tls"]) for row in rows] == [(server.port(MANAGESIEVE), "starttls")]
