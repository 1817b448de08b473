"""MOVE into a mailbox of another account, with power failures in the middle: no message is lost or doubled."""

from __future__ import annotations

import contextlib
import imaplib
import random
import threading

from tests.chaos.conftest import Start
from tests.harness.imap import No
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

_MESSAGES = 1500
"""Three commits of a MOVE between accounts."""


def test_no_message_of_a_move_is_lost_or_doubled(start: Start) -> None:
    server = start({"MAILFOLD_SHARING_ENABLED": "true"})
    ann, bob = server.people.people("ann", "bob")
    box = f"Other Users/{ann.address}/Box"
    server.followed()
    with server.imap(ann) as imap:
        imap.command(b"CREATE Box")
        imap.command(f"SETACL Box {bob.address} lrswitek".encode())
    with server.imap(bob) as imap:
        for number in range(_MESSAGES):
            imap.append("INBOX", b"Message-ID: <%d@here.example>\r\n\r\nx" % number)
    chance = random.Random(11)
    for there in (True, False, True):
        source, target = ("INBOX", box) if there else (box, "INBOX")
        killed = threading.Timer(chance.uniform(0.02, 0.4), server.kill)
        with contextlib.suppress(No, OSError, imaplib.IMAP4.error), server.imap(bob) as imap:
            imap.select(source)
            killed.start()
            imap.command(f'MOVE 1:* "{target}"'.encode())
        killed.join()
        server.start()
        assert _numbers(server, bob, box) == sorted(range(_MESSAGES))
    server.command("verify")


def _numbers(server: MailfoldServer, bob: Person, box: str) -> list[int]:
    """The numbers of the messages in both mailboxes together."""
    numbers: list[int] = []
    with server.imap(bob) as imap:
        for mailbox in ("INBOX", box):
            if imap.select(mailbox):
                lines = imap.connection.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
                numbers += [
                    int(line[1].partition(b"<")[2].partition(b"@")[0]) for line in lines if isinstance(line, tuple)
                ]
    return sorted(numbers)
