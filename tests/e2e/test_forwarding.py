"""Mail that an alias sends to another server has a return path of ours (SRS), and a bounce to it finds the sender."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats
from tests.parts.remote_server import RemoteServer, TakenMail
from tests.parts.required import needs

SENDER = f"Bob@{ELSEWHERE}"
LONG = f"{'bounces-' * 7}x@{ELSEWHERE}"
"""A sender that does not fit into a return path."""
_SECONDS = 30.0


@pytest.fixture(scope="module")
def outside() -> Iterator[RemoteServer]:
    """The server of elsewhere.example, which refuses recipients that begin with `gone`."""
    running, is_up, loop = RemoteServer(), threading.Event(), asyncio.new_event_loop()
    running.replies["RCPT"] = lambda line: b"550 5.1.1 nobody\r\n" if "<gone" in line.lower() else b"250 2.1.5 ok\r\n"
    is_over = asyncio.Event()

    async def serve() -> None:
        async with running:
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert is_up.wait(_SECONDS)
    yield running
    loop.call_soon_threadsafe(is_over.set)
    thread.join(_SECONDS)
    loop.close()


@pytest.fixture(scope="module")
def server(outside: RemoteServer) -> Iterator[MailfoldServer]:
    """A server that sends to it."""
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(outside.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


def taken(outside: RemoteServer, recipient: str, when: Callable[[TakenMail], bool] = lambda mail: True) -> TakenMail:
    """The mail for a recipient that the other server has taken."""

    def those() -> list[TakenMail]:
        return [mail for mail in outside.mails if recipient in mail.recipients and when(mail)]

    until(lambda: bool(those()), f"mail for {recipient} at the other server")
    return those()[-1]


def sender_of(mail: TakenMail) -> str:
    return mail.mail.partition("<")[2].partition(">")[0]


def send(server: MailfoldServer, sender: str, recipient: str) -> str:
    """The reply to a mail from a stranger."""
    with server.smtp() as smtp:
        return str(smtp.send(sender, [recipient], compose(sender or SENDER, recipient).data))


def forwarded(server: MailfoldServer, outside: RemoteServer, name: str, sender: str = SENDER) -> str:
    """The return path with which a new alias sends mail of a stranger to a user elsewhere."""
    alias = server.people.alias(name, f"{name}@{ELSEWHERE}")
    assert send(server, sender, alias).startswith("250 ")
    return sender_of(taken(outside, f"{name}@{ELSEWHERE}"))


def test_forwarded_mail_has_a_return_path_and_a_bounce_reaches_the_sender(
    server: MailfoldServer, outside: RemoteServer, ann: Person
) -> None:
    alias = server.people.alias("both", ann.address, f"zoe@{ELSEWHERE}")
    sent = compose(SENDER, alias)
    with server.smtp() as smtp:
        queue_id = smtp.send(SENDER, [alias], sent.data).queue_id
    path = sender_of(taken(outside, f"zoe@{ELSEWHERE}"))
    assert path.startswith("SRS0=") and path.endswith(f"={ELSEWHERE}=Bob@{DOMAIN}")
    with server.imap(ann) as imap:
        uid = imap.wait_for(sent.message_id)
        assert b"Return-Path: <Bob@elsewhere.example>" in imap.fetch(uid), "what stays here keeps its sender"
    server.command.trace(queue_id, "delivery done", f"return path {path} of {SENDER}")
    way = server.command.json("resolve", path)
    assert (way["result"], way["targets"]) == ("return-path", [SENDER])
    server.command("domain", "set", DOMAIN, "catch_all", ann.address)
    try:
        assert send(server, "", path.lower()).startswith("250 "), "some servers write localparts in lower case"
    finally:
        server.command("domain", "set", DOMAIN, "catch_all", "")
    server.followed()
    assert sender_of(taken(outside, f"bob@{ELSEWHERE}")) == ""


def test_a_copy_that_cannot_be_delivered_is_reported_to_the_first_sender(
    server: MailfoldServer, outside: RemoteServer, ann: Person
) -> None:
    for name, sender in (("gone1", SENDER.replace("Bob", "carl")), ("gone2", LONG)):
        alias = server.people.alias(name, f"{name}@{ELSEWHERE}")
        assert send(server, sender, alias).startswith("250 ")
        report = taken(outside, sender)
        assert sender_of(report) == "" and b"550 5.1.1 nobody" in report.data


def test_a_sender_that_is_too_long_is_kept_here(server: MailfoldServer, outside: RemoteServer) -> None:
    path = forwarded(server, outside, "kept", LONG)
    assert path.startswith("SRSX=") and len(path.partition("@")[0]) <= 64
    before = len(outside.mails)
    assert send(server, "", path).startswith("250 ")
    until(lambda: any(LONG in mail.recipients for mail in outside.mails[before:]), "the bounce at the sender's server")


def test_nobody_sends_through_a_return_path(server: MailfoldServer, outside: RemoteServer, ann: Person) -> None:
    path = forwarded(server, outside, "seen")
    assert send(server, f"eve@{ELSEWHERE}", path).startswith("550 5.7.1 This return path takes only mail with the null")
    with server.submissions(ann) as smtp:
        assert str(smtp.send(ann.address, [path], compose(ann.address, path).data)).startswith("550 5.7.1 ")
    forged = path.replace("=Bob@", "=boss@")
    assert send(server, "", forged).startswith("550 5.1.1 This return path was not written by this server")
    assert send(server, "", f"SRS0=x@{DOMAIN}").startswith("550 5.1.1 ")
    assert send(server, "", path.replace(DOMAIN, ELSEWHERE)).startswith("550 5.7.1 Mail for this domain"), "not ours"
    with pytest.raises(CommandFailed, match="forged"):
        server.command("resolve", forged)
    assert [secret["current"] for secret in server.command.json("srs", "rotate")] == [True, False]
    assert send(server, "", path).startswith("250 "), "earlier secrets stay valid"
    assert [secret["current"] for secret in server.command.json("srs", "rotate", "--forget")] == [True]
    assert server.command.run("resolve", path).status == 1


def test_own_senders_and_the_null_sender_stay_as_they_are(
    server: MailfoldServer, outside: RemoteServer, ann: Person
) -> None:
    own, null = server.people.alias("own", f"own@{ELSEWHERE}"), server.people.alias("null", f"null@{ELSEWHERE}")
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [own], compose(ann.address, own).data).queue_id
    assert sender_of(taken(outside, f"own@{ELSEWHERE}")) == ann.address
    assert send(server, "", null).startswith("250 ")
    assert sender_of(taken(outside, f"null@{ELSEWHERE}")) == ""
