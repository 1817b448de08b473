"""`mailfold queue` on a server that keeps mail to others: listed, held, released, returned, taken out, paused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

ELSEWHERE = "elsewhere.example"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The sender."""
    return server.people.person("ann")


def sent(server: MailfoldServer, ann: Person, *recipients: str) -> str:
    """Send a mail to these users elsewhere; returns its queue id."""
    addresses = [f"{recipient}@{ELSEWHERE}" for recipient in recipients]
    with server.submissions(ann) as smtp:
        queue_id = smtp.send(ann.address, addresses, compose(ann.address, addresses[0]).data).queue_id
    assert queue_id
    server.settled()
    return queue_id


def entries(server: MailfoldServer, *filters: str) -> list[dict[str, Any]]:
    """The entries that fit."""
    listed: list[dict[str, Any]] = server.command.json("queue", "list", *filters)["entries"]
    return listed


def test_filters_and_pages(server: MailfoldServer, ann: Person) -> None:
    queue_id = sent(server, ann, "bob", "cat", "dora")
    assert {entry["recipient"] for entry in entries(server, queue_id)} == {
        f"{name}@{ELSEWHERE}" for name in ("bob", "cat", "dora")
    }
    assert len(entries(server, queue_id, "--recipient", "B*@*", "--domain", ELSEWHERE)) == 1
    assert len(entries(server, queue_id, "--account", ann.address, "--sender", ann.address, "--state", "waiting")) == 3
    assert entries(server, queue_id, "--older-than", "1h") == entries(server, queue_id, "--state", "held") == []
    first = server.command.json("queue", "list", queue_id, "--limit", "2")
    second = server.command.json("queue", "list", queue_id, "--limit", "2", "--after", first["next"])
    assert (len(first["entries"]), len(second["entries"]), second["next"]) == (2, 1, "")
    text = server.command("queue", "list", queue_id)
    assert f"bob@{ELSEWHERE}" in text and "waiting" in text
    assert server.command.run("queue", "list", "--account", f"nobody@{ELSEWHERE}").status == 1
    for option, word in (("--domain", "a b"), ("--older-than", "soon")):
        refusal = server.command.run("queue", "list", option, word)
        assert refusal.status == 2 and repr(word) in refusal.errors


def test_a_domain_is_the_same_in_letters_and_in_the_form_of_the_dns(server: MailfoldServer, ann: Person) -> None:
    with server.submissions(ann) as smtp:
        mail = compose(ann.address, "bob@xn--bcher-kva.example")
        queue_id = smtp.send(ann.address, ["bob@xn--bcher-kva.example"], mail.data).queue_id
    server.settled()
    assert queue_id
    for form in ("bücher.example", "XN--BCHER-KVA.example", "bob@bücher.example"):
        assert [entry["queue_id"] for entry in entries(server, queue_id, "--domain", form)] == [queue_id]


@pytest.mark.all_layouts
def test_held_released_and_returned_to_the_sender(server: MailfoldServer, ann: Person) -> None:
    queue_id = sent(server, ann, "bob", "cat")
    (bob,) = [entry["id"] for entry in entries(server, queue_id, "--recipient", "bob@*")]
    assert server.command.json("queue", "hold", bob, "--because", "a question")["entries"] == [bob]
    assert [entry["reason"] for entry in entries(server, queue_id, "--state", "held")] == ["a question"]
    assert server.command.run("queue", "retry", bob).status == 1
    assert "1 entry released" in server.command("queue", "release", bob)
    assert "1 entry due now" in server.command("queue", "retry", bob)
    assert server.command.json("queue", "bounce", bob, "--because", "no such server")["changed"] == 1
    assert server.command.json("queue", "cancel", queue_id)["changed"] == 1
    assert entries(server, queue_id) == []
    with server.imap(ann) as imap:
        imap.select()
        until(lambda: bool(imap.uids("BODY", '"no such server"')), "the report in the sender's mailbox")
    shown = server.command("queue", "show", bob)
    assert "bounced" in shown and "held until an operator releases it: a question" in shown


