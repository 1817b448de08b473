"""FETCH of flags alone: runs where they are long, rows elsewhere, and the same flags in either form."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.eventstore.postgres import PostgresBackend
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore


def flags_of(batches: list[pb.FetchBatch]) -> dict[int, tuple[str, ...]]:
    """The flags of each message; runs and rows are in ascending order."""
    flags: dict[int, tuple[str, ...]] = {}
    for batch in batches:
        assert not (batch.runs and batch.uids)
        for uid, number in zip(batch.uids, batch.flags, strict=True):
            flags[uid] = tuple(batch.flag_sets[number].flags)
        for run in batch.runs:
            flags |= dict.fromkeys(range(run.first, run.last + 1), tuple(run.flags))
    assert list(flags) == sorted(flags)
    return flags


async def test_runs_and_rows_have_the_same_flags(mailstore: CountedMailstore) -> None:
    for _ in range(32):
        await mailstore.append(100)
    inbox = (await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))).mailbox
    chance = random.Random(1)
    scattered = sorted(chance.sample(range(1100, 1900), 300))
    for uids, flag in (
        (spans((400, 600)), "\\Deleted"),
        (spans(*((uid, uid) for uid in scattered)), "$Mark"),
        (spans((2100, 2110)), "100%"),
        (spans((700, 2900)), "\\Seen"),
    ):
        await mailstore.call("Store", pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=uids, flags=[flag]))
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id))
    version = (await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT))).version
    for uids in (spans((1, 1 << 20)), spans((390, 700), (703, 703), (1000, 2105)), spans((410, 420)), spans()):
        for since in (0, version - 2):
            request = pb.FetchRequest(account=ACCOUNT, mailbox=inbox.id, uids=uids, changed_since=since)
            by_rows = await mailstore.fetched(request)
            request.flag_runs = True
            assert flags_of(await mailstore.fetched(request)) == flags_of(by_rows)
    every = pb.FetchRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((1, inbox.uid_next - 1)), flag_runs=True)
    batches = await mailstore.fetched(every)
    assert [bool(batch.runs) for batch in batches[:1] + batches[-1:]] == [True, True]
    assert any(batch.uids for batch in batches)
    assert len(batches[0].runs) == 3  # before the gap, behind it, and the seen ones
