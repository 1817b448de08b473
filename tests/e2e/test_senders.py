"""Who may send as whom: the table of senders is asked through SMTP, and a right that was given is taken away again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import PASSWORD, Person
from tests.harness.sender_cases import SenderCase, cases, changes
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until

DELETED = ("--delete", "--yes", "--references", "end")
CODES = {
    ("yes", True): "250 2.1.0",
    ("no", True): "553 5.7.1",
    ("yes", False): "250 2.0.0",
    ("no", False): "550 5.7.1",
    ("unclear", False): "550 5.6.0",
}
"""The reply to MAIL, or to the message."""


@pytest.fixture
def logins(server: MailfoldServer) -> Iterator[dict[str, str]]:
    """Sets up the directory of the table; returns the log-in name of each user, and removes all again."""
    logins: dict[str, str] = {}
    for words in changes():
        _change(server, words, logins)
    yield logins
    for words in reversed(changes()):
        match words:
            case ("alias", address, *_):
                server.command("alias", "remove", address)
            case ("account", address, *_):
                server.command("account", "remove", address, *DELETED)
    for words in reversed(changes()):
        if words[0] == "domain":
            server.command("domain", "remove", words[1])
    for user in logins:
        server.command("user", "remove", f"case-{user}")


def _change(server: MailfoldServer, words: tuple[str, ...], logins: dict[str, str]) -> None:
    match words:
        case ("domain", name, *alias):
            server.command("domain", "add", name, "--incoming")
            if alias:
                server.command("domain", "alias", name, alias[1])
        case ("account", address, user):
            if user not in logins:
                server.people.ask("AddUser", pb.AddUserRequest(name=f"case-{user}", password=PASSWORD))
                logins[user] = address
            server.command("account", "add", address, "--user", f"case-{user}")
        case ("alias", address, *targets):
            server.command("alias", "add", address, *targets)
        case ("owners", address, *users):
            server.command("alias", "owners", address, *(f"case-{user}" for user in users))
        case ("value", domain, name, *texts):
            server.command("domain", "set", domain, name, " ".join(texts))
        case ("disable", kind, address):
            server.command(kind, "disable", address)
        case ("grant", user, address):
            granted = server.command.json("user", "may-send-as", f"case-{user}", address)
            assert granted["accounts"] == [address]
        case _:
            raise AssertionError(f"no change {words}")


def test_the_table_of_senders(server: MailfoldServer, logins: dict[str, str]) -> None:
    with contextlib.ExitStack() as stack:
        sessions: dict[str, Smtp] = {}
        for user, login in logins.items():
            smtp = sessions[user] = stack.enter_context(server.submissions())
            assert smtp.log_in(login, PASSWORD).code == 235
        answers = {case: _answer(sessions[case.user], logins[case.user], case) for case in cases()}
        wrong = {
            f"line {case.number}": answer
            for case, answer in answers.items()
            if not answer.startswith(CODES[case.answer, bool(case.reverse_path)])
        }
        assert wrong == {}


def _answer(smtp: Smtp, login: str, case: SenderCase) -> str:
    if case.reverse_path:
        reply = smtp.command(f"MAIL FROM:<{case.reverse_path}>".encode())
        smtp.command(b"RSET")
        return str(reply)
    head = case.header + b"Subject: a case\r\nTo: " + login.encode() + b"\r\n\r\n"
    return str(smtp.send("", [login], head + b"text\r\n", " SMTPUTF8" if not head.isascii() else ""))


def test_a_right_to_send_as_another_user_is_given_and_taken(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")

    def sends(as_: Person) -> str:
        with server.submissions(bob) as smtp:
            return str(smtp.send(as_.address, [ann.address], compose(as_.address, ann.address).data))

    assert sends(ann).startswith("553 5.7.1")
    server.command("user", "may-send-as", bob.user, ann.address)
    assert sends(ann).startswith("250 2.0.0")
    assert server.command.json("user", "may-send-as", bob.user)["accounts"] == [ann.address]
    server.command("user", "may-send-as", bob.user, ann.address, "--revoke")
    until(lambda: sends(ann).startswith("553 5.7.1"), "the end of the right at the ingress")
    server.command("user", "may-send-as", bob.user, ann.address)
    server.command("account", "remove", ann.address, *DELETED)
    server.command("account", "add", ann.address, "--user", ann.user)
    until(lambda: sends(ann).startswith("553 5.7.1"), "the end of the right of a new account with the same address")
    assert server.command.json("user", "may-send-as", bob.user)["accounts"] == []
    with pytest.raises(CommandFailed, match="already"):
        server.command("user", "may-send-as", ann.user, ann.address)
    alias = server.people.alias("info", ann.address, bob.address)
    with pytest.raises(CommandFailed, match="mailfold alias owners"):
        server.command("user", "may-send-as", bob.user, alias)
