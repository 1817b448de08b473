"""A search that SQL answers finds exactly what an examination of each row finds, on both databases."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.listing.pages import Listing
from services.mailstore.search.row_condition import row_condition
from services.mailstore.search.scan import Searcher
from shared.eventstore.connection import Reader
from shared.eventstore.postgres import PostgresBackend
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

DAY = 86_400_000_000
NOW = 20_000 * DAY
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")
WORDS = ("$Work", "$work2", "work", "a_c", "abc", "100%", "!wow", "W\\x")
RELATIONS = (pb.DayTest.BEFORE, pb.DayTest.ON, pb.DayTest.SINCE)


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore


def flags(chance: random.Random) -> list[str]:
    return [flag for flag in (*FLAGS, *WORDS) if chance.random() < 0.25]


def moment(chance: random.Random) -> int:
    """A time near the beginning of a day, before and after 1970."""
    day = chance.choice((-3, 0, 1, 19_998, 19_999, 20_000))
    return day * DAY + chance.choice((-1, 0, 1, DAY // 2, chance.randrange(DAY)))


async def fill(mailstore: CountedMailstore, chance: random.Random, messages: int) -> str:
    """Messages with all kinds of rows; some are removed, so that UIDs have gaps. Returns the id of the mailbox."""
    appended = [
        pb.AppendMessage(
            blob=f"sha256-{number}",
            size=chance.choice((0, 1, 10, 11, chance.randrange(100))),
            flags=flags(chance),
            internal_date=moment(chance),
            zone=chance.choice((0, 60, -720, 840)),
            message_id=f"<{number}@example.com>",
        )
        for number in range(messages)
    ]
    request = pb.AppendRequest(account=ACCOUNT, mailbox="INBOX", messages=appended)
    mailbox: str = (await mailstore.call("Append", request)).mailbox
    for _ in range(messages // 8):
        uid = chance.randint(1, messages)
        store = pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=spans((uid, uid + chance.randrange(3))))
        store.flags.extend(flags(chance))
        await mailstore.call("Store", store)
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox))
    return mailbox


def key(chance: random.Random, messages: int, version: int, depth: int = 3) -> pb.SearchKey:
    """A key that rows decide."""
    kinds = ("all", "uids", "flag", "day", "saved", "larger", "smaller", "older", "younger", "modseq", "text")
    made = pb.SearchKey(negated=chance.random() < 0.3)
    kind = chance.choice(("all_of", "any_of")) if depth and chance.random() < 0.4 else chance.choice(kinds)
    if kind in ("all_of", "any_of"):
        inner = [key(chance, messages, version, depth - 1) for _ in range(chance.randrange(4))]
        getattr(made, kind).SetInParent()
        getattr(made, kind).keys.extend(inner)
        return made
    test = pb.DayTest(relation=chance.choice(RELATIONS), day=moment(chance) // DAY)
    cuts = sorted(chance.sample(range(1, messages + 10), 2 * chance.randrange(3)))
    values: dict[str, Any] = {
        "all": {"all": True},
        "uids": {"uids": spans(*zip(cuts[::2], cuts[1::2], strict=True))},
        "flag": {"flag": pb.FlagTest(flag=chance.choice((*FLAGS, *WORDS, "\\Recent", "\\x", "WORK", "a%")))},
        "day": {"internal_date": test},
        "saved": {"saved_date": test},
        "larger": {"larger": chance.choice((0, 10, 50, 1 << 62))},
        "smaller": {"smaller": chance.choice((0, 11, 50, 1 << 62))},
        "older": {"older": chance.choice((0, 1, 86_400, 1 << 40, 1 << 62))},
        "younger": {"younger": chance.choice((0, 1, 86_400, 1 << 40, 1 << 62))},
        "modseq": {"modseq": chance.randint(0, version + 1)},
        "text": {"text": ""},
    }
    made.MergeFrom(pb.SearchKey(**values[kind]))
    if kind == "flag":
        made.flag.is_set = chance.random() < 0.6
    return made


@pytest.mark.parametrize("seed", range(3))
async def test_sql_and_rows_agree(mailstore: CountedMailstore, seed: int) -> None:
    chance, messages = random.Random(seed), 60
    mailbox = await fill(mailstore, chance, messages)
    searcher = Searcher(mailstore.store, mailstore.blobs, mailstore.turns, 100, Listing(None))
    version = (await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT))).version
    matching = 0
    for _ in range(300):
        asked = key(chance, messages, version)
        assert row_condition(asked, NOW) is not None
        by_sql = [page async for page in searcher.search(mailbox, asked, NOW)]
        by_rows = [page async for page in searcher.search_messages(mailbox, asked, NOW)]
        assert by_sql == by_rows, asked
        matching += sum(len(uids) for uids, _ in by_sql)
    assert matching > 1000


async def test_content_and_thread_are_compared(mailstore: CountedMailstore) -> None:
    mailbox = await fill(mailstore, random.Random(1), 10)
    searcher = Searcher(mailstore.store, mailstore.blobs, mailstore.turns, 100, Listing(None))

    def ask(reader: Reader) -> list[tuple[int, str, str]]:
        rows = reader.all("SELECT uid, content, thread FROM entry WHERE mailbox = ? ORDER BY uid", (mailbox,))
        return [(uid, content, thread) for uid, content, thread in rows]

    for uid, content, thread in await mailstore.store.read(ask):
        for asked in (pb.SearchKey(email_id=content), pb.SearchKey(thread_id=thread)):
            assert [uids async for uids, _ in searcher.search_runs(mailbox, asked, NOW)] == [((uid, uid),)]


async def test_a_large_mailbox_is_answered_in_spans_and_a_gap_costs_nothing(mailstore: CountedMailstore) -> None:
    for _ in range(45):
        await mailstore.append(100)
    inbox = (await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))).mailbox
    most = spans((3, 4400))
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=most, flags=["\\Deleted"])
    await mailstore.call("Store", store)
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id))
    searcher = Searcher(mailstore.store, mailstore.blobs, mailstore.turns, 100, Listing(None))
    asked = pb.SearchKey(flag=pb.FlagTest(flag="\\Flagged", is_set=True))
    before = mailstore.so_far.statements
    assert [uids async for uids, _ in searcher.search_runs(inbox.id, asked, NOW)] == [((1, 2),), ((4401, 4500),)]
    assert mailstore.so_far.statements - before == 7


def test_what_is_too_large_for_a_statement_is_left_to_rows() -> None:
    many = [pb.SearchKey(larger=size) for size in range(100)]
    ranges = spans(*((uid, uid) for uid in range(1, 1000, 2)))
    for asked in (
        pb.SearchKey(any_of=pb.SearchKeys(keys=many)),
        pb.SearchKey(uids=ranges),
        pb.SearchKey(flag=pb.FlagTest(flag="\u00e9t\u00e9", is_set=True)),
        pb.SearchKey(body="x"),
        pb.SearchKey(all_of=pb.SearchKeys(keys=[pb.SearchKey(sent_date=pb.DayTest())])),
        pb.SearchKey(),
    ):
        assert row_condition(asked, NOW) is None
