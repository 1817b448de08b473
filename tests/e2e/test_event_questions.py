"""Questions to the event log by command: filters, charts, and what an admin of a domain may see."""

from __future__ import annotations

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

SENDER = "eve@honest.example"


def test_filters_charts_and_rights(server: MailfoldServer) -> None:
    mine, other = "asked-a.example", "asked-b.example"
    for domain in (mine, other):
        server.command("domain", "add", domain, "--incoming")
    ann, bob = server.people.person("ann", domain=mine), server.people.person("bob", domain=other)
    server.command("user", "add", "carla-asks", "--password-stdin", text="correct horse\n")
    server.command("role", "give", "carla-asks", "domain-admin", mine)
    server.followed()
    with server.smtp() as smtp:
        smtp.send(SENDER, [ann.address, bob.address], compose(SENDER, ann.address).data)
    until(
        lambda: len(server.command.json_lines("events", "--address", ann.address, "--type", "message.delivered")) == 1,
        "the delivery to ann",
    )
    (received,) = server.command.json_lines("events", "--domain", mine, "--type", "mail.received")
    queue_id = received["data"]["queue_id"]
    whole = server.command.json_lines("events", "--queue-id", queue_id)
    oldest = server.command.json_lines("events", "--queue-id", queue_id, "--oldest", "--limit", "1")
    assert oldest == whole[:1]
    assert server.command.json_lines(
        "events", "--account", bob.address, "--result", "delivered", "--queue-id", queue_id
    )
    assert server.command.json_lines("events", "--remote", "127.0.0.1", "--queue-id", queue_id) == [received]
    assert sum(bar["stored"] for bar in server.command.json("chart", "--domain", mine)) == 1
    assert "stored after" in server.command("chart", "--days", "--domain", mine)

    as_carla = ("--as", "carla-asks")
    (seen,) = server.command.json_lines(*as_carla, "events", "--domain", mine, "--type", "mail.received")
    assert seen["data"]["addresses"] == [ann.address]
    assert bob.address not in str(seen)
    assert sum(bar["stored"] for bar in server.command.json(*as_carla, "chart", "--domain", mine)) == 1
    for words in (("events",), ("events", "--domain", other), ("chart",), ("events", "a text", "--domain", mine)):
        with pytest.raises(CommandFailed):
            server.command(*as_carla, *words)
    with pytest.raises(CommandFailed):
        server.command("--as", ann.user, "events", "--domain", mine)
