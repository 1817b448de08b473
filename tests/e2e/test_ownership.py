"""With PostgreSQL a command beside a start disturbs no service, and a process that lost its store is started again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from mailfold.supervisor.report import Process, State
from tests.harness.command import Ended
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats, postgres
from tests.parts.required import needs

SENDER = f"carl@{HONEST}"
READING = ("deadletters", "list"), ("user", "list")
"""The first calls every owner, one after the other."""
TRIES = 4


@pytest.fixture(scope="module")
def leased(postgres_server: postgres.PostgresServer) -> Iterator[MailfoldServer]:
    needs(nats)
    with MailfoldServer(store=postgres_server.create_database()) as running:
        yield running


class Beside:
    """Runs read-only commands again and again until the end of the block."""

    def __init__(self, server: MailfoldServer) -> None:
        self._server = server
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(words,)) for words in READING]
        self.done: list[Ended] = []

    def __enter__(self) -> Beside:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, words: Sequence[str]) -> None:
        while not self._over.is_set():
            self.done.append(self._server.command.run(*words, "--json"))


def deliver(server: MailfoldServer, person: Person) -> None:
    """Send a mail from outside and wait until it is in the mailbox."""
    sent = compose(SENDER, person.address)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [person.address], sent.data).queue_id
    with server.imap(person) as imap:
        imap.wait_for(sent.message_id)


def test_commands_that_read_while_the_server_starts_fence_nobody_out(leased: MailfoldServer) -> None:
    """The lease used to be taken under the service's own name, which shut the service out for good."""
    for _ in range(TRIES):
        leased.stop()
        with Beside(leased) as beside:
            leased.start()
        assert beside.done and {ended.status for ended in beside.done} == {0}
        deliver(leased, leased.people.person("ann"))
        report = leased.report()
        assert report and [process.restarts for process in report.processes] == [0] * len(report.processes)


def test_a_process_that_was_taken_over_ends_and_is_started_again(leased: MailfoldServer) -> None:
    ann = leased.people.person("ann")
    take_over(leased.store)
    until(lambda: core(leased).restarts == 1 and core(leased).state is State.RUNNING, "a new process", 60)
    assert "somebody else has taken the store over" in (leased.places.log / "core.log").read_text("utf-8", "replace")
    deliver(leased, ann)
    assert leased.command.run("status").status == 0


def take_over(url: str) -> None:
    """Take the lease over, as another installation does after it has expired."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE mailfold_mailstore.lease SET holder = 'somebody else 1f', fence = fence + 1, until = 0"
        )


def core(server: MailfoldServer) -> Process:
    report = server.report()
    assert report is not None
    return next(process for process in report.processes if process.name == "core")
