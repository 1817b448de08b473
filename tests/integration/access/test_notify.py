"""NOTIFY with many mailboxes and fast changes: what a session is told is right, and others are served."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.turn_witness import TurnWitness

Connect = Callable[..., ImapClient]
_CALLS = 200_000
"""The largest number of function calls in a turn: some 25 ms."""
_ALL = "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"
_STATUS = re.compile(rb'\* STATUS "([^"]*)" \(MESSAGES (\d+) ')


def create(client: ImapClient, names: list[str]) -> None:
    client.send(b"".join(f"c{number} CREATE {name}\r\n".encode() for number, name in enumerate(names)))
    for number in range(len(names)):
        assert client.finish(b"c%d" % number)[0].startswith(b"OK")


def counts(lines: list[bytes]) -> dict[bytes, int]:
    return {match[1]: int(match[2]) for line in lines if (match := _STATUS.match(line))}


def test_thousands_of_mailboxes(server: ImapServer, connect: Connect) -> None:
    watching, busy, other = connect(), connect(), connect("other")
    create(busy, [f"m{number}" for number in range(2000)])
    with TurnWitness(server.loop) as witness:
        assert len(counts(watching.ok(f"NOTIFY SET STATUS {_ALL}"))) >= 2000
        busy.append(b"hello", "m1999")
        assert counts([watching.line()]) == {b"m1999": 1}
        other.ok("NOOP")
        busy.ok("RENAME m1998 renamed")
        assert watching.line() == b'* LIST () "/" "renamed" ("OLDNAME" ("m1998"))'
        busy.send(b"".join(b"d%d DELETE m%d\r\n" % (number, number) for number in range(1000)))
        for number in range(1000):
            busy.finish(b"d%d" % number)
        gone = {watching.line() for _ in range(1000)}
    assert gone == {b'* LIST (\\NonExistent) "/" "m%d"' % number for number in range(1000)}
    assert witness.most <= _CALLS


def test_fast_changes_are_folded_and_end_right(connect: Connect) -> None:
    watching, busy = connect(), connect()
    watching.ok(f"NOTIFY SET {_ALL}")
    message = b" {5+}\r\nhello"
    for number in range(300):
        busy.send(b"a%d APPEND Archive%b\r\n" % (number, message))
    for number in range(300):
        assert busy.finish(b"a%d" % number)[0].startswith(b"OK")
    seen: list[int] = []
    while not seen or seen[-1] < 300:
        seen += counts([watching.line()]).values()
    assert seen == sorted(set(seen))
    assert watching.ok("NOOP") == []


def test_a_silent_mailbox_is_heard_of_when_it_is_asked_for(connect: Connect) -> None:
    watching, busy = connect(), connect()
    watching.ok("NOTIFY NONE")
    watching.ok("SELECT INBOX")
    for _ in range(5):
        busy.append(b"hello")
    assert watching.ok("NOOP") == []
    assert b"* 5 EXISTS" in watching.ok("NOTIFY SET (selected (MessageNew MessageExpunge))")
    busy.append(b"hello")
    assert watching.line() == b"* 6 EXISTS"
    watching.ok("UNSELECT")
    assert watching.ok("NOOP") == []


def test_more_mailboxes_than_may_be_watched(server: ImapServer, connect: Connect) -> None:
    watching, busy = connect(), connect()
    settings = server.app("access")._settings  # type: ignore[attr-defined]
    most = settings.notify_mailboxes
    try:
        msgspec.structs.force_setattr(settings, "notify_mailboxes", 7)
        watching.ok(f"NOTIFY SET {_ALL}")
        create(busy, ["one-more", "another"])
        lines = [watching.line() for _ in range(3)]
        assert b"* OK [NOTIFICATIONOVERFLOW] There are too many mailboxes to watch" in lines
        create(busy, ["unseen"])
        assert watching.ok("NOOP") == []
        assert watching.ask(f"NOTIFY SET {_ALL}")[0].startswith(b"NO [NOTIFICATIONOVERFLOW]")
    finally:
        msgspec.structs.force_setattr(settings, "notify_mailboxes", most)


def test_thousands_of_names_and_groups(server: ImapServer, connect: Connect) -> None:
    """What a client asks for may be long; a mailbox is compared with all of it in the same time."""
    watching, busy = connect(), connect()
    create(busy, [f"tree/m{number}" for number in range(1000)])
    events = "(MessageNew MessageExpunge)"
    names = " ".join(f"n{number}" for number in range(450))
    groups = " ".join(f"(subtree s{number} {events})" for number in range(90))
    with TurnWitness(server.loop) as witness:
        command = f"NOTIFY SET STATUS {groups} (mailboxes ({names}) {events}) (subtree ({names} tree) {events})"
        answer, lines = watching.ask(command)
        assert answer.startswith(b"OK"), answer
        assert len(counts(lines)) == 1001
        busy.append(b"hello", "tree/m7")
        assert counts([watching.line()]) == {b"tree/m7": 1}
        too_long = f"(mailboxes ({'n ' * 1_000}n) {events})", f"(subtree s {events}) " * 100 + f"(personal {events})"
        for most in too_long:
            answer = watching.ask(f"NOTIFY SET {most}")[0]
            assert answer.startswith((b"NO [NOTIFICATIONOVERFLOW]", b"BAD List is too long")), answer
    assert witness.most <= _CALLS


def test_the_first_group_that_names_a_mailbox_holds(connect: Connect) -> None:
    watching, busy = connect(), connect()
    create(busy, ["a", "a/b"])
    events = "(MessageNew MessageExpunge)"
    shown = watching.ok(
        f"NOTIFY SET STATUS (mailboxes a/b NONE) (subtree a {events}) (mailboxes INBOX {events}) (personal NONE)"
    )
    assert counts(shown).keys() == {b"a", b"INBOX"}
    assert b"a/b" in counts(watching.ok(f"NOTIFY SET STATUS (subtree a {events}) (mailboxes a/b NONE)"))
