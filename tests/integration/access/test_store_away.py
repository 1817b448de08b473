"""What a client is told when the mailbox store does not answer in the middle of a command."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import AsyncMock

import pytest

from services.access.commands.message_intake import MessageIntake
from shared.grpc.errors import Unavailable
from tests.harness.mails import MAIL
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.test_managesieve import Failing


def away(server: ImapServer, method: str) -> Failing:
    path = f"/mailfold.mailstore.v1.Mailstore/{method}"
    return Failing(server, path, Unavailable("the store is starting"), service="mailstore")


def test_a_log_in_whose_account_cannot_be_opened_leaves_the_client_logged_out(server: ImapServer, user: str) -> None:
    client = ImapClient(server, "")
    log_in = f'LOGIN {user}@example.org "{PASSWORD}"'
    with away(server, "OpenAccount"):
        answer, _ = client.ask(log_in)
        assert answer.startswith(b"NO [UNAVAILABLE]")
    assert client.ask("SELECT INBOX")[0].startswith(b"BAD")
    assert client.ask('LIST "" *')[0].startswith(b"BAD")
    client.ok(log_in)
    client.ok("SELECT INBOX")
    client.close()


def test_an_append_that_fails_in_the_middle_is_answered_and_the_session_goes_on(
    server: ImapServer, connect: Callable[..., ImapClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the command is read, whether the client waits for `+` or not."""

    client = connect()
    for error, code in ((RuntimeError("unforeseen"), b"SERVERBUG"), (Unavailable("starting"), b"UNAVAILABLE")):
        with monkeypatch.context() as broken:
            broken.setattr(MessageIntake, "take", AsyncMock(side_effect=error))
            client.send(b"a APPEND INBOX {%d+}\r\n%b {3+}\r\nabc\r\n" % (len(MAIL), MAIL))
            assert client.finish(b"a")[0].startswith(b"NO [" + code)
            client.send(b"b APPEND INBOX {%d}\r\n" % len(MAIL))
            assert client.finish(b"b")[0].startswith(b"NO [" + code)
        client.append(MAIL)
    client.close()


@pytest.mark.parametrize("extension", ["CONDSTORE", "QRESYNC"])
def test_what_has_moved_is_answered_ok_even_if_it_cannot_be_reported_yet(
    server: ImapServer, connect: Callable[..., ImapClient], extension: str
) -> None:
    client = connect()
    client.ok(f"ENABLE {extension}")
    client.ok("CREATE Old")
    for _ in range(3):
        client.append(MAIL)
    client.ok("SELECT INBOX")
    client.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    with away(server, "Changes"):
        moved, untagged = client.ask("UID MOVE 1 Old")
        expunged, _ = client.ask("EXPUNGE")
    assert b"COPYUID" in untagged[0]
    # RFC 7162 §6: the client would take the HIGHESTMODSEQ for a state that it does not know yet.
    assert moved == b"OK MOVE completed"
    assert expunged == b"OK EXPUNGE completed"
    gone = [line for line in client.ok("NOOP") if b"EXPUNGE" in line or b"VANISHED" in line]
    assert gone == ([b"* VANISHED 1,3"] if extension == "QRESYNC" else [b"* 3 EXPUNGE", b"* 1 EXPUNGE"])


def test_idle_goes_on_while_changes_cannot_be_read(server: ImapServer, connect: Callable[..., ImapClient]) -> None:
    client, other = connect(), connect()
    client.ok("SELECT INBOX")
    tag = client.begin("IDLE")
    assert client.line().startswith(b"+ ")
    failing = away(server, "Changes")
    with failing:
        other.append(MAIL)
        until(lambda: failing.failures > 1, "the session has asked for the changes")
    other.append(MAIL)
    while client.line() != b"* 2 EXISTS":
        pass
    client.send(b"DONE\r\n")
    assert client.finish(tag)[0].startswith(b"OK")
