"""All Mail is switched on for a large account while mail arrives, messages move, and the mailstore is killed."""

from __future__ import annotations

import asyncio
import imaplib
import random
import re
from collections import Counter

import pytest

from tests.chaos.conditions import pause, until
from tests.chaos.conftest import Start
from tests.chaos.test_sieve_applications import MESSAGES, fill
from tests.chaos.victims import Victims
from tests.harness.imap import Imap, No
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

MAILBOXES, KILLS, STEPS = 120, 4, 60
_SETTINGS = {"MAILFOLD_SERVER_RESTART_LONGEST": "1", "MAILFOLD_SERVER_CALL_TIMEOUT": "5"}
_HIDDEN = ("Spam", "Trash")
_EMAIL_ID = re.compile(rb"EMAILID \(([^)]*)\)")
_SECONDS = 120.0

pytestmark = pytest.mark.timeout(600)


async def test_it_shows_each_message_once_after_kills(start: Start) -> None:
    server = await asyncio.to_thread(start, _SETTINGS, "split")
    ann = await asyncio.to_thread(server.people.person, "ann")
    await asyncio.to_thread(fill, server, ann)
    await asyncio.to_thread(spread, server, ann)
    victims, chance = Victims(server), random.Random(7)
    await asyncio.to_thread(server.command, "account", "all-mail", ann.address, "on")
    busy = asyncio.create_task(asyncio.to_thread(keep_busy, server, ann))
    for _ in range(KILLS):
        await pause(chance.uniform(0.1, 0.6))
        await victims.kill("mailstore")
    arrived = await busy
    assert sum(victims.killed.values()) == KILLS and arrived
    await until(lambda: asyncio.to_thread(is_whole, server, ann, MESSAGES + arrived), "all is shown", _SECONDS)
    await asyncio.to_thread(server.command, "verify")


def spread(server: MailfoldServer, ann: Person) -> None:
    """Many mailboxes, with some messages in each."""
    with server.imap(ann) as imap:
        for number in range(MAILBOXES):
            imap.command(b"CREATE m%d" % number)
        imap.select()
        for number in range(MAILBOXES):
            imap.move(f"{20 * number + 1}:{20 * number + 20}", f"m{number}")


def keep_busy(server: MailfoldServer, ann: Person) -> int:
    """Move messages about and append others; returns how many were appended. A command whose answer is lost counts
    by what is there afterwards."""
    chance = random.Random(11)
    appended = 0
    for step in range(STEPS):
        try:
            with server.imap(ann) as imap:
                source = chance.choice(("INBOX", *(f"m{number}" for number in range(MAILBOXES))))
                imap.select(source)
                target = chance.choice(("Archive", "Trash", "Spam", "m1", "INBOX"))
                if uids := imap.uids("1:3"):
                    imap.move(",".join(map(str, uids)), target)
                if step % 5 == 0:
                    imap.append("INBOX", compose("carl@honest.example", ann.address).data)
                    appended += 1
        except (No, OSError, imaplib.IMAP4.error, AssertionError):
            continue
    return appended


def ids(imap: Imap, mailbox: str) -> Counter[bytes]:
    """The ids of the messages of a mailbox."""
    if imap.select(mailbox) == 0:
        return Counter()
    answer = imap.connection.fetch("1:*", "(EMAILID)")[1]
    return Counter(_EMAIL_ID.findall(b"\n".join(bytes(line) for line in answer if isinstance(line, bytes))))


def is_whole(server: MailfoldServer, ann: Person, least: int) -> bool:
    """Whether All Mail has the messages of all mailboxes but the hidden ones, and none is lost."""
    shown, hidden = Counter[bytes](), Counter[bytes]()
    try:
        with server.imap(ann) as imap:
            names = ("INBOX", "Archive", "Drafts", "Sent", *_HIDDEN, *(f"m{number}" for number in range(MAILBOXES)))
            for name in names:
                (hidden if name in _HIDDEN else shown).update(ids(imap, name))
            assert shown.total() + hidden.total() >= least, "no message is lost"
            return shown == ids(imap, "All Mail")
    except (No, OSError, imaplib.IMAP4.error):
        return False
