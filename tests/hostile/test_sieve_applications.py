"""A user applies scripts to very many messages: other requests are served meanwhile, and every script ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.mailstore.settings import MailstoreSettings
from shared.events.applying import ApplicationAdvanced
from shared.eventstore.event import encode
from shared.grpc.errors import LimitReached
from shared.rpc.mailfold.mailstore.v1 import applying_pb2
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import SHARE, Turns
from tests.integration.mailstore.applied import ApplyingMailstore, applying_mailstore
from tests.integration.mailstore.counted import ACCOUNT
from tests.integration.mailstore.test_many_applications import fill

ALL, SOME = 50_000, 3_000
BUS_EVENT = 1_000_000
"""Octets that an event may have at most, so that followers can read it."""
BURNING = (
    'require ["variables", "regex"]; set "a" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; set "b" "${a}${a}${a}${a}${a}${a}";'
    + 'set "b" "${b}${b}${b}${b}${b}";' * 3
    + "".join(f'if string :matches "${{b}}" "*a*a*a*b{number}" {{ discard; }}' for number in range(3000))
)
"""Each run compares some megaoctets."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[ApplyingMailstore]:
    limits = MailstoreSettings(application_work=200, max_mailboxes=100)
    async with applying_mailstore(tmp_path / "mailstore.sqlite", limits) as place:
        yield place


async def served_during(
    place: ApplyingMailstore, act: Callable[[], Awaitable[applying_pb2.ScriptApplication]]
) -> tuple[applying_pb2.ScriptApplication, int]:
    """What an application did, and the number of requests that were served one after the other meanwhile."""
    running = asyncio.ensure_future(act())
    served = 0
    while not running.done():
        await place.mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, name="INBOX"))
        await asyncio.sleep(0)
        served += 1
    return await running, served


async def test_fifty_thousand_messages_are_filed_in_pieces(place: ApplyingMailstore) -> None:
    await fill(place, ALL)
    place.mailstore.turns.longest = Turns().longest
    script = 'require "fileinto"; if header :matches "subject" "*1" { fileinto "Archive"; } else { discard; }'
    done, served = await served_during(place, lambda: place.apply(script))
    assert (done.state, done.examined, done.moved, done.discarded) == ("done", ALL, ALL // 10, ALL // 10 * 9)
    assert served >= ALL // 100, "other requests have their turn with every page"
    assert place.mailstore.turns.longest.cost <= 2 * SHARE
    advanced = await place.events(ApplicationAdvanced)
    assert len(advanced) == ALL // 1000
    undone, served = await served_during(place, lambda: place.undo(done.id))
    assert (undone.undone.moved_back, undone.undone.skipped) == (ALL, 0)
    assert served >= ALL // 2000
    assert len(await place.uids()) == ALL


async def test_a_script_that_burns_work_ends(place: ApplyingMailstore) -> None:
    """All its runs together have a limit, and others are served."""
    await fill(place, SOME)
    done, served = await served_during(place, lambda: place.apply(BURNING))
    assert (done.state, done.moved, done.discarded) == ("stopped", 0, 0)
    assert "within an hour" in done.reason
    assert 0 < done.examined < 200
    assert served > 10
    assert len(await place.uids()) == SOME
    with pytest.raises(LimitReached, match="try again later"):
        await place.apply("keep;")


async def test_a_dry_run_that_burns_work_ends(place: ApplyingMailstore) -> None:
    await fill(place, SOME)
    with pytest.raises(LimitReached, match="within an hour"):
        await place.apply(BURNING, dry_run=True)
    with pytest.raises(LimitReached, match="try again later"):
        await place.apply("keep;", dry_run=True)


async def test_a_mailbox_for_each_message(place: ApplyingMailstore) -> None:
    """The limit of mailboxes holds, events stay small, and what was made goes again."""
    await fill(place, SOME, distinct=1000)
    script = (
        'require ["fileinto", "mailbox", "variables", "copy"]; if header :matches "subject" "*" { set "n" "${1}"; }'
        + "".join(f'fileinto :create :copy "{level}/${{n}}/{"x" * 200}";' for level in "abc")
    )
    done = await place.apply(script)
    assert (done.state, done.examined, done.failed + done.copied // 3) == ("done", SOME, SOME)
    names = [row for (row,) in await place.store.read(lambda reader: reader.all("SELECT name FROM mailbox"))]
    assert len(names) <= 100
    recorded = await place.events(ApplicationAdvanced)
    assert max(len(encode(event)) for event in recorded) < BUS_EVENT
    undone = await place.undo(done.id)
    assert (undone.undone.copies_removed, undone.undone.skipped) == (done.copied, 0)
    assert [row for (row,) in await place.store.read(lambda reader: reader.all("SELECT name FROM mailbox"))] != names
    left = await place.store.read(lambda reader: reader.all("SELECT name FROM mailbox WHERE messages > 0"))
    assert left == [("INBOX",)]
