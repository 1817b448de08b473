"""Wrong passwords of all protocols close an account to their client; the operator sees it, and the owner goes on."""

from __future__ import annotations

import poplib

import pytest

from tests.harness.managesieve import ManageSieve
from tests.harness.ports import MANAGESIEVE, POP3S, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until
from tests.hostile.imap_log_in import log_in_side_by_side

pytestmark = pytest.mark.all_layouts
STRANGER, HOME = "127.0.6.1", "127.0.6.2"


def test_a_lockout_holds_for_all_protocols_and_over_a_restart(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    assert log_in_side_by_side(server, ann, [ann.password], HOME)[0].startswith(b"OK")
    with Smtp(server.port(SUBMISSIONS), tls=server.tls()) as smtp:
        assert smtp.log_in(ann.address, "wrong at SMTP").code == 535
    log_in_side_by_side(server, ann, [f"wrong {number}" for number in range(8)])
    with Smtp(server.port(SUBMISSIONS), tls=server.tls()) as smtp:
        assert smtp.log_in(ann.address, "one more").code == 535
        assert smtp.log_in(ann.address, ann.password).code == 454
    assert log_in_side_by_side(server, ann, [ann.password], HOME)[0].startswith(b"OK")
    (listed,) = server.command.json("lockouts", "list", "--account", ann.address)
    assert (listed["kind"], listed["network"]) == ("client", "127.0.0.1")
    assert "10 different wrong passwords" in listed["reason"]
    directory = next(row for row in server.status()["services"] if row["name"] == "directory")
    assert directory["counts"]["lockouts"] >= 1
    server.restart()
    assert [row["ends_at"] > row["began_at"] for row in server.command.json("lockouts", "list")] != []
    assert log_in_side_by_side(server, ann, [ann.password])[0].startswith(b"NO [UNAVAILABLE]")
    server.command("verify")
    assert server.command.json("lockouts", "lift", "--account", ann.address)
    assert log_in_side_by_side(server, ann, [ann.password])[0].startswith(b"OK")

    def names() -> list[str]:
        events = server.command.json_lines("events", ann.account, "--type", "lockout")
        return [event["type"] for event in events]

    until(lambda: names() == ["lockout.started", "lockout.lifted"], "the events")
    entries = server.command.json("journal", "--account", ann.address, "--kind", "lockout")
    assert [entry["type"] for entry in entries] == ["lockout.lifted", "lockout.started"]


def refused_by_pop3(server: MailfoldServer, address: str, password: str) -> str:
    """What POP3 answers to a password that it does not take; empty when it does."""
    client = poplib.POP3_SSL("localhost", server.port(POP3S), context=server.tls(), timeout=60)
    try:
        client.user(address)
        client.pass_(password)
    except poplib.error_proto as error:
        return str(error)
    finally:
        client.close()
    return ""


def test_managesieve_and_pop3_count_with_the_others(server: MailfoldServer) -> None:
    """Five wrong passwords by each close the account to both, and to IMAP, at this address alone."""
    ben = server.people.person("ben")
    server.command("account", "pop3", ben.address, "on")
    for number in range(5):
        with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
            assert sieve.log_in(ben.address, f"wrong sieve {number}").startswith(b"NO")
        assert "[AUTH]" in refused_by_pop3(server, ben.address, f"wrong pop {number}")
    assert "[SYS/TEMP]" in refused_by_pop3(server, ben.address, ben.password)
    with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
        assert sieve.log_in(ben.address, ben.password).startswith(b"NO (TRYLATER)")
    assert log_in_side_by_side(server, ben, [ben.password])[0].startswith(b"NO [UNAVAILABLE]")
    (listed,) = server.command.json("lockouts", "list", "--account", ben.address)
    assert "10 different wrong passwords" in listed["reason"] and "by pop3" in listed["reason"]
    assert server.command.json("lockouts", "lift", "--account", ben.address)
    assert refused_by_pop3(server, ben.address, ben.password) == ""
    with ManageSieve(server.port(MANAGESIEVE), server.tls()) as sieve:
        assert sieve.log_in(ben.address, ben.password).startswith(b"OK")
