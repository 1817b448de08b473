"""Stops, crashes and a bus that lost its memory: what was accepted is there, once."""

from __future__ import annotations

import os
import shutil
import signal

from tests.harness.letters import letter
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
SMALL_QUEUE = 100
SECOND_START_SECONDS = 5.0
"""On a machine that does nothing else."""


def send(server: MailfoldServer, person: Person) -> str:
    """A mail from outside; its Message-ID."""
    sent = letter(SENDER, person.address)
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
        queue_id = smtp.send(bob.address, [f"dora@{HONEST}"], letter(bob.address, f"dora@{HONEST}").data).queue_id
    server.settled()
    server.restart()
    assert server.start_seconds < SECOND_START_SECONDS * busyness()
    with server.imap(ann) as imap:
        assert "\\Flagged" in imap.flags(imap.wait_for(message_id))
        assert imap.connection.status("INBOX", "(UIDVALIDITY UIDNEXT)") == validity
    assert queue_id in {entry.queue_id for entry in server.contracts.queue()}
    assert server.command("trace", queue_id)
    with server.imap(ann) as imap:
        imap.wait_for(send(server, ann))


def test_a_power_cut_loses_nothing(server: MailfoldServer) -> None:
    people = server.people.people("ann", "bob", "cat")
    sent = [(person, send(server, person)) for person in people for _ in range(5)]
    server.kill()
    server.start()
    server.settled(40)
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
    until(lambda: _pid_of(server, bus.name) not in (0, bus.pid), "the bus is back", 30)
    message_id = send(server, ann)
    with server.imap(ann) as imap:
        imap.wait_for(message_id, seconds=40)
    server.settled(40)


def _pid_of(server: MailfoldServer, name: str) -> int:
    report = server.report()
    return next((process.pid for process in report.processes if process.name == name), 0) if report else 0


def busyness() -> float:
    """How many programs share one core here, one at least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_step_that_cannot_be_done_is_kept_and_done_later(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    waiting = len(server.contracts.queue())
    server.extra["MAILFOLD_OUTBOUND_MAX_WAITING"] = str(SMALL_QUEUE)
    server.restart()
    recipients = [f"dora{number}@{HONEST}" for number in range(SMALL_QUEUE - waiting)]
    with server.submissions(ann) as smtp:
        smtp.send(ann.address, recipients, letter(ann.address, recipients[0]).data)
        server.settled()
        late = smtp.send(ann.address, [f"late@{HONEST}"], letter(ann.address, f"late@{HONEST}").data).queue_id
    buried = until(
        lambda: [one["id"] for one in server.command.json("deadletters", "list") if one["queue_id"] == late],
        "the dead letter",
        40,
    )
    held = until(
        lambda: [one.queue_id for one in server.contracts.receptions() if one.state == "held"], "the held reception"
    )
    assert held == [late] and late not in {entry.queue_id for entry in server.contracts.queue()}
    del server.extra["MAILFOLD_OUTBOUND_MAX_WAITING"]
    server.restart()
    assert [one.queue_id for one in server.contracts.receptions() if one.state == "held"] == [late]
    server.command("deadletters", "retry", *buried)
    until(lambda: late not in {one.queue_id for one in server.contracts.receptions()}, "the reception's release")
    assert [entry.recipient for entry in server.contracts.queue() if entry.queue_id == late] == [f"late@{HONEST}"]
    assert late not in {one["queue_id"] for one in server.command.json("deadletters", "list")}
