"""An application to 10,000 messages: few events, interrupted at any place, nothing twice, and all of it undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.handlers import script_application_runner
from services.mailstore.handlers.script_undoing import Undoing
from services.mailstore.settings import MailstoreSettings
from shared.events.applying import ApplicationAdvanced
from shared.events.mailbox import MessagesMoved
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.imap.ranges import count
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.applied import ApplyingMailstore, applying_mailstore
from tests.integration.mailstore.counted import ACCOUNT, spans

MESSAGES = 10_000
SORTING = (
    'require ["fileinto", "variables"]; if header :matches "subject" ["*1", "*2", "*3"] { fileinto "Archive"; }'
    ' elsif header :matches "subject" "*4" { discard; }'
)


class Killed(StoreUnavailable):
    """The process ends here, and its transaction with it."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ApplyingMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with applying_mailstore(database, MailstoreSettings(script_applications=3)) as place:
        await fill(place, MESSAGES)
        yield place


async def fill(place: ApplyingMailstore, messages: int, distinct: int = 100) -> None:
    """Fill INBOX with copies of some messages, whose subjects are numbers."""
    inbox = await place.mailbox("INBOX")
    assert inbox is not None
    await place.mailstore.append(distinct)
    there = distinct
    while there < messages:
        more = min(there, messages - there)
        copy = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((1, more)), target="INBOX", messages=more)
        await place.mailstore.call("Copy", copy)
        there += more


async def test_ten_thousand_messages_are_few_events(place: ApplyingMailstore) -> None:
    done = await place.apply(SORTING)
    assert (done.examined, done.moved, done.discarded, done.unchanged) == (10_000, 3000, 1000, 6000)
    moves = await place.events(MessagesMoved)
    assert (sum(count(move.uids) for move in moves), len(moves)) == (4000, 20), "two outcomes in ten units of work"
    undone = await place.undo(done.id)
    assert (undone.undone.moved_back, undone.undone.skipped) == (4000, 0)
    assert (len(await place.uids()), await place.uids("Archive"), await place.uids("Trash")) == (10_000, [], [])


async def test_a_process_that_ends_at_any_commit_does_nothing_twice(
    place: ApplyingMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units of work either happen with their record or not at all; the next process goes on behind the last."""
    await place.runner.stop()
    begun = await place.begin(SORTING)
    for turn in range(6):
        runner = place.new_runner()
        with monkeypatch.context() as patched:
            patched.setattr(script_application_runner.ApplicationRunner, "_file", _ends(runner._file, turn % 3))
            with pytest.raises(Killed):
                for _ in range(8):
                    await runner._turn()
    advanced = await place.events(ApplicationAdvanced)
    assert 0 < len(advanced) < 10
    place.new_runner().start()
    done = await place.ended(begun.id)
    assert (done.state, done.examined, done.moved, done.discarded) == ("done", 10_000, 3000, 1000)
    assert (len(await place.uids()), len(await place.uids("Archive")), len(await place.uids("Trash"))) == (
        6000,
        3000,
        1000,
    )


async def test_an_undo_of_a_running_application_stops_it_and_goes_on_after_a_kill(
    place: ApplyingMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.runner.stop()
    begun = await place.begin(SORTING)
    runner = place.new_runner()
    for _ in range(3):
        await runner._turn()
        await runner._turn()
    assert len(await place.uids("Archive")) > 0
    stopping = place.undo(begun.id)
    runner = place.new_runner()
    with monkeypatch.context() as patched:
        patched.setattr(Undoing, "advance", _killed)
        await place.begin_undo(begun.id)
        with pytest.raises(Killed):
            for _ in range(3):
                await runner._turn()
    place.new_runner().start()
    undone = await stopping
    assert (undone.state, undone.reason) == ("undone", "it was undone")
    assert undone.undone.moved_back == undone.moved + undone.discarded
    assert (len(await place.uids()), await place.uids("Archive")) == (10_000, [])


def _ends(file: Any, after: int) -> Any:
    """A `_file` that works so many times, and then ends the process within its transaction."""
    left = [after]

    def ending(_runner: Any, tx: Any, *given: Any) -> None:
        file(tx, *given)
        if not left[0]:
            raise Killed("the process ends")
        left[0] -= 1

    return ending


def _killed(_undoing: Undoing) -> int:
    raise Killed("the process ends")
