"""After stops, crashes and a wiped bus every accepted mail is there exactly once."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

pytestmark = pytest.mark.all_layouts

SENDER = f"carl@{HONEST}"
SMALL_QUEUE = 100


def send(server: MailfoldServer, person: Person) -> str:
    """Send a mail from outside; returns its Message-ID."""
    sent = compose(SENDER, person.address)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address], sent.data).queue_id
    return sent.message_id


def test_all_is_there_after_a_restart(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    message_id = send(server, ann)
    with server.imap(ann) as imap:
        imap.store(imap.wait_for(message_id), "+FLAGS (\\Flagged)")
        validity = imap.connection.status("INBOX", "(UIDVALIDITY UIDNEXT)")
    with server.submissions(bob) as smtp:
        queue_id = smtp.send(bob.address, [f"dora@{HONEST}"], compose(bob.address, f"dora@{HONEST}").data).queue_id
    made = server.command.json("application", "add", f"{bob.user}.app@example.org", "--limit", "2")
    shop = Person(made["address"], made["address"], made["id"], made["password"])
    with server.submissions(shop) as smtp:
        assert smtp.send(shop.address, [bob.address], compose(shop.address, bob.address).data).queue_id
    server.settled()
    server.restart()
    print(f"\nthe second start took {server.start_seconds:.1f} s")
    assert all(process.restarts == 0 for process in server.report().processes)
    with server.imap(ann) as imap:
        assert "\\Flagged" in imap.flags(imap.wait_for(message_id))
        assert imap.connection.status("INBOX", "(UIDVALIDITY UIDNEXT)") == validity
    assert queue_id in {entry.queue_id for entry in server.contracts.queue()}
    assert server.command("trace", queue_id)
    with server.imap(ann) as imap:
        imap.wait_for(send(server, ann))
    with server.submissions(shop) as smtp:
        assert smtp.send(shop.address, [bob.address], compose(shop.address, bob.address).data).queue_id
        assert smtp.command(f"MAIL FROM:<{shop.address}>".encode()).code == 450


def test_a_power_cut_loses_nothing(server: MailfoldServer) -> None:
    people = server.people.people("ann", "bob", "cat")
    sent = [(person, send(server, person)) for person in people for _ in range(5)]
    server.kill()
    server.start()
    server.settled(60)
    for person, message_id in sent:
        with server.imap(person) as imap:
            imap.wait_for(message_id)
    for person in people:
        with server.imap(person) as imap:
            assert imap.select() == 5


def test_wiping_the_bus_under_an_idle_system(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    server.settled()
    report = server.report()
    assert report is not None
    (bus,) = [process for process in report.processes if "nats" in process.name]
    os.kill(bus.pid, signal.SIGSTOP)
    shutil.rmtree(server.places.nats / "jetstream")
    os.kill(bus.pid, signal.SIGKILL)
    until(lambda: _pid_of(server, bus.name) not in (0, bus.pid), "the bus is back", 60)
    message_id = send(server, ann)
    with server.imap(ann) as imap:
        imap.wait_for(message_id, seconds=60)
    server.settled(60)


def _pid_of(server: MailfoldServer, name: str) -> int:
    report = server.report()
    return next((process.pid for process in report.processes if process.name == name), 0) if report else 0


@pytest.fixture
def crowded(server: MailfoldServer) -> Iterator[MailfoldServer]:
    """A server whose outbound queue takes SMALL_QUEUE entries and is full."""
    server.extra["MAILFOLD_OUTBOUND_MAX_WAITING"] = str(SMALL_QUEUE)
    server.restart()
    ann = server.people.person("ann")
    recipients = [f"dora{number}@{HONEST}" for number in range(SMALL_QUEUE - len(server.contracts.queue()))]
    if recipients:
        with server.submissions(ann) as smtp:
            smtp.send(ann.address, recipients, compose(ann.address, recipients[0]).data)
    server.settled()
    try:
        yield server
    finally:
        make_room(server)


def make_room(server: MailfoldServer) -> None:
    for name in ("OUTBOUND_MAX_WAITING", "INGRESS_EXPIRE_DAYS", "INGRESS_REPEAT_LONGEST"):
        server.extra.pop(f"MAILFOLD_{name}", None)
    server.restart()


def submit(server: MailfoldServer, recipient: str) -> str:
    """Submit a user's mail; returns its queue id."""
    person = server.people.person("bob")
    with server.submissions(person) as smtp:
        return smtp.send(person.address, [recipient], compose(person.address, recipient).data).queue_id


def state_of(server: MailfoldServer, queue_id: str) -> str:
    """The reception's state: `moving`, `held`, or empty when it is settled."""
    return next((reception.state for reception in server.contracts.receptions() if reception.queue_id == queue_id), "")


def dead_letters_of(server: MailfoldServer, queue_id: str) -> list[dict[str, Any]]:
    """The dead letters of a mail."""
    return [
        dead_letter for dead_letter in server.command.json("deadletters", "list") if dead_letter["queue_id"] == queue_id
    ]


def repeats_of(server: MailfoldServer, queue_id: str) -> int:
    return next((reception.repeats for reception in server.contracts.receptions() if reception.queue_id == queue_id), 0)


def recipients_of(server: MailfoldServer, queue_id: str) -> list[str]:
    """The recipients of a mail in the outbound queue."""
    return [entry.recipient for entry in server.contracts.queue() if entry.queue_id == queue_id]


def test_mail_for_a_full_queue_waits_without_a_dead_letter_until_there_is_room(crowded: MailfoldServer) -> None:
    late = submit(crowded, f"late@{HONEST}")
    until(lambda: repeats_of(crowded, late) >= 2, "two repeats", 60)
    assert (state_of(crowded, late), dead_letters_of(crowded, late), recipients_of(crowded, late)) == ("moving", [], [])
    make_room(crowded)
    until(lambda: not state_of(crowded, late), "the reception's release", 60)
    assert recipients_of(crowded, late) == [f"late@{HONEST}"]


def test_what_is_not_settled_within_its_days_is_kept_and_done_later(crowded: MailfoldServer) -> None:
    crowded.extra |= {
        "MAILFOLD_INGRESS_EXPIRE_DAYS": "0.00005",
        "MAILFOLD_INGRESS_REPEAT_LONGEST": "5",
        "MAILFOLD_INGRESS_REPEAT_HELD": "5",
    }
    crowded.restart()
    late = submit(crowded, f"late@{HONEST}")
    until(lambda: state_of(crowded, late) == "held", "the held reception", 60)
    (buried,) = dead_letters_of(crowded, late)
    assert (buried["service"], buried["what"]) == ("ingress", "mail.unsettled")
    assert crowded.status()["dead_letters"] == len(crowded.command.json("deadletters", "list"))
    crowded.command("deadletters", "retry", buried["id"])
    again = until(lambda: dead_letters_of(crowded, late), "its second end", 60)
    assert again[0]["id"] != buried["id"]
    make_room(crowded)
    until(lambda: not state_of(crowded, late), "the reception's release", 60)
    until(lambda: not dead_letters_of(crowded, late), "the dead letter's end")
    assert recipients_of(crowded, late) == [f"late@{HONEST}"]
