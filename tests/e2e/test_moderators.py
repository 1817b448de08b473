"""Moderated lists through SMTP, IMAP and the command: held posts, decisions by mail and by command, kills."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.e2e.received import fields, parsed
from tests.harness.command import CommandFailed
from tests.harness.mails import RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

CARL = f"carl@{HONEST}"
_numbers = itertools.count(1)


@pytest.fixture
def domain(server: MailfoldServer) -> str:
    """A domain of the test alone."""
    name = f"moderated{next(_numbers)}.example"
    server.command("domain", "add", name, "--incoming")
    return name


@pytest.fixture
def ann(server: MailfoldServer, domain: str) -> Person:
    """The owner of every list, its moderator and a member."""
    return server.people.person("ann", domain=domain)


@pytest.fixture
def bob(server: MailfoldServer, domain: str) -> Person:
    """A stranger to the lists."""
    return server.people.person("bob", domain=domain)


def add_list(server: MailfoldServer, ann: Person, bob: Person, *more: str) -> str:
    """A list that holds the posts of others than members; the ingress knows it."""
    devs = f"devs@{ann.address.partition('@')[2]}"
    server.command("list", "add", devs, "--owner", ann.address)
    server.command("list", "join", devs, ann.address)
    server.command("list", "moderators", devs, ann.address, *more)
    server.command("list", "moderation", devs, "--moderate", "non-members")
    until(lambda: at_recipient(server, bob, devs).startswith("250 "), "a post that may wait")
    return devs


def at_recipient(server: MailfoldServer, person: Person, recipient: str) -> str:
    """The reply to RCPT."""
    with server.submissions(person) as smtp:
        smtp.command(b"MAIL FROM:<%s>" % person.address.encode())
        return str(smtp.command(b"RCPT TO:<%s>" % recipient.encode()))


def post(server: MailfoldServer, person: Person, recipient: str, **parts: Any) -> tuple[RenderedMail, str]:
    """Submit a message; returns it and its queue id."""
    sent = compose(person.address, recipient, **parts)
    with server.submissions(person) as smtp:
        queue_id = smtp.send(person.address, [recipient], sent.data).queue_id
    assert queue_id
    server.settled()
    return sent, queue_id


def from_outside(server: MailfoldServer, sent: RenderedMail, sender: str, recipient: str) -> str:
    with server.smtp() as smtp:
        return str(smtp.send(sender, [recipient], sent.data))


def waiting(server: MailfoldServer, devs: str) -> list[dict[str, Any]]:
    return [entry for entry in server.command.json("list", "held", devs) if entry["state"] == "held"]


def notice(server: MailfoldServer, person: Person, text: str) -> bytes:
    """The mail of the server in which a text stands."""
    with server.imap(person) as imap:

        def found() -> list[int]:
            imap.select()
            return imap.uids("BODY", f'"{text}"')

        until(lambda: bool(found()), f"a notification with {text}")
        return imap.fetch(found()[-1])


def copies(server: MailfoldServer, person: Person, sent: RenderedMail) -> int:
    with server.imap(person) as imap:
        imap.select()
        return len(imap.uids("HEADER", "Message-ID", f'"{sent.message_id}"'))


def closed(server: MailfoldServer, devs: str) -> None:
    until(lambda: server.command.json("list", "held", devs) == [], "all decisions are carried out")


def test_a_moderator_decides_by_mail(server: MailfoldServer, domain: str, ann: Person, bob: Person) -> None:
    devs = add_list(server, ann, bob, CARL)
    own, _ = post(server, ann, devs)
    assert copies(server, ann, own) == 1, "a member's post does not wait"
    sent, queue_id = post(server, bob, devs)
    (held,) = waiting(server, devs)
    assert (held["author"], held["author_proven"], held["queue_id"]) == (bob.address, True, queue_id)
    server.command.trace(queue_id, "is held for a moderator")
    assert copies(server, ann, sent) == 0
    told = notice(server, ann, held["id"])
    assert {name: fields(told, name) for name in ("From", "Auto-Submitted", "Return-Path")} == {
        "From": [f"Mail System <devs-owner@{domain}>"],
        "Auto-Submitted": ["auto-generated"],
        "Return-Path": ["<>"],
    }
    (approve,) = [address.strip("<>") for address in fields(told, "Reply-To")]
    assert approve.startswith(f"devs={held['id']}=") and approve.endswith(f"@{domain}")
    assert bob.address in parsed(told).get_content() and str(held["size"]) in parsed(told).get_content()
    assert at_recipient(server, bob, approve).startswith("550 5.7.1 Only a moderator"), "the author is no moderator"
    forged = [
        (compose(ann.address, approve), CARL, "550 5.7.1 Only a moderator"),
        (compose(f"eve@{SILENT}", approve), f"eve@{SILENT}", "550 5.7.1 Only a moderator"),
        (compose(CARL, approve, signed_by=HONEST), CARL, "550 5.7.1 This address was not written for this moderator"),
        (compose(CARL, approve, signed_by=HONEST, fields=(b"Auto-Submitted: auto-replied",)), CARL, "550 5.7.1 A mail"),
    ]
    for mail, sender, expected in forged:
        assert from_outside(server, mail, sender, approve).startswith(expected), expected
    assert from_outside(server, compose(CARL, approve, signed_by=HONEST), "", approve).startswith("550 5.1.1 ")
    vacation = compose(ann.address, approve, fields=(b"Auto-Submitted: auto-replied",))
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [approve], vacation.data).queue_id
    server.settled()
    assert [entry["id"] for entry in waiting(server, devs)] == [held["id"]]
    post(server, ann, approve)
    with server.imap(ann) as imap:
        copy = imap.fetch(imap.wait_for(sent.message_id))
    assert copy.endswith(sent.data) and fields(copy, "List-Id") == [f"<devs.{domain}>"]
    closed(server, devs)
    assert copies(server, ann, sent) == 1
    assert at_recipient(server, ann, approve).startswith("550 5.7.1 This post does not wait any more")
    server.command.trace(queue_id, f"was approved by {ann.address} (mail)", "is done: distributed")


def test_moderators_decide_by_command_until_they_are_none(
    server: MailfoldServer, domain: str, ann: Person, bob: Person
) -> None:
    devs = add_list(server, ann, bob)
    as_ann, as_bob = ("--as", ann.user), ("--as", bob.user)
    sent, _ = post(server, bob, devs)
    (held,) = server.command.json(*as_ann, "list", "held", devs)
    for words in (("held", devs), ("approve", devs, held["id"]), ("moderation", devs, "--moderate", "none")):
        with pytest.raises(CommandFailed, match="exit 1"):
            server.command(*as_bob, "list", *words)
    with pytest.raises(CommandFailed, match="exit 1"):
        server.command(*as_ann, "list", "moderation", devs, "--moderate", "none")
    server.command(*as_ann, "list", "refuse", devs, held["id"], "--text", "Wrong list, sorry")
    assert "Wrong list, sorry" in parsed(notice(server, bob, "Wrong list")).get_content()
    closed(server, devs)
    with pytest.raises(CommandFailed, match="exit 1"):
        server.command(*as_ann, "list", "approve", devs, held["id"])
    assert from_outside(server, compose(f"eve@{SILENT}", devs), f"eve@{SILENT}", devs).startswith("250 ")
    server.settled()
    (unproven,) = waiting(server, devs)
    assert (unproven["author"], unproven["author_proven"]) == (f"eve@{SILENT}", False)
    server.command("list", "refuse", devs, unproven["id"], "--text", "no")
    closed(server, devs)
    server.command.trace(unproven["queue_id"], "nobody notified")
    assert not [entry for entry in server.contracts.queue() if entry.recipient.endswith(SILENT) and not entry.sender]
    post(server, bob, devs)
    (last,) = waiting(server, devs)
    server.command("list", "moderators", devs, CARL)
    for words in (("held", devs), ("approve", devs, last["id"])):
        with pytest.raises(CommandFailed, match="exit 1"):
            server.command(*as_ann, "list", *words)
    with pytest.raises(CommandFailed, match="exit 1"):
        server.command("list", "moderators", devs)
    assert copies(server, ann, sent) == 0


def test_an_approved_post_is_distributed_once_also_when_the_server_is_killed(
    server: MailfoldServer, domain: str, ann: Person, bob: Person
) -> None:
    devs = add_list(server, ann, bob)
    server.command("list", "moderation", devs, "--most-posts", "2")
    mails = [post(server, bob, devs)[0] for _ in range(2)]
    assert at_recipient(server, bob, devs).startswith("552 5.2.2 Too many posts"), "no room for more"
    outside = compose(f"eve@{SILENT}", devs)
    assert from_outside(server, outside, f"eve@{SILENT}", devs).startswith("552 5.2.2 Too many posts")
    ids = [entry["id"] for entry in waiting(server, devs)]
    server.kill()
    server.start()
    assert [entry["id"] for entry in waiting(server, devs)] == ids
    for post_id in ids:
        server.command("list", "approve", devs, post_id)
    server.kill()
    server.start()
    closed(server, devs)
    server.settled()
    assert [copies(server, ann, sent) for sent in mails] == [1, 1]
    until(lambda: at_recipient(server, bob, devs).startswith("250 "), "there is room again")
    server.command("verify")
