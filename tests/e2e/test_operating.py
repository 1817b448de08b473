"""What the operator uses: status, trace, events, settings, dead letters, verify, rebuild."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import nats
import pytest

from shared.bus.nats_server import read_access
from shared.bus.subjects import CLASSIFIED
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
SERVICES = {"ingress", "directory", "mailstore", "access", "delivery", "outbound", "eventlog", "classifier", "indexer"}


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The account whose mail is examined."""
    return server.people.person("ann")


def test_status(server: MailfoldServer) -> None:
    status = server.status()
    assert status["ready"] is True
    assert {service for process in status["processes"] for service in process["services"]} >= SERVICES
    assert len(status["processes"]) >= (8 if server.layout == "split" else 3)
    listening = {(listener["protocol"], listener["port"], listener["tls"]) for listener in status["listeners"]}
    expected = {
        ("smtp", 25, "starttls"),
        ("submission", 587, "starttls"),
        ("submissions", 465, "implicit"),
        ("imaps", 993, "implicit"),
        ("managesieve", 4190, "starttls"),
        ("pop3s", 995, "implicit"),
        ("pop3", 110, "starttls"),
    }
    assert listening >= {(protocol, server.port(port), tls) for protocol, port, tls in expected}


def test_status_is_readable_too(server: MailfoldServer) -> None:
    output = server.command("status")
    assert all(service in output for service in SERVICES), output


def test_trace_by_every_name(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        queue_id = smtp.send(SENDER, [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        imap.move(str(imap.wait_for(sent.message_id)), "Archive")
    expected = [
        "mail.received",
        "mail.classified",
        "delivery.planned",
        "message.delivered",
        "delivery.settled",
        "mail.settled",
        "message.moved",
    ]
    by_queue_id = until(lambda: complete(server, queue_id, expected), f"the whole life of {queue_id}")
    assert [entry["id"] for entry in by_queue_id] == [entry["id"] for entry in trace(server, sent.message_id)]
    server.command.trace(queue_id, ann.address, "Archive", "honest.example TXT", "0.00 of 5.00")


def test_trace_of_a_refusal(server: MailfoldServer) -> None:
    with server.smtp() as smtp:
        refusal = smtp.send(SENDER, ["nobody.at.all@example.org"], compose(SENDER, "nobody").data)
    outcome = until(lambda: complete(server, refusal.reference, ["mail.refused"]), f"the refusal {refusal.reference}")
    assert "nobody.at.all@example.org" in json.dumps(outcome)


def test_trace_of_nothing(server: MailfoldServer) -> None:
    ended = server.command.run("trace", "no-such-id")
    assert ended.status == 1 and "no-such-id" in ended.output + ended.errors


def test_events(server: MailfoldServer, ann: Person) -> None:
    log_events = until(lambda: server.command.json_lines("events", ann.address), f"events about {ann.address}")
    assert "account.added" in {entry["type"] for entry in log_events}
    assert {entry["type"] for entry in server.command.json_lines("events", "--type", "account.added")} == {
        "account.added"
    }


def test_events_of_an_area(server: MailfoldServer, ann: Person) -> None:
    """With its final dot or without; without it nothing used to be shown, with exit code 0."""
    for area in ("account", "account."):
        events = until(
            lambda: server.command.json_lines("events", ann.address, "--type", area),  # noqa: B023 -- called at once
            f"events of {area}",
        )
        types = {event["type"] for event in events}
        assert "account.added" in types and all(kind.startswith("account.") for kind in types)


def test_events_of_a_type_that_cannot_be(server: MailfoldServer) -> None:
    ended = server.command.run("events", "--type", "acount")
    assert ended.status == 2 and "acount" in ended.errors and "account" in ended.errors


def test_events_are_followed_as_they_come(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.command.following("events", "--follow", "--type", "mail.received", "--json") as lines:
        with server.smtp() as smtp:
            smtp.send(SENDER, [ann.address], sent.data)
        assert next(line for line in lines if sent.message_id in line)


def test_following_ends_when_nobody_reads_any_more(server: MailfoldServer, ann: Person) -> None:
    """It ends without a further event, which may take hours."""
    until(lambda: server.command.json_lines("events", ann.address), f"events about {ann.address}")
    reader, writer = os.pipe()
    with server.command.popen("events", ann.address, "--follow", stdout=writer) as process:
        os.close(writer)
        assert os.read(reader, 10)
        os.close(reader)
        assert (process.wait(60), process.stderr.read()) == (1, "")


def test_settings_are_shown_and_set(server: MailfoldServer) -> None:
    shown = {setting["name"]: setting for setting in server.command.json("settings", "show")}
    assert shown["ingress.max_recipients"]["value"] == "1000" and shown["ingress.max_recipients"]["description"]
    server.command("settings", "set", "ingress.max_recipients", "500")
    assert "max_recipients = 500" in server.places.settings_file.read_text()
    log_events = until(
        lambda: server.command.json_lines("events", "--type", "setting.changed"), "the change as an event"
    )
    assert "ingress.max_recipients" in json.dumps(log_events)


@pytest.mark.parametrize(
    ("name", "value"), [("ingress.max_recipients", "7"), ("ingress.max_recipients", "many"), ("no.such", "1")]
)
def test_a_wrong_setting_is_refused(server: MailfoldServer, name: str, value: str) -> None:
    ended = server.command.run("settings", "set", name, value)
    assert ended.status in (1, 2) and name in ended.errors + ended.output


@pytest.mark.all_layouts
def test_a_payload_nobody_understands_becomes_a_dead_letter(server: MailfoldServer) -> None:
    publish(server, CLASSIFIED.on(3), b"{ this is no event")
    (dead_letter_id,) = until(lambda: buried(server, "mail.classified"), "the dead letter", 60)
    shown = server.command("deadletters", "show", dead_letter_id)
    assert "mail.classified" in shown and "this is no event" in shown, shown
    ended = server.command.run("deadletters", "retry", dead_letter_id)
    assert ended.status == 1 and dead_letter_id in ended.output
    assert buried(server, "mail.classified") == [dead_letter_id]


@pytest.mark.all_layouts
def test_verify_finds_all_equal_and_rebuild_changes_nothing(server: MailfoldServer, ann: Person) -> None:
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address], sent.data)
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    server.settled()
    server.command("verify")
    server.command("rebuild")
    server.command("verify")
    with server.imap(ann) as imap:
        assert imap.wait_for(sent.message_id) == 1


def trace(server: MailfoldServer, name: str) -> list[dict[str, Any]]:
    """The events of a mail."""
    ended = server.command.run("trace", name, "--json")
    return json.loads(ended.output) if ended.status == 0 else []


def complete(server: MailfoldServer, name: str, expected: list[str]) -> list[dict[str, Any]]:
    """The events, once all these types are among them."""
    log_events = trace(server, name)
    return log_events if set(expected) <= {entry["type"] for entry in log_events} else []


def buried(server: MailfoldServer, what: str) -> list[str]:
    """The ids of the dead letters of one kind."""
    return [
        dead_letter["id"] for dead_letter in server.command.json("deadletters", "list") if dead_letter["what"] == what
    ]


def publish(server: MailfoldServer, subject: str, payload: bytes) -> None:
    """Publish a message that no service has made."""
    access = read_access(server.places.bus_file)
    assert access is not None

    async def send() -> None:
        client = await nats.connect(access.url, user=access.user, password=access.password)
        await client.jetstream().publish(subject, payload)
        await client.close()

    asyncio.run(send())
