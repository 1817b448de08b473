"""LIST and LSUB over thousands of names do not block other sessions."""

from __future__ import annotations

from collections.abc import Callable

from shared.turns import SHARE, Work
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer

Connect = Callable[..., ImapClient]
_BOXES, _DEEP, _DEPTH = 400, 200, 30
_COUNTS = {
    'LIST "" *': _BOXES + 40 + 6,
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" *': _BOXES // 2 + _DEEP + 6,
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" %': 20 + _DEEP + 6,
    'LSUB "" %': 20 + _DEEP + 6,
    'LSUB "" *%': _BOXES // 2 + 20 + _DEEP * _DEPTH + 6,
}


def test_names_are_matched_in_turns(server: ImapServer, connect: Connect) -> None:
    """400 mailboxes, half of them subscribed, and 200 subscribed names of 30 levels without a mailbox."""
    client = connect()
    deep = ["/".join((f"d{number}", *("e" * (_DEPTH - 1)))) for number in range(_DEEP)]
    commands = [f"CREATE box{number % 40}/{number}" for number in range(_BOXES)]
    commands += [f"SUBSCRIBE box{number % 40}/{number}" for number in range(0, _BOXES, 2)]
    commands += [f"SUBSCRIBE {name}" for name in deep]
    for command in commands:
        client.ok(command)
    assert server.host is not None
    turns = server.host.turns
    for command, count in _COUNTS.items():
        turns.longest = Work()
        assert len(client.ok(command)) == count, command
        assert 0 < turns.longest.cost <= 2 * SHARE, command
