"""A script is applied to a large mailbox and undone, while the mailstore is killed: each message is filed once."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import orjson
import pytest

from tests.chaos.conditions import pause, until
from tests.chaos.conftest import Start
from tests.chaos.victims import Victims
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer

MESSAGES, DISTINCT = 12_800, 100
KILLS = int(os.environ.get("MAILFOLD_CHAOS_APPLICATION_KILLS", "4"))
SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
SCRIPT = r"""require ["fileinto", "imap4flags", "mailbox", "copy"];
if header :matches "subject" ["*1", "*2", "*3"] { fileinto :create "Filed"; }
elsif header :matches "subject" "*4" { discard; }
elsif header :matches "subject" "*5" { addflag "\\Answered"; fileinto :copy "Archive"; }
"""
_SETTINGS = {"MAILFOLD_SERVER_RESTART_LONGEST": "1", "MAILFOLD_SERVER_CALL_TIMEOUT": "5"}
_SECONDS = 120.0

pytestmark = pytest.mark.timeout(600)


async def test_every_message_is_filed_once_and_comes_back(start: Start) -> None:
    server = await asyncio.to_thread(start, _SETTINGS, "split")
    ann = await asyncio.to_thread(server.people.person, "ann")
    await asyncio.to_thread(fill, server, ann)
    victims, chance, tenth = Victims(server), random.Random(SEED), MESSAGES // 10
    await amid_kills(victims, chance, server, ann, ("sieve", "apply", ann.address, "--file", "-"), SCRIPT)
    done = await ended(server, ann, "done")
    assert (done["examined"], done["moved"]) == (MESSAGES, 3 * tenth)
    assert (done["discarded"], done["copied"], done["failed"]) == (tenth, tenth, 0)
    assert await counts(server, ann, "Filed") == (6 * tenth, tenth, tenth, 3 * tenth)
    await amid_kills(victims, chance, server, ann, ("sieve", "undo", done["id"]))
    undone = (await ended(server, ann, "undone"))["undone"]
    assert (undone["moved_back"], undone["copies_removed"], undone["skipped"]) == (4 * tenth, tenth, 0)
    assert (undone["flags_restored"], undone["mailboxes_removed"]) == (tenth, 1)
    assert await counts(server, ann) == (MESSAGES, 0, 0)
    assert sum(victims.killed.values()) == 2 * KILLS
    await asyncio.to_thread(server.command, "verify")


async def counts(server: MailfoldServer, ann: Person, *more: str) -> tuple[int, ...]:
    """The messages of INBOX, Trash, Archive and further mailboxes."""

    def counted() -> tuple[int, ...]:
        with server.imap(ann) as imap:
            return tuple(imap.count(name) for name in ("INBOX", "Trash", "Archive", *more))

    return await asyncio.to_thread(counted)


def fill(server: MailfoldServer, ann: Person) -> None:
    """Fill INBOX with copies of some messages, whose subjects are numbers."""
    with server.imap(ann) as imap:
        for number in range(DISTINCT):
            imap.append("INBOX", compose("carl@honest.example", ann.address, subject=f"{number}").data)
        imap.select()
        there = DISTINCT
        while there < MESSAGES:
            imap.command(b"UID COPY 1:%d INBOX" % there)
            there *= 2


async def amid_kills(
    victims: Victims,
    chance: random.Random,
    server: MailfoldServer,
    ann: Person,
    words: tuple[str, ...],
    text: str = "",
) -> None:
    """Begin by command, and kill the mailstore some times; the command fails when its server goes."""
    command = asyncio.create_task(asyncio.to_thread(lambda: server.command.run(*words, text=text)))
    begun = "undoing undone" if "undo" in words else "running done"
    await until(lambda: state_of(server, ann) in begun.split(), f"the application is {begun}", _SECONDS)
    for _ in range(KILLS):
        await victims.kill("mailstore")
        await pause(chance.uniform(0.2, 0.9))
    await command


def listed(server: MailfoldServer, ann: Person) -> dict[str, Any]:
    """The only application; empty while there is none, and while the mailstore is starting."""
    done = server.command.run("sieve", "applications", ann.address, "--json")
    rows: list[dict[str, Any]] = orjson.loads(done.output) if done.status == 0 else []
    assert len(rows) <= 1
    return rows[0] if rows else {}


def state_of(server: MailfoldServer, ann: Person) -> str:
    """The state of the only application."""
    return str(listed(server, ann).get("state", ""))


async def ended(server: MailfoldServer, ann: Person, state: str) -> dict[str, Any]:
    """The only application, when it has this state."""
    await until(lambda: state_of(server, ann) == state, f"the application is {state}", _SECONDS)
    return listed(server, ann)