def test_a_queue_id_shows_every_recipient_also_those_that_have_ended(server: MailfoldServer, ann: Person) -> None:
    queue_id = sent(server, ann, "bob", "cat")
    server.command("queue", "cancel", queue_id, "--recipient", "bob@*")

    def states() -> dict[str, str]:
        histories = server.command.json("queue", "show", queue_id)
        return {history["recipient"].partition("@")[0]: history["state"] for history in histories}

    until(lambda: states() == {"bob": "cancelled", "cat": "waiting"}, "both recipients in the event log")
    text = server.command("queue", "show", queue_id)
    assert f"bob@{ELSEWHERE}  (e" in text and "waits for its first attempt" in text
    server.command.trace(queue_id, "cancelled without a report")
    refusal = server.command.run("queue", "show", "q0000")
    assert refusal.status == 1 and "knows nothing of q0000" in refusal.errors


def test_hold_rules_hold_new_mail_until_they_are_removed(server: MailfoldServer, ann: Person) -> None:
    rule = server.command.json("queue", "hold-rule", "add", "--sender", ann.address, "--because", "a new person")["id"]
    assert rule in server.command("queue", "hold-rule", "list")
    (entry,) = entries(server, sent(server, ann, "bob"))
    assert (entry["state"], entry["reason"], entry["due"]) == ("held", "a new person", 0)
    assert server.command.json("queue", "hold-rule", "remove", rule) == {"removed": rule}
    (entry,) = entries(server, sent(server, ann, "bob"))
    assert entry["state"] == "waiting"
    assert server.command.run("queue", "hold-rule", "remove", rule).status == 1
    assert server.command.run("queue", "hold-rule", "add").status == 1


def test_a_pause_is_shown_and_ends(server: MailfoldServer) -> None:
    assert "paused: a storm" in server.command("queue", "pause", "--because", "a storm")
    assert server.command("queue", "list").startswith("sending is paused: a storm")
    assert server.command.json("queue", "resume") == {"paused": False, "reason": ""}
    assert not server.command.json("queue", "list")["paused"]


def test_a_change_without_a_choice_is_refused(server: MailfoldServer) -> None:
    for word in ("retry", "hold", "release", "cancel", "bounce"):
        refusal = server.command.run("queue", word)
        assert refusal.status == 2 and "which entries?" in refusal.errors


@pytest.mark.all_layouts
def test_a_stopped_server_still_shows_its_queue(server: MailfoldServer, ann: Person) -> None:
    queue_id = sent(server, ann, "bob")
    server.command("queue", "pause", "--because", "a move")
    server.command("queue", "hold-rule", "add", "--sender", "x@*", "--because", "kept")
    server.stop()
    try:
        page = server.command.json("queue", "list", queue_id)
        assert page["paused"] and page["pause_reason"] == "a move" and page["total"] >= 1
        (entry,) = page["entries"]
        assert "event log does not run" in server.command("queue", "show", queue_id)
        assert f"bob@{ELSEWHERE}" in server.command("queue", "show", entry["id"])
        (rule,) = server.command.json("queue", "hold-rule", "list")
        refusal = server.command.run("queue", "retry", entry["id"])
        assert refusal.status == 2 and "start it with" in refusal.errors
    finally:
        server.start()
    server.command("queue", "resume")
    server.command("queue", "hold-rule", "remove", rule["id"])


def test_a_test_mail_says_what_became_of_it(server: MailfoldServer, ann: Person) -> None:
    bob = server.people.person("bob")
    here = server.command.json("test-mail", "--from", ann.address, "--to", bob.address)
    assert (here["arrived"], here["delivered_here"][0]["recipient"]) == (True, bob.address)
    with server.imap(bob) as imap:
        imap.wait_for(here["message_id"])
    away = server.command.run("test-mail", "--from", ann.address, "--to", f"dora@{ELSEWHERE}", "--wait", "3")
    assert away.status == 1
    assert "waits for its first attempt" in away.output and "its outcome is not known yet" in away.output
    refusal = server.command.run("test-mail", "--from", f"eve@{ELSEWHERE}", "--to", bob.address)
    assert refusal.status == 1 and "not an address of this server" in refusal.errors
