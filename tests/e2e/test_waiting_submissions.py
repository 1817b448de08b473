"""FUTURERELEASE and the time to undo, with Python's smtplib: kept from everybody, then delivered, or taken back."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest

from tests.e2e.received import fields
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

REMOTE = f"dora@{HONEST}"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The sender."""
    return server.people.person("ann")


def submit(server: MailfoldServer, sender: Person, recipients: list[str], data: bytes, *options: str) -> str:
    """Send with smtplib; returns the queue id."""
    with smtplib.SMTP_SSL("localhost", server.port(SUBMISSIONS), timeout=30, context=server.tls()) as smtp:
        smtp.login(sender.address, sender.password)
        assert smtp.has_extn("futurerelease") and smtp.esmtp_features["futurerelease"].startswith("2678400 ")
        assert smtp.mail(sender.address, options)[0] == 250
        for recipient in recipients:
            assert smtp.rcpt(recipient)[0] == 250
        code, text = smtp.data(data)
    assert code == 250, text
    return text.split()[3].decode()


def waiting(server: MailfoldServer, *choice: str) -> list[dict[str, Any]]:
    """The waiting mails that fit."""
    listed: list[dict[str, Any]] = server.command.json("submissions", "list", *choice)["submissions"]
    return listed


def queued(server: MailfoldServer, queue_id: str) -> list[Any]:
    """The entries of a mail in the outbound queue."""
    return [entry for entry in server.contracts.queue() if entry.queue_id == queue_id]


def test_nobody_sees_it_before_it_is_released(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    later, first = compose(ann.address, bob.address), compose(ann.address, bob.address)
    queue_id = submit(server, ann, [bob.address, REMOTE], later.data, "HOLDFOR=86400")
    submit(server, ann, [bob.address], first.data)
    server.settled()
    with server.imap(bob) as imap:
        imap.wait_for(first.message_id)
        assert imap.select() == 1
    assert queued(server, queue_id) == []
    (mail,) = waiting(server, "--account", ann.address)
    assert (mail["queue_id"], mail["recipients"], mail["requested"]) == (queue_id, [bob.address, REMOTE], True)
    assert queue_id in server.command("submissions", "list", "--sender", ann.address)
    server.command.trace(queue_id, "held until")
    assert "1 mail released" in server.command("submissions", "release", queue_id)
    with server.imap(bob) as imap:
        fetched = imap.fetch(imap.wait_for(later.message_id))
    assert fields(fetched, "Date") == fields(later.data, "Date")
    server.settled()
    (entry,) = queued(server, queue_id)
    assert entry.recipient == REMOTE and entry.at > mail["at"]
    refusal = server.command.run("submissions", "cancel", queue_id)
    assert refusal.status == 1 and "it was released at" in refusal.output
    assert f"mailfold queue cancel {queue_id}" in refusal.output
    server.command.trace(queue_id, "delivered from now on")


def test_a_short_hold_ends_by_itself(server: MailfoldServer, ann: Person) -> None:
    sent = compose(ann.address, ann.address)
    submit(server, ann, [ann.address], sent.data, "HOLDFOR=1")
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)


