"""Uses a server for a short time without kills, so that every projection has rows."""

from __future__ import annotations

import asyncio
import random

from tests.chaos.conditions import until
from tests.chaos.imap_client import Mailboxes, open_session
from tests.chaos.ledger import Ledger
from tests.chaos.mails import body, message
from tests.chaos.moments import Moments
from tests.chaos.people import NAMES, address
from tests.chaos.senders import Amount, Senders
from tests.harness.ports import IMAPS, SMTP, SUBMISSIONS
from tests.harness.server import MailfoldServer

SCRIPT = (
    'require ["duplicate", "imap4flags"]; if duplicate { addflag "$Again"; }'
    ' if hasflag "$Came" { addflag "$Applied"; } addflag "$Came";'
)
"""Runs over mail, remembers it, and changes something when it is applied."""


async def script(server: MailfoldServer) -> None:
    """Give some accounts scripts, before mail comes."""
    await asyncio.to_thread(_script, server)


def _script(server: MailfoldServer) -> None:
    for name in NAMES[:2]:
        server.command("sieve", "put", address(name), "main", "-", "--activate", text=SCRIPT)


async def apply(server: MailfoldServer) -> None:
    """Apply the scripts to the mail that has come, and annotate its mailbox."""
    await asyncio.to_thread(_apply, server)


def _apply(server: MailfoldServer) -> None:
    for name in NAMES[:2]:
        server.command("sieve", "apply", address(name), "main")
        server.command("mailbox", "annotate", address(name), "/private/comment", "quiet", "--mailbox", "INBOX")


async def send(server: MailfoldServer, ledger: Ledger, mails: int, seed: int = 1) -> None:
    """Send so many mails, a quarter of them also to another server; wait until they are accepted and settled."""
    ports = {"smtp": server.port(SMTP), "submissions": server.port(SUBMISSIONS)}
    await Senders(ports, ledger, Moments(), seed, Amount(mails, mails // 4)).run(relays=2, users=2)
    await settled(server)


async def settled(server: MailfoldServer) -> None:
    """Wait until no reception is unsettled."""
    await until(lambda: _nothing_moves(server), "every reception settled", 60.0)


async def touch(server: MailfoldServer) -> None:
    """Move, flag, subscribe and append in every account."""
    for name in NAMES:
        session = await open_session(server.port(IMAPS), address(name))
        try:
            await _touch(Mailboxes(session), random.Random(name))
        finally:
            session.close()


async def _touch(boxes: Mailboxes, chance: random.Random) -> None:
    await boxes.append(b"Archive", message(f"quiet.{chance.randint(1, 10**9)}", "me@chaos.test", body(chance)))
    await boxes.select(b"INBOX")
    uids = await boxes.uids()
    await boxes.flag(uids[:3], b"$Label")
    await boxes.flag(uids[:2], b"\\Flagged")
    await boxes.move(uids[1:3], b"Spam")


async def _nothing_moves(server: MailfoldServer) -> bool:
    return not await asyncio.to_thread(server.contracts.receptions)
