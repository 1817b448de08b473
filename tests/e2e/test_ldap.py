"""People and groups of a real slapd use this server: log-ins, groups, the end of sessions, and slapd being away."""

from __future__ import annotations

import base64
import imaplib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs
from tests.parts.slapd import Slapd, settings_of

SALES = "sales@example.org"
LEFT = "You are no longer a member of the group of this account"
CHANGED = "The password was changed; log in again"
SWITCHED_OFF = "This account was switched off"
PASSWORDS = {"ann": "horse", "bob": "staple", "cid": "martini"}


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    needs(Slapd)
    with Slapd() as running:
        for name, password in PASSWORDS.items():
            running.add(name, password, f"{name}@example.org")
        running.add_group("sales", "ann", "bob", mail=SALES)
        yield running


@pytest.fixture(scope="module")
def ldap_server(slapd: Slapd) -> Iterator[MailfoldServer]:
    """A server that follows slapd, but only when a test says so, and remembers log-ins for an hour."""
    needs(nats)
    settings = {
        **settings_of(slapd),
        "MAILFOLD_LDAP_REMEMBER_SECONDS": "3600",
        "MAILFOLD_LDAP_DISABLED_FILTER": "(employeeType=disabled)",
        "MAILFOLD_LDAP_PASSWORD_TIME_ATTRIBUTE": "carLicense",
    }
    with MailfoldServer(settings=settings) as running:
        running.command("ldap", "sync")
        until(lambda: accepted(running, SALES), "the accounts at the ingress")
        yield running


def accepted(server: MailfoldServer, recipient: str) -> bool:
    """Whether the ingress takes mail for a recipient."""
    with server.smtp() as smtp:
        smtp.command(f"MAIL FROM:<carl@{HONEST}>".encode())
        return smtp.command(f"RCPT TO:<{recipient}>".encode()).code == 250


def person(name: str, login: str = "", password: str = "") -> Person:
    return Person(name, login or f"{name}@example.org", "", password or PASSWORDS[name])


def refusal(server: MailfoldServer, who: Person) -> str:
    """The refusal of a log-in by IMAP."""
    with pytest.raises(imaplib.IMAP4.error) as caught:
        server.imap(who)
    return str(caught.value)


def auth_code(server: MailfoldServer, login: str, password: str) -> int:
    with server.submissions() as smtp:
        return smtp.log_in(login, password).code


def test_people_log_in_with_their_password_there(ldap_server: MailfoldServer) -> None:
    server = ldap_server
    sent = compose("ann@example.org", SALES)
    with server.submissions(person("ann")) as smtp:
        assert smtp.send("ann@example.org", [SALES], sent.data).queue_id
    for login in (f"{SALES}*bob", SALES):
        with server.imap(person("bob", login)) as imap:
            imap.wait_for(sent.message_id)
    answered = compose(SALES, "ann@example.org")
    with server.submissions(person("bob", f"{SALES}*bob")) as smtp:
        assert smtp.send(SALES, ["ann@example.org"], answered.data).queue_id
    with server.imap(person("ann")) as imap:
        imap.wait_for(answered.message_id)
    for who in (person("ann", password="staple"), person("cid", f"{SALES}*cid"), person("ann", "*@example.org")):
        assert "AUTHENTICATIONFAILED" in refusal(server, who)
        assert auth_code(server, who.address, who.password) == 535
    connection = imaplib.IMAP4_SSL("localhost", server.port(993), ssl_context=server.tls())
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        connection.login("ann@example.org", '""')
    connection.shutdown()
    empty = base64.b64encode(b"\0ann@example.org\0")
    with server.submissions() as smtp:
        assert 500 <= smtp.command(b"AUTH PLAIN " + empty).code < 600


