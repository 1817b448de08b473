"""`mailfold blobs sweep` deletes the bodies that nobody needs, and no other."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

DOMAIN = "sweep.example"
CARL = f"carl@{HONEST}"
_TWO_DAYS = 172_800


def test_bodies_of_an_erased_account_are_deleted_and_shared_ones_stay(server: MailfoldServer) -> None:
    server.command("domain", "add", DOMAIN, "--incoming")
    gone, ann = server.people.people("gone", "ann", domain=DOMAIN)
    shared = receive(server, [gone.address, ann.address])
    own = receive(server, [gone.address])
    theirs = receive(server, [ann.address])
    server.settled()
    assert len(own) == len(shared) == len(theirs) == 1
    before = contents(server, ann)
    server.command("account", "remove", gone.address, "--delete", "--yes", "--references", "end")
    until(lambda: all(erasure["completed_at"] for erasure in erasures(server)), "the end of the erasure")
    sweep = ("blobs", "sweep", "--older-than", "24")
    server.command.json(*sweep)
    assert own <= files(server), "what is younger may be on its way to a service"
    for path in own | shared | theirs:
        os.utime(path, (time.time() - _TWO_DAYS,) * 2)
    assert server.command.json(*sweep, "--dry-run")["unneeded"] == 1
    assert own <= files(server), "a dry run deletes nothing"
    swept = server.command.json(*sweep)
    assert (swept["unneeded"], swept["deleted"], swept["has_more"]) == (1, 1, False)
    assert not own & files(server)
    assert shared | theirs <= files(server)
    assert contents(server, ann) == before
    server.command("verify")
    refused = server.command.run("blobs", "sweep", "--older-than", "0")
    assert (refused.status, "at least 0.17 hours" in refused.errors) == (2, True)


def erasures(server: MailfoldServer) -> list[dict[str, int]]:
    return list(server.command.json("archive", "erasures")["erasures"])


def receive(server: MailfoldServer, recipients: list[str]) -> set[Path]:
    """Send a mail; returns the files of blobs that are new."""
    there = files(server)
    mail = compose(CARL, recipients[0])
    with server.smtp() as smtp:
        assert str(smtp.send(CARL, recipients, mail.data)).startswith("250 ")
    return files(server) - there


def files(server: MailfoldServer) -> set[Path]:
    return {path for path in (server.data / "blobs").glob("g*/*") if len(path.name) == 64}


def contents(server: MailfoldServer, person: Person) -> list[bytes]:
    with server.imap(person) as imap:
        imap.select()
        return [imap.fetch(uid) for uid in imap.uids("ALL")]
