"""Expensive commands: however large the mailbox, a turn of the event loop does little, and others are served in
between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from shared.turns import SHARE, Work
from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.turn_witness import TurnWitness

Connect = Callable[..., ImapClient]
_MESSAGES = 12_800
_ODD = ",".join(str(uid) for uid in range(1, _MESSAGES, 2))
"""A set of 6,400 ranges, which still fits into the longest allowed line."""
_COST = 4 * SHARE
"""The largest count of a turn, in the units of the budget: 20 ms."""
_CALLS = 200_000
"""The largest number of function calls in a turn: some 25 ms."""


class Asked(NamedTuple):
    """A command, the beginning of its response, and how many responses come before it (0: any number)."""

    command: str
    answer: str = "OK"
    responses: int = 0


_MAILBOX = [
    Asked("SELECT big"),
    Asked("STORE 1:* +FLAGS (\\Flagged)", responses=_MESSAGES),
    Asked("STORE 1:* +FLAGS.SILENT (" + " ".join(f"k{number}" for number in range(60)) + ")"),
    Asked("STORE 1:* -FLAGS.SILENT (" + " ".join(f"k{number}" for number in range(60)) + ")"),
    Asked("STORE 1:* +FLAGS (" + " ".join(f"m{number}" for number in range(8000)) + ")", "NO [LIMIT]"),
    Asked("FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)", responses=_MESSAGES),
    Asked("FETCH 1:2000 FULL", responses=2000),
    Asked("FETCH 1:20 (" + " ".join(f"BODY.PEEK[HEADER.FIELDS (X-{number})]" for number in range(500)) + ")"),
    Asked("SEARCH " + "OR FLAGGED " * 1900 + "FLAGGED", responses=1),
    Asked("SEARCH " + "OR SEEN " * 20 + "SEEN", responses=1),
    Asked("SEARCH " + " ".join(f"BODY text{number}" for number in range(1900)), "NO [LIMIT]"),
    Asked("SEARCH 1:300 " + " ".join(f"NOT BODY text{number}" for number in range(100)), responses=1),
    Asked(f"SEARCH {_ODD}", responses=1),
    Asked(f"UID SEARCH RETURN (SAVE) UID {_ODD}"),
    Asked("SEARCH RETURN (COUNT) $ $ $ $", responses=1),
    Asked("SEARCH RETURN (COUNT) " + "$ " * 100 + "$", "NO [LIMIT]"),
    Asked("FETCH $ (FLAGS)", responses=_MESSAGES // 2),
    Asked("SORT (SUBJECT REVERSE DATE DISPLAYFROM) UTF-8 ALL"),
    Asked("UID SORT RETURN (ALL COUNT SAVE) (REVERSE SIZE) UTF-8 ALL", responses=1),
    Asked("SORT (" + "REVERSE CC " * 5000 + "TO) UTF-8 ALL"),
    Asked("THREAD REFERENCES UTF-8 ALL"),
    Asked("THREAD ORDEREDSUBJECT UTF-8 ALL"),
    Asked("UID THREAD REFS UTF-8 ALL"),
    Asked("ESEARCH IN (personal subtree big mailboxes (" + "big " * 5000 + "big)) RETURN (COUNT) ALL", responses=1),
    Asked("UID SEARCH RETURN (UPDATE COUNT) SEEN", responses=1),
    Asked("UID SORT RETURN (UPDATE COUNT) (SUBJECT) UTF-8 FLAGGED", responses=1),
    Asked("SORT RETURN (UPDATE COUNT) (REVERSE SIZE) UTF-8 FLAGGED", responses=1),
    Asked(f"UID STORE {_ODD} -FLAGS.SILENT (\\Flagged)", responses=2),
    Asked(f"UID STORE {_ODD} +FLAGS.SILENT (\\Flagged)", responses=2),
    Asked('CANCELUPDATE "x"'),
    Asked("COPY 1:* copied"),
    Asked(f"UID COPY {_ODD} copied"),
    Asked("STATUS big (" + "MESSAGES UNSEEN " * 2000 + "SIZE)"),
    Asked(f"UID STORE {_ODD} +FLAGS.SILENT (\\Deleted)"),
    Asked(f"UID EXPUNGE {_ODD}", responses=_MESSAGES // 2 + 2),
    Asked("UID FETCH 1:* (FLAGS)", responses=_MESSAGES // 2),
    Asked("SELECT INBOX"),
    Asked("ENABLE QRESYNC " + "X " * 4000 + "X"),
    Asked(f"SELECT big (QRESYNC (@validity 1 {_ODD}))"),
    Asked("SELECT big (QRESYNC (@validity 1))", responses=_MESSAGES // 2),
    Asked("MOVE 1:* moved"),
    Asked("SELECT copied"),
    Asked("STORE 1:* +FLAGS.SILENT (\\Deleted)"),
    Asked("CLOSE"),
    Asked("SELECT moved"),
    Asked("RENAME moved here/and/there"),
    Asked("DELETE here/and/there"),
]
_NAMES = [
    Asked('LIST "" *'),
    Asked('LIST (SUBSCRIBED RECURSIVEMATCH) "" * RETURN (CHILDREN)'),
    Asked('LIST "" (' + " ".join(f"*{number}*a*b" for number in range(100)) + ")"),
    Asked('LIST "" * RETURN (STATUS (MESSAGES UNSEEN SIZE))'),
    Asked('LSUB "" *%'),
    Asked("RENAME tree other"),
    Asked("DELETE other/1"),
]


@pytest.fixture
def witness(server: ImapServer) -> Iterator[TurnWitness]:
    with TurnWitness(server.loop) as counting:
        yield counting


def test_commands_on_a_large_mailbox(server: ImapServer, connect: Connect, request: pytest.FixtureRequest) -> None:
    """Another session has the mailbox selected meanwhile, and is notified of what the command changed."""
    client, other = connect(), connect()
    client.socket.settimeout(120)
    _fill(client)
    other.ok("SELECT big")
    witness = request.getfixturevalue("witness")
    validity = other.ok("STATUS big (UIDVALIDITY)")[0].rpartition(b" ")[2].rstrip(b")").decode()
    for asked in _MAILBOX:
        command = asked.command.replace("@validity", validity)
        _within_a_turn(server, witness, client, asked._replace(command=command))
        _within_a_turn(server, witness, other, Asked("NOOP"))


def test_commands_on_many_names(server: ImapServer, connect: Connect, witness: TurnWitness) -> None:
    """Hundreds of mailboxes of two levels, half of them subscribed, created by pipelined commands."""
    client = connect()
    client.socket.settimeout(120)
    made = [f"CREATE tree/{number % 30}/{number}" for number in range(600)]
    made += [f"SUBSCRIBE tree/{number % 30}/{number}" for number in range(0, 600, 2)]
    _within_a_turn(
        server, witness, client, Asked("\r\n".join(["NOOP", *(f"x {command}" for command in made), "y NOOP"]))
    )
    while not client.line().startswith(b"y OK"):
        pass
    for asked in _NAMES:
        _within_a_turn(server, witness, client, asked)


def test_many_messages_in_one_append(server: ImapServer, connect: Connect, witness: TurnWitness) -> None:
    client = connect()
    messages = " ".join(f"{{{len(MAIL)}+}}\r\n{MAIL.decode()}" for _ in range(500))
    _within_a_turn(server, witness, client, Asked(f"APPEND INBOX {messages}"))


def _fill(client: ImapClient) -> None:
    for name in ("big", "copied", "moved"):
        client.ok(f"CREATE {name}")
    client.ok("SELECT big")
    for _ in range(100):
        client.append(MAIL, "big")
    size = 100
    while size < _MESSAGES:
        client.ok(f"UID COPY 1:{size} big")
        size *= 2
    client.ok("UNSELECT")


def _within_a_turn(server: ImapServer, witness: TurnWitness, client: ImapClient, asked: Asked) -> None:
    assert server.host is not None
    server.host.turns.longest = Work()
    witness.taken()
    answer, untagged = client.ask(asked.command)
    shown = asked.command[:60]
    assert answer.startswith(asked.answer.encode()), (shown, answer)
    fetched = [line for line in untagged if b" FETCH " in line or line.endswith(b" EXPUNGE") or b"SEARCH" in line]
    assert len(fetched) == asked.responses or not asked.responses, (shown, len(fetched))
    calls = witness.taken()
    assert server.host.turns.longest.cost <= _COST, (shown, server.host.turns.longest)
    assert calls <= _CALLS, (shown, calls)
