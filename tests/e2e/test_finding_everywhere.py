"""SORT, THREAD, MULTISEARCH and All Mail ask the text index, and find what SEARCH in each mailbox finds."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness.imap_wire import Wire, literal
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

_MAILBOXES = int(os.environ.get("MAILFOLD_TEST_SEARCHED_MAILBOXES", "6"))
_MESSAGES = 45
"""In each mailbox: enough that a search asks the index."""


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("everywhere")


@pytest.fixture
def imap(server: MailfoldServer, ann: Person) -> Iterator[Wire]:
    plain = socket.create_connection(("localhost", server.port(IMAPS)))
    wire = Wire(server.tls().wrap_socket(plain, server_hostname="localhost"))
    wire.ok(f'LOGIN {ann.address} "{ann.password}"')
    yield wire
    wire.close()


def _fill(wire: Wire, mailbox: str, at: int) -> None:
    texts = [
        f"Subject: note {number}\r\n\r\nabout topic{number % 9} in place{at}\r\n".encode()
        for number in range(_MESSAGES)
    ]
    wire.ok(f"APPEND {mailbox} ".encode() + b" ".join(map(literal, texts)))


def _asked(server: MailfoldServer, ask: Callable[[], str]) -> tuple[str, int]:
    """The answer, and how many searches the index helped with."""
    before = server.count("mailstore", "searches_indexed")
    answer = ask()
    return answer, server.count("mailstore", "searches_indexed") - before


def _all_mail_has(wire: Wire, messages: int) -> bool:
    return f"b'{messages}', b'EXISTS'" in repr(wire.ok('EXAMINE "All Mail"').lines)


def test_every_searching_command_asks_the_index(
    server: MailfoldServer, ann: Person, imap: Wire, show: Callable[[str], None]
) -> None:
    for at in range(_MAILBOXES):
        imap.ok(f"CREATE place{at}")
        _fill(imap, f"place{at}", at)
    server.command("account", "all-mail", ann.address, "on")
    imap.ok("SELECT place0")
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    for key in ("BODY topic7", "FUZZY TEXT topic7"):
        for command in (f"UID SEARCH {key}", f"UID SORT (SUBJECT) UTF-8 {key}", f"UID THREAD REFS UTF-8 {key}"):
            answer, indexed = _asked(server, lambda command=command: repr(imap.ok(command).lines))  # type: ignore[misc]
            assert sorted(map(int, re.findall(r"[0-9]+", answer))) == [8, 17, 26, 35, 44], answer
            assert indexed == 1, command
        began = time.perf_counter()
        for at in range(_MAILBOXES):
            imap.ok(f"EXAMINE place{at}")
            imap.ok(f"UID SEARCH {key}")
        middle = time.perf_counter()
        imap.ok(f"ESEARCH IN (personal) {key}")
        taken = (time.perf_counter() - middle) / (middle - began)
        answer, indexed = _asked(server, lambda key=key: repr(imap.ok(f"ESEARCH IN (personal) {key}").lines))  # type: ignore[misc]
        assert len(re.findall("8,17,26,35,44", answer)) == indexed == _MAILBOXES
        show(f"{key} in {_MAILBOXES} mailboxes: ESEARCH takes {taken:.2f} of as many SEARCHes")
    until(lambda: _all_mail_has(imap, _MAILBOXES * _MESSAGES), "All Mail is filled")
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    answer, indexed = _asked(server, lambda: repr(imap.ok("UID SEARCH BODY topic7").lines))
    assert len(re.findall(r"[0-9]+", answer)) == 5 * _MAILBOXES
    assert indexed == 1