def test_mail_of_a_disabled_account_does_not_leave(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    sent = compose(ann.address, bob.address)
    queue_id = submit(server, ann, [bob.address, REMOTE], sent.data, "HOLDFOR=1")
    server.command("account", "disable", ann.address)
    until(
        lambda: [mail["suspended"] for mail in waiting(server, "--sender", ann.address)] == [True],
        "the suspension of the mail",
    )
    assert "its account is not in use" in server.command("submissions", "list", "--sender", ann.address)
    refusal = server.command.run("submissions", "release", queue_id)
    assert refusal.status == 1 and "enable or restore the account" in refusal.output
    assert queued(server, queue_id) == []
    with server.imap(bob) as imap:
        assert imap.select() == 0
    server.command("account", "enable", ann.address)
    with server.imap(bob) as imap:
        imap.wait_for(sent.message_id)
    server.command.trace(queue_id, "is in use again")


def test_a_cancelled_mail_goes_nowhere(server: MailfoldServer, ann: Person) -> None:
    queue_id = submit(server, ann, [ann.address, REMOTE], compose(ann.address, REMOTE).data, "HOLDFOR=86400")
    result = server.command.json("submissions", "cancel", "--account", ann.address, "--because", "a wrong list")
    assert result == {"changed": 1, "queue_ids": [queue_id], "not_waiting": []}
    assert waiting(server, queue_id) == []
    again = server.command.run("submissions", "cancel", queue_id)
    assert again.status == 1 and "it was cancelled at" in again.output
    server.command.trace(queue_id, "nobody gets it: a wrong list", "by operator")


def test_senders_take_back_and_release_their_own_mail(server: MailfoldServer, ann: Person) -> None:
    bob, command = server.people.person("bob"), server.command
    first, second = (
        submit(server, ann, [bob.address], compose(ann.address, bob.address).data, "HOLDFOR=86400") for _ in range(2)
    )
    sent = compose(bob.address, ann.address)
    other = submit(server, bob, [ann.address], sent.data, "HOLDFOR=86400")

    def seen_by(person: Person) -> list[str]:
        return [mail["queue_id"] for mail in command.json("--as", person.user, "submissions", "list")["submissions"]]

    assert (seen_by(ann), seen_by(bob)) == ([first, second], [other])
    for words in (("cancel", first), ("release", first, other), ("cancel", "--account", ann.address), ("list", first)):
        refusal = command.run("--as", bob.user, "submissions", *words)
        assert refusal.status == 1
        assert "no mail with the queue id" in refusal.errors or "this needs an admin" in refusal.errors
    unknown = command.run("--as", bob.user, "submissions", "cancel", "q00000000000000000000")
    assert "you have no mail with the queue id" in unknown.errors
    until(lambda: "Ingress/CancelWaiting" in command("events", "--type", "right.refused"), "the refusals")
    assert [mail["queue_id"] for mail in waiting(server, "--account", ann.address)] == [first, second]
    assert command.json("--as", ann.user, "submissions", "cancel", first)["queue_ids"] == [first]
    assert command.json("--as", bob.user, "submissions", "release", "--all")["queue_ids"] == [other]
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    assert seen_by(ann) == [second]
    assert seen_by(bob) == []
    command.trace(first, "cancelled")
    assert command.run("--as", ann.user, "queue", "list").status == 1


def test_a_choice_is_needed(server: MailfoldServer) -> None:
    for word in ("release", "cancel"):
        refusal = server.command.run("submissions", word)
        assert refusal.status == 2 and "which mails?" in refusal.errors
    unknown = server.command.run("submissions", "cancel", "q-nothing")
    assert unknown.status == 1 and "no mail has this queue id" in unknown.output


@pytest.mark.parametrize("layout", ["small", "split"])
def test_every_submission_can_be_undone_for_a_while(layout: str) -> None:
    """Also after a power cut, and also where the ingress and the queue are different processes."""
    needs(nats)
    with MailfoldServer(layout=layout, settings={"MAILFOLD_OUTBOUND_UNDO_SECONDS": "3600"}) as server:
        ann = server.people.person("ann")
        sent = compose(ann.address, ann.address)
        undone = submit(server, ann, [ann.address], compose(ann.address, ann.address).data)
        kept = submit(server, ann, [ann.address], sent.data)
        server.kill()
        assert [mail["queue_id"] for mail in waiting(server)] == [undone, kept]  # read from the files
        server.start()
        assert [mail["queue_id"] for mail in waiting(server)] == [undone, kept]
        server.command("submissions", "cancel", undone)
        server.command("submissions", "release", kept)
        with server.imap(ann) as imap:
            imap.wait_for(sent.message_id)
            assert imap.select() == 1
