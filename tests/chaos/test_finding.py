"""The index is killed, damaged and deleted while messages arrive, move and are searched: every answer is right."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.chaos.conditions import pause, until
from tests.chaos.conftest import Start
from tests.chaos.victims import Victims
from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

ROUNDS = int(os.environ.get("MAILFOLD_TEST_INDEX_ROUNDS", "6"))
_SETTINGS = {
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_SERVER_CALL_TIMEOUT": "5",
    "MAILFOLD_INDEX_SWEEP_SECONDS": "1",
}
_WORDS = ("aardvark", "capybara", "dugong", "ocelot", "pangolin")

pytestmark = pytest.mark.timeout(600)


class _Searched:
    """A mailbox, and what its messages say by UID."""

    def __init__(self, imap: Imap) -> None:
        self._imap = imap
        self._texts: dict[int, str] = {}
        self._next = 1

    def fill(self, chance: random.Random, messages: int) -> None:
        """Append messages, each with some of the words."""
        for _ in range(messages):
            text = " ".join(chance.sample(_WORDS, chance.randint(1, 3)))
            self._imap.append("INBOX", f"Subject: mail {self._next}\r\n\r\n{text}\r\n".encode())
            self._texts[self._next] = text
            self._next += 1

    def remove(self, chance: random.Random, messages: int) -> None:
        """Move messages away."""
        gone = chance.sample(sorted(self._texts), messages)
        self._imap.command(b"UID MOVE %s Trash" % ",".join(map(str, gone)).encode())
        for uid in gone:
            del self._texts[uid]

    def check(self) -> None:
        """Every search finds exactly what the messages say."""
        for word in (*_WORDS, "numbat"):
            having = {uid for uid, text in self._texts.items() if word in text}
            for key, right in ((f"BODY {word[1:]}", having), (f"NOT TEXT {word}", self._texts.keys() - having)):
                assert set(self._imap.uids(*key.split())) == right, key


def _damage(server: MailfoldServer, chance: random.Random, account: str) -> None:
    """Delete the index, or write into its files."""
    folder = Path(server.data, "index")
    if chance.random() < 0.3:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for file in folder.rglob(f"{account}.sqlite"):
        size = file.stat().st_size
        with file.open("r+b") as octets:
            octets.seek(chance.randrange(size))
            octets.write(chance.randbytes(5000))


async def test_answers_are_right_whatever_happens_to_the_index(start: Start) -> None:
    server = await asyncio.to_thread(start, _SETTINGS, "split")
    ann = await asyncio.to_thread(server.people.person, "ann")
    victims, chance = Victims(server), random.Random(12)
    with server.imap(ann) as imap:
        imap.select()
        searched = _Searched(imap)
        await asyncio.to_thread(searched.fill, chance, 100)
        for _ in range(ROUNDS):
            await asyncio.to_thread(searched.fill, chance, 20)
            await pause(chance.uniform(0, 1.5))
            await victims.kill("indexer")
            if chance.random() < 0.6:
                await asyncio.to_thread(_damage, server, chance, ann.account)
            await asyncio.to_thread(searched.remove, chance, 10)
            await asyncio.to_thread(searched.check)
        await until(lambda: asyncio.to_thread(_compared, server), "the index is asked to compare", 60)
        await until(lambda: asyncio.to_thread(_is_whole, server, ann), "the index is whole again", 120)
        await until(lambda: asyncio.to_thread(_uses_index, server, searched), "the index answers every search", 60)
    assert sum(victims.killed.values()) == ROUNDS
    await asyncio.to_thread(server.command, "verify")


def _compared(server: MailfoldServer) -> bool:
    """Whether the indexer is back and takes the command."""
    try:
        server.command("index", "compare")
    except CommandFailed:
        return False
    return True


def _uses_index(server: MailfoldServer, searched: _Searched) -> bool:
    """Whether all searches are answered by the index; the mailstore reaches it a moment after it is back."""
    before = server.count("mailstore", "searches_without_index")
    searched.check()
    return server.count("mailstore", "searches_without_index") == before


def _is_whole(server: MailfoldServer, ann: Person) -> bool:
    shown = server.command.json("index", "status", "--account", ann.address)
    (serving,) = shown["indexes"]
    return bool(
        serving["accounts_waiting"] == serving["accounts_to_compare"] == 0
        and shown["account"]["places"] == 100 + 20 * ROUNDS
    )
