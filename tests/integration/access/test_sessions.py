"""Several sessions with one mailbox: what each is notified of, and when."""

from __future__ import annotations

from collections.abc import Callable

from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts.nats import NatsServer

Connect = Callable[..., ImapClient]


def selected(connect: Connect) -> ImapClient:
    client = connect()
    client.ok("SELECT INBOX")
    return client


def test_idle_reports_new_mail(server: ImapServer, connect: Connect, user: str) -> None:
    client = selected(connect)
    tag = client.begin("IDLE")
    assert client.line() == b"+ idling"
    for count in range(1, 6):
        server.deliver(user, MAIL)
        assert client.line() == b"* %d EXISTS" % count
        assert client.line() == b"* %d RECENT" % count
    client.send(b"DONE\r\n")
    assert client.finish(tag)[0] == b"OK IDLE completed"


def test_idle_reports_flags_and_expunges(connect: Connect) -> None:
    watcher, doer = selected(connect), selected(connect)
    doer.append(MAIL)
    doer.append(MAIL)
    watcher.ok("NOOP")
    tag = watcher.begin("IDLE")
    watcher.line()
    doer.ok("STORE 1 +FLAGS (\\Deleted)")
    assert watcher.line() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted))"
    doer.ok("EXPUNGE")
    assert watcher.line() == b"* 1 EXPUNGE"
    doer.ok("CREATE elsewhere")
    doer.append(MAIL, "elsewhere")
    watcher.send(b"DONE\r\n")
    assert watcher.finish(tag) == (b"OK IDLE completed", [])


def test_idle_without_a_mailbox(connect: Connect) -> None:
    client = connect()
    tag = client.begin("IDLE")
    assert client.line() == b"+ idling"
    client.send(b"DONE\r\n")
    assert client.finish(tag)[0] == b"OK IDLE completed"


def test_expunge_waits_until_numbers_may_change(connect: Connect) -> None:
    """RFC 3501 §7.4.1: not during FETCH, STORE or SEARCH, which use sequence numbers."""
    watcher, doer = selected(connect), selected(connect)
    for _ in range(3):
        doer.append(MAIL)
    watcher.ok("NOOP")
    doer.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    doer.ok("EXPUNGE")
    doer.append(MAIL)
    assert watcher.ok("FETCH 3 UID") == [b"* 3 FETCH (UID 3)", b"* 4 EXISTS"]
    assert watcher.ask("FETCH 1:2 FLAGS") == (
        b"OK [EXPUNGEISSUED] FETCH completed; some messages are gone",
        [b"* 2 FETCH (FLAGS ())"],
    )
    assert watcher.ask("SEARCH ALL") == (b"OK [EXPUNGEISSUED] SEARCH completed", [b"* SEARCH 2 3 4"])
    assert watcher.ok("UID SEARCH ALL") == [b"* SEARCH 2 3 4", b"* 1 EXPUNGE"]
    assert watcher.ok("FETCH 1 UID") == [b"* 1 FETCH (UID 2)"]


def test_own_silent_store_does_not_hide_what_others_did(connect: Connect) -> None:
    entry, two = selected(connect), selected(connect)
    entry.append(MAIL)
    two.ok("NOOP")
    entry.ok("STORE 1 +FLAGS (\\Flagged)")
    # what others did was reported within the command, so the client is told what the flags are after it
    assert two.ok("STORE 1 +FLAGS.SILENT (\\Seen)") == [
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged))",
        b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged))",
    ]
    assert two.ok("NOOP") == []
    assert entry.ok("NOOP") == [b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged \\Recent))"]


def test_conditional_store_loses_against_another(connect: Connect) -> None:
    entry, two = selected(connect), selected(connect)
    entry.append(MAIL)
    two.ok("NOOP")
    entry.ok("STORE 1 +FLAGS (\\Flagged)")
    answer, reported = two.ask("STORE 1 (UNCHANGEDSINCE 2) +FLAGS (\\Seen)")
    assert answer.startswith(b"OK [MODIFIED 1]")
    assert reported == [
        b"* OK [HIGHESTMODSEQ 2] Highest MODSEQ",
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (3))",
    ]


def test_mailbox_deleted_by_another(connect: Connect) -> None:
    entry, two = connect(), connect()
    entry.ok("CREATE doomed")
    two.ok("SELECT doomed")
    entry.ok("DELETE doomed")
    assert two.ask("NOOP")[0] == b"OK NOOP completed"
    assert two.line() == b"* BYE The selected mailbox is gone"


def test_mailbox_made_again_has_another_uidvalidity(connect: Connect) -> None:
    client = connect()
    seen = set()
    for _ in range(4):
        client.ok("CREATE again")
        seen.add(next(line for line in client.ok("STATUS again (UIDVALIDITY)")))
        client.ok("DELETE again")
    assert len(seen) == 4


def test_qresync_after_others_worked(connect: Connect) -> None:
    entry = selected(connect)
    for _ in range(5):
        entry.append(MAIL)
    entry.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
    entry.ok("EXPUNGE")
    entry.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    entry.append(MAIL)
    two = connect()
    two.ok("ENABLE QRESYNC")
    validity = next(line for line in two.ok("STATUS INBOX (UIDVALIDITY)")).split()[-1].rstrip(b")").decode()
    reported = two.ok(f"SELECT INBOX (QRESYNC ({validity} 5 1:5))")
    assert b"* VANISHED (EARLIER) 2,4" in reported
    assert b"* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (9))" in reported
    assert b"* 3 FETCH (UID 5 FLAGS () MODSEQ (6))" in reported
    assert not any(line.startswith(b"* 4 FETCH") for line in reported)


def test_idle_survives_a_wiped_bus(server: ImapServer, bus_server: NatsServer, connect: Connect, user: str) -> None:
    client = selected(connect)
    tag = client.begin("IDLE")
    client.line()
    bus_server.stop()
    server.deliver(user, MAIL)
    bus_server.wipe()
    assert client.line() == b"* 1 EXISTS"
    assert client.line() == b"* 1 RECENT"
    server.deliver(user, MAIL)
    assert client.line() == b"* 2 EXISTS"
    assert client.line() == b"* 2 RECENT"
    client.send(b"DONE\r\n")
    assert client.finish(tag)[0] == b"OK IDLE completed"


def test_noop_without_the_bus_asks_the_store(
    server: ImapServer, bus_server: NatsServer, connect: Connect, user: str
) -> None:
    client = selected(connect)
    bus_server.stop()
    server.deliver(user, MAIL)
    try:
        while not client.ok("NOOP"):
            pass
    finally:
        bus_server.restart()


def test_a_keyword_is_in_flags_before_a_message_shows_it(connect: Connect) -> None:
    """RFC 3501 §7.2.6: FLAGS lists the mailbox's keywords, including another session's new one."""
    entry, two = selected(connect), selected(connect)
    entry.append(MAIL)
    two.ok("NOOP")
    entry.ok("STORE 1 +FLAGS.SILENT ($New)")
    reported = two.ok("FETCH 1 FLAGS")
    assert reported[0] == b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)"
    assert reported[-1] == b"* 1 FETCH (FLAGS ($New))"


def test_what_a_fetch_marks_seen_is_seen_by_others_at_once(connect: Connect) -> None:
    entry, two = selected(connect), selected(connect)
    entry.append(MAIL)
    two.ok("NOOP")
    entry.ok("FETCH 1 BODY[TEXT]")
    assert two.ok("NOOP") == [b"* 1 FETCH (UID 1 FLAGS (\\Seen))"]
