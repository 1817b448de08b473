"""When the operator disables a log-in, its open sessions end, and no copy of a password hash remains."""

from __future__ import annotations

import contextlib
import imaplib
import os
import signal
from collections.abc import Iterator

import pytest

from tests.harness.imap import Imap
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until

pytestmark = pytest.mark.all_layouts

CHANGED, SWITCHED_OFF, REMOVED = (
    "The password was changed; log in again",
    "This account was switched off",
    "This account was removed",
)


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A logged-in user."""
    return server.people.person("ann")


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (("user", "password", "{user}", "--password-stdin"), CHANGED),
        (("user", "disable", "{user}"), SWITCHED_OFF),
        (("account", "disable", "{address}"), SWITCHED_OFF),
        (("account", "remove", "{address}", "--archive"), REMOVED),
    ],
)
def test_sessions_end_with_the_command(
    server: MailfoldServer, ann: Person, words: tuple[str, ...], reported: str
) -> None:
    bob = server.people.person("bob")
    with session(server, ann) as imap, server.imap(bob) as others, server.submissions(ann) as smtp:
        server.command(*(word.format(user=ann.user, address=ann.address) for word in words), text="another secret\n")
        assert imap.connection.readline() == f"* BYE {reported}\r\n".encode()
        refusal = until(lambda: refused(smtp, ann.address), "the end of the submission session")
        assert reported in refusal
        assert others.connection.noop()[0] == "OK"


def test_sessions_end_though_the_directory_was_killed_meanwhile(server: MailfoldServer, ann: Person) -> None:
    """In the layout small the sessions end with their process, which is also the directory's."""
    with session(server, ann) as imap:
        before = directory(server)
        os.kill(before, signal.SIGKILL)
        until(lambda: directory(server) not in (0, before) and server.status()["ready"], "the directory to be back", 60)
        server.command("user", "password", ann.user, "--password-stdin", text="another secret\n")
        assert last_words(imap) == (b"" if server.layout == "small" else f"* BYE {CHANGED}\r\n".encode())
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(ann)


def test_no_hash_is_in_the_event_log(server: MailfoldServer, ann: Person) -> None:
    server.command("user", "password", ann.user, "--password-stdin", text="another secret\n")
    until(lambda: server.command.json_lines("events", "--type", "user.password_changed"), "the change in the log")
    files = [*server.places.data.glob("store/eventlog.sqlite*")]
    assert bool(files) == (not server.store)
    assert [file.name for file in files if b"argon2" in file.read_bytes()] == []


@contextlib.contextmanager
def session(server: MailfoldServer, person: Person) -> Iterator[Imap]:
    """A session that the server will end; it is closed without LOGOUT."""
    imap = server.imap(person)
    try:
        yield imap
    finally:
        imap.connection.shutdown()


def last_words(imap: Imap) -> bytes:
    """What the server sends at the end of a session; empty when its process was killed."""
    with contextlib.suppress(OSError):  # connection reset, or TLS ended without close_notify
        return imap.connection.readline()
    return b""


def refused(smtp: Smtp, sender: str) -> str:
    """The text of the reply that ends the session; empty while a transaction can still begin (it is then reset)."""
    reply = smtp.command(f"MAIL FROM:<{sender}>".encode())
    if reply.code != 421:
        smtp.command(b"RSET")
        return ""
    return f"{reply.code} {reply.text}"


def directory(server: MailfoldServer) -> int:
    """The process id of the directory; 0 while it does not run."""
    report = server.report()
    return next((process.pid for process in report.processes if "directory" in process.services), 0) if report else 0
