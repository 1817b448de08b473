"""A service stays away for longer than the bus tries a message.

Mail is accepted meanwhile and delivered once when the service is back, without an operator.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from shared.bus.attempt import RETRY_SECONDS, TRIES_BEFORE_GIVEN_BACK
from shared.rpc.mailfold.mailstore.v1.scripts_pb2 import PutScriptRequest
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Reply
from tests.harness.waiting import PATIENCE, until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

SENDER = f"carl@{HONEST}"
_CALL_SECONDS = 2
_TRIED_SECONDS = sum(RETRY_SECONDS[: TRIES_BEFORE_GIVEN_BACK - 1]) * 1.25 + TRIES_BEFORE_GIVEN_BACK * _CALL_SECONDS
"""The longest time in seconds for which the bus tries a message."""
_SETTINGS = {
    "MAILFOLD_SERVER_CALL_TIMEOUT": str(_CALL_SECONDS),
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_INGRESS_REPEAT_FIRST": "1",
    "MAILFOLD_INGRESS_REPEAT_LONGEST": "5",
    "MAILFOLD_INGRESS_STUCK_AFTER": "1",
    "MAILFOLD_INGRESS_SCRIPT_SECONDS": "1",
}


Absence = Callable[[MailfoldServer, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[MailfoldServer]:
    """A server that gives every service a process of its own."""
    needs(nats)
    with MailfoldServer(layout="split", settings=_SETTINGS) as running:
        yield running


@contextmanager
def killed(server: MailfoldServer, name: str) -> Iterator[None]:
    """Kill the process at each of its starts."""
    begun, over = threading.Event(), threading.Event()

    def kill_again() -> None:
        while not over.wait(0.02):
            if pid := pid_of(server, name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                begun.set()

    killer = threading.Thread(target=kill_again)
    killer.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        over.set()
        killer.join()


@contextmanager
def hanging(server: MailfoldServer, name: str) -> Iterator[None]:
    """Stop the process, so that it exists and does nothing."""
    pid = pid_of(server, name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def pid_of(server: MailfoldServer, name: str) -> int:
    report = server.report()
    return next((process.pid for process in report.processes if process.name == name), 0) if report else 0


def send(server: MailfoldServer, person: Person, count: int) -> list[str]:
    """Send mails from outside; returns their Message-IDs."""
    sent = [compose(SENDER, person.address) for _ in range(count)]
    with server.smtp() as smtp:
        for result in sent:
            assert smtp.send(SENDER, [person.address], result.data).queue_id
    return [result.message_id for result in sent]


def submit(server: MailfoldServer, person: Person, *recipients: str) -> str:
    """Submit a user's mail; returns its queue id."""
    with server.submissions(person) as smtp:
        return smtp.send(person.address, list(recipients), compose(person.address, recipients[0]).data).queue_id


def unsettled(server: MailfoldServer) -> set[str]:
    return {reception.queue_id for reception in server.contracts.receptions()}


def ever_buried(server: MailfoldServer) -> list[str]:
    """The errors of all dead letters, including resolved ones."""
    return [dead_letter["error"] for dead_letter in server.command.json("deadletters", "list", "--retried")]


def assert_all_are_there_once(server: MailfoldServer, person: Person, message_ids: list[str]) -> None:
    with server.imap(person) as imap:
        for message_id in message_ids:
            imap.wait_for(message_id, seconds=60)
        assert imap.select() == len(message_ids)


@pytest.mark.parametrize("absence", [killed, hanging])
def test_a_mailbox_store_that_is_away_only_delays_mail(server: MailfoldServer, absence: Absence) -> None:
    """Before, each mail in progress became four dead letters after two minutes, and waited for an operator."""
    ann, bob = server.people.people("ann", "bob")
    with absence(server, "mailstore"):
        gone = time.monotonic()
        message_ids = send(server, ann, 20)
        elsewhere = submit(server, bob, f"dora@{HONEST}")
        until(lambda: elsewhere not in unsettled(server), "a mail that needs no mailbox", 60)
        both = submit(server, bob, f"dora@{HONEST}", ann.address)
        until(lambda: time.monotonic() - gone > _TRIED_SECONDS, "the bus's last try", 60)
        until(lambda: _reports_stuck_mail(server), "the stuck mails in the status", 60)
        assert len(unsettled(server)) == 21
    until(lambda: not unsettled(server), "every reception settled", 60)
    sent = {entry.recipient for entry in server.contracts.queue() if entry.queue_id == both}
    assert sent == {f"dora@{HONEST}"}
    with server.imap(ann) as imap:
        for message_id in message_ids:
            imap.wait_for(message_id)
        assert imap.select() == len(message_ids) + 1
    assert ever_buried(server) == []


@pytest.mark.parametrize("service", ["classifier", "delivery", "directory", "outbound"])
def test_every_other_service_may_be_away_as_well(server: MailfoldServer, service: str) -> None:
    ann, bob = server.people.people("ann", "bob")
    with killed(server, service):
        gone = time.monotonic()
        message_ids = send(server, ann, 5) if service != "directory" else []
        queue_ids = [submit(server, bob, f"dora@{HONEST}")] if service != "directory" else []
        until(lambda: time.monotonic() - gone > _TRIED_SECONDS, "the bus's last try", 60)
    message_ids += until(lambda: _send_if_possible(server, ann), "mail is accepted", 60)
    until(lambda: not unsettled(server), "every reception settled", 60)
    assert_all_are_there_once(server, ann, message_ids)
    queued = [entry.queue_id for entry in server.contracts.queue()]
    assert [queued.count(queue_id) for queue_id in queue_ids] == [1] * len(queue_ids)
    assert ever_buried(server) == []


def test_a_script_that_would_refuse_waits_for_a_delivery_that_is_away(server: MailfoldServer) -> None:
    """The client gets its 250, and the script decides when delivery is back."""
    ann = server.people.person("ann")
    source = 'require "ereject"; if header "subject" "no" { ereject "not you"; }'
    request = PutScriptRequest(owner=ann.account, name="rules", source=source.encode(), activate=True)
    server.contracts.ask("mailstore", ScriptsStub, "PutScript", request)
    until(lambda: reply_to(server, ann, "no").code == 550, "the script is known", 60)
    accepted = []
    for absence in (hanging, killed):
        with absence(server, "delivery"):
            accepted += [reply_to(server, ann, subject).queue_id for subject in ("no", "yes")]
    until(lambda: not unsettled(server), "every reception settled", 60)
    for queue_id, word in zip(accepted, ("ereject", "store", "ereject", "store"), strict=True):
        server.command.trace(queue_id, word, "settled")
    with server.imap(ann) as imap:
        assert imap.select() == 2
    assert ever_buried(server) == []


def reply_to(server: MailfoldServer, person: Person, subject: str) -> Reply:
    with server.smtp() as smtp:
        return smtp.send(SENDER, [person.address], compose(SENDER, person.address, subject=subject).data)


def _send_if_possible(server: MailfoldServer, person: Person) -> list[str]:
    with suppress(AssertionError, OSError):
        return send(server, person, 1)
    return []


def _reports_stuck_mail(server: MailfoldServer) -> bool:
    status = server.command.run("status")
    return status.status == 1 and "is on its way since" in status.output