def test_who_leaves_or_is_disabled_there_loses_the_session(ldap_server: MailfoldServer, slapd: Slapd) -> None:
    server = ldap_server
    slapd.add("dora", "soprano", "dora@example.org")
    slapd.add("emil", "tenor", "emil@example.org")
    slapd.add_group("choir", "dora", "emil", mail="choir@example.org")
    server.command("ldap", "sync")
    until(lambda: accepted(server, "choir@example.org"), "the account of the group at the ingress")
    dora = server.imap(person("dora", "choir@example.org*dora", "soprano"))
    emil = server.imap(person("emil", "emil@example.org", "tenor"))
    with pytest.raises(CommandFailed, match="a group of the LDAP directory"):
        server.command("group", "leave", "choir", "dora")
    slapd.set_members("choir", "emil")
    slapd.change("emil", employeeType="disabled")
    report = server.command.json("ldap", "sync")
    assert (report["left"], report["disabled"]) == (1, 1)
    assert dora.connection.readline() == f"* BYE {LEFT}\r\n".encode()
    assert emil.connection.readline() == f"* BYE {SWITCHED_OFF}\r\n".encode()
    _shut(dora, emil)
    assert "AUTHENTICATIONFAILED" in refusal(server, person("dora", "choir@example.org*dora", "soprano"))
    refusal(server, person("emil", "emil@example.org", "tenor"))
    with server.imap(person("dora", password="soprano")) as own:
        assert own.connection.noop()[0] == "OK"
    slapd.change("dora", displayName="Dora Fischer")
    server.command("ldap", "sync")
    assert server.command.json("user", "show", "dora")["display_name"] == "Dora Fischer"


def test_another_password_there_ends_sessions_and_the_memory_of_the_former_one(
    ldap_server: MailfoldServer, slapd: Slapd
) -> None:
    server = ldap_server
    slapd.add("fred", "bassoon", "fred@example.org")
    slapd.change("fred", carLicense="1")
    server.command("ldap", "sync")
    former, new = person("fred", password="bassoon"), person("fred", password="oboe")
    until(lambda: accepted(server, former.address), "the account at the ingress")
    session = server.imap(former)
    slapd.set_password("fred", "oboe")
    with server.imap(former) as remembered:
        assert remembered.connection.noop()[0] == "OK"
    slapd.change("fred", carLicense="2")
    server.command("ldap", "sync")
    assert session.connection.readline() == f"* BYE {CHANGED}\r\n".encode()
    _shut(session)
    assert "AUTHENTICATIONFAILED" in refusal(server, former)
    with server.imap(new) as imap:
        assert imap.connection.noop()[0] == "OK"


def test_while_it_is_away_log_ins_wait_and_mail_is_received(ldap_server: MailfoldServer, slapd: Slapd) -> None:
    server = ldap_server
    with server.imap(person("ann")) as imap:
        assert imap.connection.noop()[0] == "OK"
    slapd.stop()
    try:
        assert "[UNAVAILABLE] Passwords cannot be checked now; try again later" in refusal(server, person("cid"))
        assert auth_code(server, "cid@example.org", PASSWORDS["cid"]) == 454
        with server.imap(person("ann")) as imap:  # remembered
            assert imap.connection.noop()[0] == "OK"
        with pytest.raises(CommandFailed, match="cannot be asked"):
            server.command("ldap", "sync")
        sent = compose(f"carl@{HONEST}", "cid@example.org")
        with server.smtp() as smtp:
            assert smtp.send(f"carl@{HONEST}", ["cid@example.org"], sent.data).code == 250
    finally:
        slapd.start()
    with server.imap(person("cid")) as imap:
        imap.wait_for(sent.message_id)
    slapd.set_password("cid", "shaken")
    with server.imap(person("cid", password="shaken")) as imap:
        assert imap.connection.noop()[0] == "OK"


def _shut(*sessions: Imap) -> None:
    """Close connections that the server has ended."""
    for imap in sessions:
        with suppress(OSError, imaplib.IMAP4.error):
            imap.connection.shutdown()
