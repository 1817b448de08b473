"""Floods of connections to a process with 1024 file descriptors affect only the flooded listener."""

from __future__ import annotations

import pytest

from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS, MANAGESIEVE, POP3, POP3S, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.hostile.conftest import DESCRIPTORS
from tests.hostile.connections import SilentConnections

_FLOOD = 1400
_POLITELY_REFUSED = 16
"""Seconds in which refused clients may finish their handshake and read the reason."""
_SENDER = f"bob@{HONEST}"
_SERVICES = {
    IMAPS: ("access", "imaps"),
    SUBMISSIONS: ("ingress", "submissions"),
    MANAGESIEVE: ("access", "managesieve"),
    POP3S: ("access", "pop3s"),
    POP3: ("access", "pop3"),
}


def listener(server: MailfoldServer, port: int) -> owner_pb2.Listener:
    """What the listener's service reports about it."""
    service, protocol = _SERVICES[port]
    reply = server.contracts.ask(service, OwnerStub, "Report", owner_pb2.ReportRequest())
    row: owner_pb2.Listener = next(row for row in reply.listeners if row.protocol == protocol)
    return row


def turned_away(server: MailfoldServer, port: int) -> int:
    """Connections since the start that were refused or replaced."""
    row = listener(server, port)
    return row.refused + row.displaced


def deliver(server: MailfoldServer, person: Person, imap: Imap) -> None:
    """Send a mail on port 25 and wait until the session sees it."""
    mail = compose(_SENDER, person.address)
    with server.smtp() as smtp:
        assert smtp.send(_SENDER, [person.address], mail.data).code == 250
    imap.wait_for(mail.message_id)


@pytest.mark.parametrize("port", [IMAPS, SUBMISSIONS])
def test_silent_connections_cost_their_own_listener_alone(server: MailfoldServer, port: int) -> None:
    """1,400 silent connections from four addresses to a port with implicit TLS.

    Mail that arrives on 25 is delivered, an open session continues, new sessions are accepted on the flooded port too,
    and `status` reports the flood. Afterwards everything is as before.
    """
    person = server.people.person("ann")
    with server.imap(person) as imap, SilentConnections(server.port(port)) as flood:
        before, already = listener(server, port), turned_away(server, port)
        for number in range(4):
            flood.open(_FLOOD // 4, f"127.0.0.{number + 2}")
        too_many = _FLOOD - (before.room - before.connections)
        until(lambda: turned_away(server, port) - already >= too_many, "the server has seen them all")
        row = next(row for row in server.status()["listeners"] if row["port"] == server.port(port))
        assert row["connections"] <= row["room"] < row["promised"]
        assert row["refused"] + row["displaced"] >= too_many
        until(lambda: flood.held() <= row["room"] + _POLITELY_REFUSED, "the others are closed")
        deliver(server, person, imap)
        with server.imap(person) as second, server.submissions(person) as submission:
            second.select()
            assert submission.command(b"NOOP").code == 250
        flood.close()
        until(lambda: listener(server, port).connections == before.connections, "the flood is forgotten")
        deliver(server, person, imap)


def test_listeners_of_a_process_fit_its_descriptors(server: MailfoldServer) -> None:
    """Two descriptors for each possible connection, and a reserve."""
    rows = {row["protocol"]: row for row in server.status()["listeners"]}
    assert sum(rows[name]["room"] for name in ("smtp", "submission", "submissions")) * 2 < DESCRIPTORS - 200
    assert (rows["imaps"]["room"] + rows["managesieve"]["room"]) * 2 < DESCRIPTORS - 200


def test_status_says_that_the_limit_is_below_what_the_settings_promise(server: MailfoldServer) -> None:
    """In the text and in the JSON, with the limit that would be enough."""
    report = server.status()
    needed = {result["name"]: result["descriptors_needed"] for result in report["services"] if result["descriptors"]}
    assert needed == {"access": (10_000 + 500 + 2 * 2000) * 2 + 512, "ingress": 3 * 2000 * 2 + 512}
    assert len(report["warnings"]) == 2
    text = server.command("status")
    for warning in report["warnings"]:
        assert warning in text
        assert "ulimit -n" in warning
    assert "29512" in text and "12512" in text and f"may open {DESCRIPTORS} files" in text
