"""`mailfold status` names what is stopped, unreachable or stuck, and says what to do."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

SENDER = f"carl@{HONEST}"


@pytest.fixture(scope="module")
def watched() -> Iterator[MailfoldServer]:
    needs(nats)
    with MailfoldServer(settings={"MAILFOLD_INGRESS_STUCK_AFTER": "1"}) as running:
        yield running


def test_a_server_at_rest_is_well(watched: MailfoldServer) -> None:
    status = watched.status()
    assert (status["ready"], status["well"], status["troubles"]) == (True, True, [])
    idle = {service["name"]: service["idle"] for service in status["services"]}
    assert idle["ingress"].keys() >= {"repeater", "rounds-moving", "refusals", "follower-directory"}
    assert idle["eventlog"].keys() >= {"writer", "pruner", "follower-mailstore"}


def test_a_mail_that_is_stuck_is_named_with_what_to_do(watched: MailfoldServer) -> None:
    """The classifier is stopped: status names the mail that waits for it, although every process exists."""
    ann = watched.people.person("ann")
    mind = process(watched, "mind")
    os.kill(mind, signal.SIGSTOP)
    try:
        with watched.smtp() as smtp:
            queue_id = smtp.send(SENDER, [ann.address], compose(SENDER, ann.address).data).queue_id
        assert queue_id

        def is_named() -> bool:
            ended = watched.command.run("status")
            return ended.status == 1 and f"mail {queue_id} is on its way since" in ended.output

        until(is_named, "the stuck mail to be named", 60)
        report = watched.command.run("status", "--json")
        assert f"mailfold trace {queue_id}" in report.output
        assert '"what": "does not answer' in report.output or '"what":"does not answer' in report.output
    finally:
        os.kill(mind, signal.SIGCONT)
    watched.settled(60)
    until(lambda: watched.command.run("status").status == 0, "all to be well again", 60)


def process(server: MailfoldServer, name: str) -> int:
    report = server.report()
    assert report is not None
    return next(process.pid for process in report.processes if process.name == name)
