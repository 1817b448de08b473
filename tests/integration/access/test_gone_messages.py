"""How commands are answered about messages that another session expunged, while this session still counts them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient

Connect = Callable[..., ImapClient]
GONE = b"NO [EXPUNGEISSUED]"


@pytest.fixture
def sessions(connect: Connect) -> tuple[ImapClient, ImapClient]:
    """Two sessions with the same four messages."""
    first, second = connect(), connect()
    for _ in range(4):
        first.append(MAIL)
    for session in (first, second):
        session.ok("SELECT INBOX")
    return first, second


def expunge(session: ImapClient, uids: str) -> None:
    session.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
    session.ok("EXPUNGE")


def test_a_tagged_ok_states_what_the_client_knows_while_an_expunge_is_withheld(connect: Connect) -> None:
    """RFC 7162 §6: the MODSEQ of the client's own STORE is higher than that of an expunge it was not notified of."""
    other, client = connect(), connect()
    for _ in range(4):
        other.append(MAIL)
    other.ok("SELECT INBOX")
    client.ok("ENABLE QRESYNC")
    untagged = client.ok("SELECT INBOX")
    before = next(line for line in untagged if b"HIGHESTMODSEQ" in line).partition(b"] ")[0].split()[-1]
    expunge(other, "2")
    answer, untagged = client.ask("STORE 4 +FLAGS (\\Flagged)")
    assert any(line.startswith(b"* 4 FETCH (") and b"MODSEQ (8)" in line for line in untagged)
    assert answer == b"OK [HIGHESTMODSEQ %b] STORE completed" % before
    assert client.ask("FETCH 1 MODSEQ")[0] == b"OK [HIGHESTMODSEQ %b] FETCH completed" % before
    assert b'* STATUS "INBOX" (HIGHESTMODSEQ %b)' % before in client.ok("STATUS INBOX (HIGHESTMODSEQ)")
    assert client.ask("NOOP") == (b"OK NOOP completed", [])
    assert client.ask("STORE 3 +FLAGS.SILENT (\\Seen)") == (
        b"OK STORE completed",
        [b"* 3 FETCH (UID 4 MODSEQ (9))"],
    )


def test_a_client_that_reconnects_is_notified_of_the_withheld_expunge(connect: Connect) -> None:
    other, client = connect(), connect()
    for _ in range(4):
        other.append(MAIL)
    other.ok("SELECT INBOX")
    client.ok("ENABLE QRESYNC")
    untagged = client.ok("SELECT INBOX")
    validity = next(line for line in untagged if b"UIDVALIDITY" in line).partition(b"] ")[0].split()[-1]
    expunge(other, "2")
    answer, _ = client.ask("STORE 4 +FLAGS (\\Flagged)")
    modseq = answer.partition(b"] ")[0].split()[-1]
    client.close()
    again = connect()
    again.ok("ENABLE QRESYNC")
    assert b"* VANISHED (EARLIER) 2" in again.ok(f"SELECT INBOX (QRESYNC ({validity.decode()} {modseq.decode()}))")


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
@pytest.mark.parametrize("uid", ["", "UID "])
def test_copy_and_move_take_all_or_nothing(sessions: tuple[ImapClient, ImapClient], verb: str, uid: str) -> None:
    """RFC 2180 §4.4, RFC 3501 §6.4.7: EXPUNGE comes before the refusal, so that the next try can succeed."""
    first, second = sessions
    expunge(first, "2")
    answer, untagged = second.ask(f"{uid}{verb} 1:3 Archive")
    assert answer.startswith(GONE)
    assert b"* 2 EXPUNGE" in untagged
    assert b'* STATUS "Archive" (MESSAGES 0)' in second.ok("STATUS Archive (MESSAGES)")
    assert b'* STATUS "INBOX" (MESSAGES 3)' in second.ok("STATUS INBOX (MESSAGES)")
    assert second.ask(f"{uid}{verb} 1:2 Archive")[0].startswith(b"OK")


def test_copy_passes_over_uids_that_the_client_cannot_count(sessions: tuple[ImapClient, ImapClient]) -> None:
    """RFC 3501 §6.4.8: a UID without a message is no error."""
    first, second = sessions
    expunge(first, "2")
    second.ok("NOOP")
    assert b"COPYUID" in second.ask("UID COPY 1:99 Archive")[0]
    assert second.ask("UID MOVE 2 Archive")[0] == b"OK MOVE completed"


@pytest.mark.parametrize("command", ["FETCH {} FLAGS", "FETCH {} BODY[]", "STORE {} +FLAGS (\\Seen)"])
def test_messages_that_are_all_gone(sessions: tuple[ImapClient, ImapClient], command: str) -> None:
    """RFC 2180 §4.1, §4.2: NO for sequence numbers; for UIDs the messages are skipped and the EXPUNGE is sent."""
    first, second = sessions
    expunge(first, "2:3")
    assert second.ask(command.format("2:3"))[0].startswith(GONE)
    answer, untagged = second.ask(command.format("1:2"))
    assert answer.startswith(b"OK [EXPUNGEISSUED]")
    assert any(line.startswith(b"* 1 FETCH") for line in untagged)
    answer, untagged = second.ask("UID " + command.format("2:3"))
    assert answer.startswith(b"OK [EXPUNGEISSUED]")
    assert [line for line in untagged if b"EXPUNGE" in line] == [b"* 3 EXPUNGE", b"* 2 EXPUNGE"]


def test_the_uid_of_a_message_that_is_gone(sessions: tuple[ImapClient, ImapClient]) -> None:
    """RFC 2180 §4.1.1: what the session itself knows is still answered, until the client was notified."""
    first, second = sessions
    expunge(first, "2")
    assert second.ask("FETCH 2:3 UID") == (b"OK FETCH completed", [b"* 2 FETCH (UID 2)", b"* 3 FETCH (UID 3)"])


@pytest.mark.parametrize("returns", ["", "RETURN (COUNT) "])
def test_a_search_says_that_messages_are_gone(sessions: tuple[ImapClient, ImapClient], returns: str) -> None:
    """RFC 5530 §3."""
    first, second = sessions
    expunge(first, "2")
    assert second.ask(f"SEARCH {returns}ALL")[0] == b"OK [EXPUNGEISSUED] SEARCH completed"
    second.ok("NOOP")
    assert second.ask(f"SEARCH {returns}ALL")[0] == b"OK SEARCH completed"
