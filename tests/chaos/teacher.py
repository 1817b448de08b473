"""A person with a mail client, who moves messages to Spam and back, flags some and appends some; never expunges."""

from __future__ import annotations

import asyncio
import itertools
import random

from loadtest.imap.session import ImapRefused, ImapSession
from tests.chaos.conditions import pause
from tests.chaos.imap_client import Mailboxes, open_session
from tests.chaos.ledger import Ledger
from tests.chaos.mails import body, digest_of, message
from tests.chaos.people import NAMES, address

_PLACES = (b"INBOX", b"Spam", b"Archive")
_AT_ONCE = 12
_AGAIN = 0.2
_PATIENCE = 40.0


class Teacher:
    """One client. `run` continues until it is cancelled or `stop` is set."""

    def __init__(self, port: int, ledger: Ledger, seed: int, number: int) -> None:
        self._port = port
        self._ledger = ledger
        self._chance = random.Random(f"{seed} teacher {number}")
        self._tokens = (f"{seed}.t{number}.{count:04d}" for count in itertools.count(1))

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._visit(self._chance.choice(NAMES))
            except (ImapRefused, OSError, TimeoutError) as error:
                self._ledger.failures[f"imap: {str(error)[:60] or type(error).__name__}"] += 1
                await pause(_AGAIN)

    async def _visit(self, name: str) -> None:
        session = await open_session(self._port, address(name))
        try:
            for _ in range(self._chance.randint(2, 6)):
                await self._work(session, name)
                await pause(self._chance.random() * 0.1)
        finally:
            session.close()

    async def _work(self, session: ImapSession, name: str) -> None:
        source, target = self._chance.sample(_PLACES, 2)
        if self._chance.random() < 0.2:
            await self._append(session, name, target)
        boxes = Mailboxes(session)
        await boxes.select(source)
        uids = await boxes.uids()
        chosen = sorted(self._chance.sample(uids, min(len(uids), self._chance.randint(1, _AT_ONCE))))
        if not chosen:
            return
        if self._chance.random() < 0.3:
            await boxes.flag(chosen, self._chance.choice((b"\\Flagged", b"\\Seen", b"$Work")))
            self._ledger.flagged += len(chosen)
        else:
            self._ledger.moved += await boxes.move(chosen, target)
            self._ledger.moves += 1

    async def _append(self, session: ImapSession, name: str, mailbox: bytes) -> None:
        token, text = next(self._tokens), body(self._chance)
        entry = (address(name), digest_of(text))
        self._ledger.append_cut[token] = entry
        await Mailboxes(session).append(mailbox, message(token, address(name), text))
        del self._ledger.append_cut[token]
        self._ledger.appended[token] = entry
