"""A group's account: its members open it with their own passwords, and lose it when they leave."""

from __future__ import annotations

import base64
import imaplib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until
from tests.harness.zone import HONEST

LEFT = "You are no longer a member of the group of this account"


@dataclass(frozen=True, slots=True)
class Team:
    """A group of two with an account."""

    name: str
    address: str
    account: str
    ann: Person
    bob: Person

    def at(self, member: Person, *, named: bool = False) -> Person:
        """A member with the login name of the group's account."""
        return replace(member, address=f"{self.address}*{member.user}" if named else self.address)


@pytest.fixture
def team(server: MailfoldServer) -> Team:
    ann, bob = server.people.person("ann"), server.people.person("bob")
    server.command("user", "password", bob.user, "--password-stdin", text="battery staple 7\n")
    name = f"sales{ann.user}"
    server.command("group", "add", name, ann.user, bob.user)
    added = server.command.json("account", "add", f"{name}@example.org", "--group", name)
    assert (added["group"], added["user"]) == (name, "")
    return Team(name, added["address"], added["id"], ann, replace(bob, password="battery staple 7"))


def user_id(server: MailfoldServer, person: Person) -> str:
    return str(server.command.json("user", "show", person.user)["id"])


def actors(server: MailfoldServer, account: str, event_type: str) -> set[str]:
    """The actors of the events of an account, with the account that they opened."""
    entries: list[dict[str, Any]] = server.command.json_lines("events", account, "--type", event_type)
    return {f"{entry['actor']['id']} {entry['actor'].get('credential', '')}" for entry in entries}


def plain(smtp: Smtp, authzid: str, person: Person) -> int:
    """The reply code to a log-in with an authorization identity (RFC 4616)."""
    message = f"{authzid}\0{person.user}\0{person.password}".encode()
    return smtp.command(b"AUTH PLAIN " + base64.b64encode(message)).code


def refused(smtp: Smtp, sender: str) -> str:
    """The refusal of a sender; empty when it is accepted."""
    reply = str(smtp.command(f"MAIL FROM:<{sender}>".encode()))
    if not reply.startswith("250"):
        return reply
    smtp.command(b"RSET")
    return ""


def test_two_members_share_an_account_and_each_is_named(server: MailfoldServer, team: Team) -> None:
    first, second = user_id(server, team.ann), user_id(server, team.bob)
    mine, yours = compose("x@example.org", team.address), compose("y@example.org", team.address)
    with server.imap(team.at(team.ann)) as ann, server.imap(team.at(team.bob, named=True)) as bob:
        ann.append("INBOX", mine.data)
        assert bob.wait_for(mine.message_id)
        bob.append("INBOX", yours.data)
        assert ann.wait_for(yours.message_id)
    expected = {f"{first} {team.account}", f"{second} {team.account}"}
    until(lambda: actors(server, team.account, "message.appended") == expected, "both members in the events")
    connection = imaplib.IMAP4_SSL("localhost", server.port(993), ssl_context=server.tls())
    named = f"{team.address}\0{team.bob.user}\0{team.bob.password}".encode()
    assert connection.authenticate("PLAIN", lambda _challenge: named)[0] == "OK"
    connection.logout()
    sent = compose(team.address, team.bob.address)
    with server.submissions() as smtp:
        assert plain(smtp, team.address, team.bob) == 235
        assert smtp.send(team.address, [team.bob.address], sent.data).queue_id
    with server.imap(team.bob) as bob:
        bob.wait_for(sent.message_id)
    submitted = {f"{second} {team.account}"}
    until(lambda: actors(server, team.account, "mail.submitted") == submitted, "the member who sent it")
    cid = server.people.person("cid")
    with server.submissions() as smtp:
        assert plain(smtp, team.address, cid) == 535
    another = replace(team.bob, address=f"{team.address}*{team.ann.user}")
    for login in (replace(team.at(cid), password="wrong password"), team.at(cid, named=True), another):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            server.imap(login)


def test_who_leaves_loses_sessions_and_the_right_to_send(server: MailfoldServer, team: Team) -> None:
    with server.submissions(team.ann) as own:
        assert own.send(team.address, [team.bob.address], compose(team.address, team.bob.address).data).queue_id
    idle, stays = server.imap(team.at(team.ann)), server.imap(team.at(team.bob))
    with stays, server.submissions(team.at(team.ann)) as smtp, server.submissions(team.ann) as own:
        assert not refused(smtp, team.address) and not refused(own, team.address)
        idle.select()
        idle.idle().__enter__()
        server.command("group", "leave", team.name, team.ann.user)
        assert idle.connection.readline() == f"* BYE {LEFT}\r\n".encode()
        assert LEFT in until(lambda: refused(smtp, team.address), "the end of the submission session")
        assert until(lambda: refused(own, team.address), "the end of the right to send").startswith("553 5.7.1 ")
        assert not refused(own, team.ann.address)
        assert stays.connection.noop()[0] == "OK"
    _shut(idle)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        server.imap(team.at(team.ann))
    bob = server.imap(team.at(team.bob))
    server.command("user", "disable", team.bob.user)
    assert bob.connection.readline().startswith(b"* BYE ")
    _shut(bob)
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(team.at(team.bob, named=True))
    with pytest.raises(CommandFailed, match=f"still owns {team.address}"):
        server.command("group", "remove", team.name)


def test_an_address_of_a_group_reaches_its_members(server: MailfoldServer, team: Team) -> None:
    everybody = f"all-{team.address}"
    shown = server.command.json("alias", "add", everybody, f"group:{team.name}")
    assert shown["targets"] == [f"group:{team.name}"]
    sent = compose(f"carl@{HONEST}", everybody)
    with server.smtp() as smtp:
        assert smtp.send(f"carl@{HONEST}", [everybody], sent.data).code == 250
    for member in (team.ann, team.bob):
        with server.imap(member) as imap:
            imap.wait_for(sent.message_id)
    server.command("group", "rename", team.name, f"{team.name} team")
    server.command("group", "leave", f"{team.name} team", team.ann.user)
    way = server.command.json("resolve", everybody)
    assert way["targets"] == [team.bob.address]
    assert [step["address"] for step in way["steps"]] == [everybody, f"group:{team.name} team", team.bob.address]
    listed = server.command.json("group", "show", f"{team.name} team")
    assert (listed["members"], listed["aliases"]) == ([team.bob.user], [everybody])


def test_what_is_known_about_a_user_is_shown(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    words = ("--display-name", "Ann Lee", "--language", "pt_br", "--time-zone", "Europe/Lisbon")
    changed = server.command.json("user", "set", ann.user, *words)
    assert (changed["display_name"], changed["language"], changed["time_zone"]) == ("Ann Lee", "pt-BR", "Europe/Lisbon")
    assert "Europe/Lisbon" in server.command("user", "show", ann.user)
    with pytest.raises(CommandFailed, match="not a time zone"):
        server.command("user", "set", ann.user, "--time-zone", "Mars/Olympus")


def _shut(imap: Imap) -> None:
    """Close a connection that the server has ended."""
    with suppress(OSError, imaplib.IMAP4.error):
        imap.connection.shutdown()
