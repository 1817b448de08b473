"""The demo sends mail to other servers into its sink, and respects a relay that the operator has set."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailfold.supervisor.report import read_report
from shared.places import Places
from tests.harness.mails import compose
from tests.harness.smtp import Smtp
from tests.harness.waiting import until
from tests.integration.mailfold.test_up import Server, run
from tests.parts import nats
from tests.parts.required import needs

ELSEWHERE = "somebody@elsewhere.example"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Server]:
    """A running demo that has printed its instructions."""
    needs(nats)
    server = Server(tmp_path / "data", "demo")
    server.wait("sink show NAME")
    yield server
    server.stop(signal.SIGKILL)


def kept(server: Server) -> list[dict[str, Any]]:
    """The mails in the sink."""
    mails: list[dict[str, Any]] = json.loads(run("sink", "list", "--json", "--data", str(server.data)).stdout)
    return mails


def sent(server: Server, to: str) -> tuple[str, str]:
    """Send a mail from ann over port 587; returns its Message-ID and its queue id."""
    ann = json.loads((server.data / "demo.json").read_text())[0]
    port = next(row["port"] for row in server.status()["listeners"] if row["protocol"] == "submission")
    mail = compose(ann["address"], to)
    with Smtp(port) as smtp:
        smtp.start_tls(ssl.create_default_context(cafile=str(server.data / "tls" / "ca.pem")))
        assert smtp.log_in(ann["address"], ann["password"]).code == 235
        queue_id = smtp.send(ann["address"], [to], mail.data).queue_id
    assert queue_id
    return mail.message_id, queue_id


def test_mail_to_another_server_is_in_the_sink_and_nowhere_else(demo: Server) -> None:
    message_id, queue_id = sent(demo, ELSEWHERE)
    until(lambda: bool(kept(demo)), "a mail in the sink")
    (mail,) = kept(demo)
    assert (mail["sender"], mail["recipients"]) == ("ann@example.test", [ELSEWHERE])
    assert mail["message_id"] == f"<{message_id}>"
    where = ("--data", str(demo.data))
    text = run("sink", "show", mail["name"], *where).stdout
    assert "DKIM-Signature: " in text and "d=example.test" in text and "this is a test." in text
    to_sink = f"[127.0.0.1]:{sink_port(demo)}, without TLS"
    until(lambda: f"delivered for <{ELSEWHERE}> to {to_sink}" in run("trace", queue_id, *where).stdout, "its trace")
    assert f"delivered to {to_sink}; it replied: " in run("queue", "show", queue_id, *where).stdout
    tried = json.loads(
        run("test-mail", "--from", "ann@example.test", "--to", ELSEWHERE, "--wait", "30", "--json", *where).stdout
    )
    assert tried["arrived"] and [entry["state"] for entry in tried["sent"]] == ["delivered"]
    assert len(kept(demo)) == 2
    assert f"a sink at 127.0.0.1 port {sink_port(demo)}" in demo.output.read_text()
    assert demo.stop() == 0


def sink_port(server: Server) -> int:
    port: int = json.loads((server.data / "demo-relay.json").read_text())["port"]
    return port


def test_a_sink_that_was_killed_is_started_again_and_no_mail_is_lost(demo: Server) -> None:
    report = read_report(Places(demo.data).processes)
    assert report is not None
    (pid,) = [process.pid for process in report.processes if process.name == "sink"]
    os.kill(pid, signal.SIGKILL)
    sent(demo, ELSEWHERE)

    def is_kept() -> bool:
        run("queue", "retry", "--all", "--data", str(demo.data))
        return len(kept(demo)) == 1

    until(is_kept, "the mail in the sink", 40)
    after = read_report(Places(demo.data).processes)
    assert after is not None
    assert [process.restarts for process in after.processes if process.name == "sink"] == [1]


def test_an_operators_own_relay_is_left_alone_and_said(demo: Server) -> None:
    where = ("--data", str(demo.data))
    assert (
        run("relay", "set", "default", "smarthost", "--host", "relay.example", "--port", "587", *where).returncode == 0
    )
    assert demo.stop() == 0
    again = Server(demo.data, "demo")
    try:
        text = again.wait("LEAVES this machine")
        assert "your default relay sends it to relay.example port 587" in text
        shown = json.loads(run("relay", "show", "default", "--json", *where).stdout)
        assert shown["host"] == "relay.example"
        assert run("relay", "remove", "default", *where).returncode == 0
    finally:
        assert again.stop() == 0


def test_the_relay_follows_the_sink_to_another_port_before_mail_is_sent(demo: Server) -> None:
    where = ("--data", str(demo.data))
    before = sink_port(demo)
    assert demo.stop() == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", before))
        taken.listen()
        again = Server(demo.data, "demo")
        try:
            again.wait("sink show NAME")
            assert sink_port(again) != before
            assert json.loads(run("relay", "show", "default", "--json", *where).stdout)["port"] == sink_port(again)
        finally:
            assert again.stop() == 0
