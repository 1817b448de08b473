"""A deleted account is erased from every service, through kills, and mail of other people stays as it is."""

from __future__ import annotations

import imaplib
from pathlib import Path
from typing import Any

import pytest

from tests.harness.layouts import LAYOUTS
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.planted import files_of, places_of
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

CARL = f"quokkacarl@{HONEST}"
FAR = f"wombatfar@{HONEST}"
DOMAIN = "erasure.example"
BY_CARL, TO_ALIAS, BY_ANN, OUTSIDE = "narwhal", "axolotl", "pangolin", "capybara"
"""Subjects of mails that are the account's alone."""
BODY, DISPLAY = "ocelotbody", "Tapirname"
SCRIPT, SCRIPT_NAME = "kookaburra", "platypus"
"""A word in a script of the account, and its name."""
SHARED, BY_BOB = "dromedary", "chinchilla"
"""Subjects of mails that bob has too."""


@pytest.fixture(params=LAYOUTS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A server of the test alone, because it is killed and its files are read."""
    needs(nats)
    layout, store = request.param.split("-")
    url = request.getfixturevalue("postgres_server").create_database() if store == "postgres" else ""
    with MailfoldServer(tmp_path / "data", layout=layout, store=url) as running:
        yield running


def receive(server: MailfoldServer, recipients: list[str], subject: str) -> str:
    fields = (b"X-Author: " + DISPLAY.encode(),)
    mail = compose(CARL, recipients[0], subject=subject, body=BODY.encode() + b"\r\n", fields=fields)
    with server.smtp() as smtp:
        assert str(smtp.send(CARL, recipients, mail.data)).startswith("250 ")
    return mail.message_id


def submit(server: MailfoldServer, person: Person, recipient: str, subject: str) -> str:
    mail = compose(f"{DISPLAY} <{person.address}>", recipient, subject=subject)
    with server.submissions(person) as smtp:
        assert str(smtp.send(person.address, [recipient], mail.data)).startswith("250 ")
    return mail.message_id


def lives(server: MailfoldServer, ann: Person, bob: Person, alias: str) -> list[bytes]:
    """Mail of ann alone and with bob, a lesson and log-ins; returns the messages of bob."""
    first = receive(server, [ann.address], BY_CARL)
    receive(server, [alias], TO_ALIAS)
    ids = [receive(server, [ann.address, bob.address], SHARED), submit(server, ann, bob.address, BY_ANN)]
    submit(server, bob, ann.address, BY_BOB)
    submit(server, ann, FAR, OUTSIDE)
    server.settled()
    with server.imap(ann) as imap:
        imap.wait_for(first)
        until(lambda: imap.select() == 4, "the mail of ann")
        imap.connection.uid("MOVE", str(imap.find(first)[0]), "Spam")
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(Person(ann.user, ann.address, ann.account, "wrong"))
    with server.imap(bob) as imap:
        for message_id in ids:
            imap.wait_for(message_id)
    return contents(server, bob)


def contents(server: MailfoldServer, person: Person) -> list[bytes]:
    with server.imap(person) as imap:
        imap.select()
        return [imap.fetch(uid) for uid in imap.uids("ALL")]


def erasure(server: MailfoldServer) -> dict[str, Any]:
    (shown,) = server.command.json("archive", "erasures")["erasures"]
    return dict(shown)


def test_nothing_is_left_of_a_deleted_account(server: MailfoldServer) -> None:
    server.command("domain", "add", DOMAIN, "--incoming")
    keeper, bob = server.people.people("keeper", "bob", domain=DOMAIN)
    address = f"numbatann@{DOMAIN}"
    ann = Person(keeper.user, address, server.command.json("account", "add", address, "--user", keeper.user)["id"])
    alias = f"info@{DOMAIN}"
    server.command("alias", "add", alias, ann.address)
    news = f"news@{DOMAIN}"
    server.command("list", "add", news, "--owner", bob.address)
    server.command("list", "join", news, ann.address, bob.address)
    server.command("domain", "set", DOMAIN, "catch_all", ann.address)
    before = lives(server, ann, bob, alias)
    until(lambda: server.count("classifier", "spam_seen") == 1, "the lesson of ann")
    server.command("sieve", "put", ann.address, SCRIPT_NAME, "-", "--activate", text=f"# {SCRIPT}\n")
    server.command("sieve", "put", ann.address, SCRIPT_NAME, "-", text=f"# {SCRIPT} again\n")
    until(lambda: server.command("events", "--type", "script").count("script.put") == 2, "the log has the scripts")
    secret = [ann.address, BY_CARL, TO_ALIAS, BY_ANN, OUTSIDE, BODY, SCRIPT, SCRIPT_NAME]
    assert {place.partition(".")[0] for place in places_of(server, secret)} == {
        "directory",
        "ingress",
        "delivery",
        "mailstore",
        "outbound",
        "eventlog",
    }
    removed = server.command.json("account", "remove", ann.address, "--delete", "--yes", "--references", "end")
    server.kill()
    server.start()
    until(lambda: "1 mails are in the queue" in erasure(server)["state"], "the wait for the queue")
    assert server.count("directory", "open_erasures") == 1
    assert places_of(server, [OUTSIDE]), "what is under way is kept"
    (entry,) = server.command.json("queue", "list")["entries"]
    server.kill()
    server.start()
    server.command("queue", "cancel", entry["id"])
    until(lambda: erasure(server)["completed_at"] > 0, "the end of the erasure")
    assert (erasure(server)["account"], erasure(server)["state"]) == (removed["id"], "done")
    assert server.count("directory", "open_erasures") == 0
    assert server.count("classifier", "spam_seen") == 0
    assert contents(server, bob) == before
    server.command("verify")
    theirs = {f"mailstore.{table}: {word}" for table in ("entry", "event") for word in (ann.address, BY_ANN)}
    assert "\n".join(sorted(set(places_of(server, secret)) - theirs)) == "", "only bob's copy of ann's mail has them"
    server.stop()
    theirs_too = "blobs/", "store/mailstore."
    kept = [place for place in files_of(server.data, secret) if not place.startswith(theirs_too)]
    kept = [place for place in kept if not (place.startswith("index/") and f"{bob.account}.sqlite" in place)]
    assert "\n".join(kept) == ""
    server.start()
    server.command("verify")
    assert contents(server, bob) == before
