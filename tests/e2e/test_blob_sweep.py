"""`mailfold blobs sweep` deletes the bodies that nobody needs, and no other."""

from __future__ import annotations

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.stored_blobs import StoredBlobs
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
    assert own <= digests(server), "what is younger may be on its way to a service"
    StoredBlobs(server.places.blobs).make_older(own | shared | theirs, _TWO_DAYS)
    assert server.command.json(*sweep, "--dry-run")["unneeded"] == 1
    assert own <= digests(server), "a dry run deletes nothing"
    swept = server.command.json(*sweep)
    assert (swept["unneeded"], swept["deleted"], swept["has_more"]) == (1, 1, False)
    assert not own & digests(server)
    assert shared | theirs <= digests(server)
    assert contents(server, ann) == before
    server.command("verify")
    refused = server.command.run("blobs", "sweep", "--older-than", "0")
    assert (refused.status, "at least 0.17 hours" in refused.errors) == (2, True)


def erasures(server: MailfoldServer) -> list[dict[str, int]]:
    return list(server.command.json("archive", "erasures")["erasures"])


def receive(server: MailfoldServer, recipients: list[str]) -> set[str]:
    """Send a mail; returns the digests of blobs that are new."""
    there = digests(server)
    mail = compose(CARL, recipients[0])
    with server.smtp() as smtp:
        assert str(smtp.send(CARL, recipients, mail.data)).startswith("250 ")
    return digests(server) - there


def digests(server: MailfoldServer) -> set[str]:
    return StoredBlobs(server.places.blobs).digests()


def contents(server: MailfoldServer, person: Person) -> list[bytes]:
    with server.imap(person) as imap:
        imap.select()
        return [imap.fetch(uid) for uid in imap.uids("ALL")]
