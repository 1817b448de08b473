"""The files of the embedded text index: what is left in them, and what happens when they break or disappear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from services.indexer.adapters import embedded, text_answers
from services.indexer.adapters.account_file import AccountFile
from services.indexer.adapters.embedded import EmbeddedEngine
from services.indexer.domain.document import Document
from services.indexer.domain.engine import IndexUnavailable
from services.indexer.domain.places import Numbers
from services.indexer.domain.word_query import SoughtWords
from tests.contract.text_index.mail import ACCOUNT, INBOX, batch, body, document, hits, in_attachments, text
from tests.harness.waiting import until_true

TEXTS = {
    uid: document(f"message {uid} about some things {uid * 7919}", subject=f"number {uid}") for uid in range(1, 200)
}
SECRET = "swordfish8kq3zvw"
"""A word whose end is stored as it is: FTS5 leaves out only what a word has in common with the one before."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    opened = EmbeddedEngine(tmp_path, purge_days=0)
    yield opened
    await opened.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def octets(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in files(folder))


def frames(folder: Path, number: int) -> list[bytes]:
    """A part of each compressed block that a document is in."""
    path = next(path for path in files(folder) if path.name.endswith(".sqlite"))
    with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE) as connection:
        tables = ("header_block", "body_block", "attachment_block")
        query = "SELECT frame FROM {} WHERE id = ?"
        return [
            frame[-24:] for table in tables for (frame,) in connection.execute(query.format(table), (number << 12,))
        ]


async def test_removed_messages_leave_nothing_behind(engine: EmbeddedEngine, tmp_path: Path) -> None:
    await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(1, 100)}))
    secret = document(f"the word is {SECRET} " + " ".join(f"{SECRET}{number}" for number in range(900)), subject=SECRET)
    await engine.add(ACCOUNT, batch({100: secret}, after=99, awaiting={secret.key: "blob"}))
    await engine.add_attachments(ACCOUNT, {secret.key: f"attached {SECRET} " * 900})
    await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(101, 200)}, after=100))
    await engine.tend(ACCOUNT)
    pieces = [SECRET[-7:].encode(), secret.key, *frames(tmp_path, 100)]
    assert len(pieces) >= 4
    assert [piece in octets(tmp_path) for piece in pieces] == [True] * len(pieces)
    assert await hits(engine, in_attachments(SECRET)) == [100]
    await engine.retain(ACCOUNT, INBOX, ((1, 99), (101, 199)))
    await engine.tend(ACCOUNT)
    assert [piece in octets(tmp_path) for piece in pieces] == [False] * len(pieces)
    assert await hits(engine, text("message")) == [*range(1, 100), *range(101, 200)]
    assert len(await engine.rank(ACCOUNT, [], SoughtWords("things"), 1000)) == 198


async def test_a_dropped_mailbox_leaves_nothing_behind(engine: EmbeddedEngine, tmp_path: Path) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    secret = document(f"the word is {SECRET}")
    await engine.add(ACCOUNT, batch({1: secret}, mailbox="secrets"))
    await engine.tend(ACCOUNT)
    assert SECRET[-7:].encode() in octets(tmp_path)
    await engine.drop_mailbox(ACCOUNT, "secrets")
    await engine.tend(ACCOUNT)
    assert SECRET[-7:].encode() not in octets(tmp_path)


async def test_a_dropped_account_has_no_files(engine: EmbeddedEngine, tmp_path: Path) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, text("message 77")) == [77]
    await engine.add("other", batch(TEXTS))
    await engine.drop_account(ACCOUNT)
    assert {path.name.split(".")[0] for path in files(tmp_path)} == {"other"}
    await engine.drop_account("other")
    assert files(tmp_path) == []


async def test_disk_is_given_back(engine: EmbeddedEngine) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    await engine.add(ACCOUNT, batch({1: document(" ".join(f"{number:x}" for number in range(400_000)))}, mailbox="big"))
    await engine.tend(ACCOUNT)
    before = (await engine.state(ACCOUNT)).octets
    await engine.drop_mailbox(ACCOUNT, "big")
    await engine.tend(ACCOUNT)
    assert (await engine.state(ACCOUNT)).octets < before / 4


async def test_single_messages_are_packed_together(engine: EmbeddedEngine, tmp_path: Path) -> None:
    for uid, stored in TEXTS.items():
        await engine.add(ACCOUNT, batch({uid: stored}, after=uid - 1))
    await engine.tend(ACCOUNT)
    path = next(path for path in files(tmp_path) if path.name.endswith(".sqlite"))
    with apsw.Connection(str(path)) as connection:
        assert connection.execute("SELECT count(*) FROM body_block").fetchall()[0][0] < 5
    assert await hits(engine, body("things 7919")) == [1, 10, 100]
    assert await hits(engine, body(str(150 * 7919))) == [150]


def broken(path: Path, how: str) -> None:
    size = path.stat().st_size
    match how:
        case "empty":
            path.write_bytes(b"")
        case "other":
            path.write_bytes(b"This is no database. " * 1000)
        case "half":
            os.truncate(path, size // 2)
        case "version":
            with apsw.Connection(str(path)) as connection:
                connection.pragma("user_version", 999)
        case _:
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (size - 8192))


@pytest.mark.parametrize("how", ["empty", "other", "half", "version", "overwritten"])
async def test_a_broken_file_is_begun_anew(tmp_path: Path, how: str) -> None:
    first = EmbeddedEngine(tmp_path)
    await first.add(ACCOUNT, batch(TEXTS))
    await first.close()
    broken(files(tmp_path)[0], how)
    engine = EmbeddedEngine(tmp_path)
    for _ in range(3):
        try:
            reached = (await engine.reached(ACCOUNT)).get(INBOX, 0)
            found = await hits(engine, text("about some things"))
            assert found in ([], list(TEXTS))
            await engine.add(
                ACCOUNT, batch({uid: TEXTS[uid] for uid in TEXTS if uid > reached}, after=reached, upto=199)
            )
        except IndexUnavailable:
            continue
    assert await hits(engine, text("about some things")) == list(TEXTS)
    await engine.close()


async def test_a_file_that_was_removed_is_begun_anew(engine: EmbeddedEngine, tmp_path: Path) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, text("message 5")) != []
    for path in files(tmp_path):
        path.unlink()
    assert await engine.reached(ACCOUNT) == {}
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({200: TEXTS[1]}, after=199))
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({200: TEXTS[1]}, after=199))
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, text("message 57")) == [57]


async def test_a_full_disk_is_no_broken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path) -> AccountFile:
        file = AccountFile(path, embedded.VERSION, embedded.SCHEMA, embedded.ask_by_grams)
        file.write(lambda connection: connection.pragma("max_page_count", 120))
        return file

    monkeypatch.setattr(embedded, "_opened", opened)
    engine = EmbeddedEngine(tmp_path)
    await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(1, 10)}))
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({10: document("".join(map(chr, range(32, 50_000))))}, after=9))
    assert await engine.reached(ACCOUNT) == {INBOX: 9}
    assert await hits(engine, body("message")) == list(range(1, 10))
    await engine.close()


async def test_idle_files_are_closed(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, idle_seconds=0.05)
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, text("message 57")) == [57]
    await until_true(lambda: [path.name for path in files(tmp_path)] == [f"{ACCOUNT}.sqlite"])
    assert await hits(engine, text("message 58")) == [58]
    await engine.close()


async def test_few_files_are_open_at_a_time(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, open_files=3)
    accounts = [f"account {number}/%" for number in range(20)]
    await asyncio.gather(*(engine.add(account, batch(TEXTS)) for account in accounts))
    assert sorted(await engine.accounts()) == sorted(accounts)
    answers = await asyncio.gather(*(hits(engine, text("message 57"), account=account) for account in accounts * 3))
    assert answers == [[57]] * 60
    assert len([path for path in files(tmp_path) if path.name.endswith("-wal")]) <= 3
    await engine.close()


async def test_questions_run_beside_changes(engine: EmbeddedEngine) -> None:
    """Every answer is about one moment: what it covers is complete."""
    done = False

    async def ask() -> None:
        while not done:
            answer = await engine.answer(ACCOUNT, INBOX, (1, 1000), [text("about some things")])
            assert answer.hits == [answer.covered]

    askers = [asyncio.ensure_future(ask()) for _ in range(3)]
    for uid in range(1, 200, 5):
        await engine.add(ACCOUNT, batch({each: TEXTS[each] for each in range(uid, min(uid + 5, 200))}, after=uid - 1))
        if uid % 20 == 1:
            await engine.tend(ACCOUNT)
    done = True
    await asyncio.gather(*askers)


async def test_an_answer_that_nobody_awaits_any_more_is_given_up(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    asked: list[str] = []
    has_begun, may_go_on = threading.Event(), threading.Event()
    candidates = text_answers.candidates

    def slow(connection: apsw.Connection, table: str, question: str, low: int, high: int) -> Numbers:
        asked.append(question)
        has_begun.set()
        may_go_on.wait()
        return candidates(connection, table, question, low, high)

    monkeypatch.setattr(text_answers, "candidates", slow)
    questions = [body(f"message {number}") for number in range(20)]
    answering = asyncio.ensure_future(engine.answer(ACCOUNT, INBOX, (1, 1000), questions))
    await until_true(has_begun.is_set)
    answering.cancel()
    await asyncio.wait({answering})
    may_go_on.set()
    await engine.close()
    assert len(asked) == 1


@pytest.mark.parametrize("how", ["another version", "broken"])
async def test_an_account_whose_file_begins_anew_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    first = EmbeddedEngine(tmp_path)
    await first.add(ACCOUNT, batch(TEXTS))
    await first.close()
    if how == "broken":
        next(path for path in files(tmp_path) if path.name.endswith(".sqlite")).write_bytes(b"no database" * 1000)
    else:
        monkeypatch.setattr(embedded, "VERSION", embedded.VERSION + 1)
    second, lost = EmbeddedEngine(tmp_path), list[str]()
    second.when_lost(lost.append)
    with contextlib.suppress(IndexUnavailable):
        await second.reached(ACCOUNT)
    assert lost == [ACCOUNT]
    assert await second.reached(ACCOUNT) == {}
    assert lost == [ACCOUNT]
    await second.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from services.indexer.adapters.embedded import EmbeddedEngine
from tests.contract.text_index.mail import ACCOUNT, INBOX, batch
from tests.integration.indexer.test_account_files import torn

async def main():
    engine = EmbeddedEngine(Path(sys.argv[1]))
    reached = (await engine.reached(ACCOUNT)).get(INBOX, 0)
    print("ready", flush=True)
    while True:
        size = 1 + reached % 7
        texts = {uid: torn(uid) for uid in range(reached + 1, reached + size + 1)}
        await engine.add(ACCOUNT, batch(texts, after=reached))
        reached += size
        await engine.retain(ACCOUNT, INBOX, ((1, reached - 3), (reached, reached)))
        if reached % 5 == 0:
            await engine.tend(ACCOUNT)

asyncio.run(main())
"""


def torn(uid: int) -> Document:
    return document(f"message {uid} " + "same text in all of them " * (uid % 50), subject=f"number {uid}")


async def test_a_killed_process_leaves_a_whole_index(tmp_path: Path) -> None:
    for turn in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            WRITER,
            str(tmp_path),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": "."},
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(0.2 + 0.13 * turn)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        engine = EmbeddedEngine(tmp_path)
        reached = (await engine.reached(ACCOUNT)).get(INBOX, 0)
        everything = await hits(engine, text("message"))
        assert everything[-1:] in ([], [reached])
        assert await hits(engine, body("me")) == everything
        assert [uid for uid in everything if f"message {uid} same" in torn(uid).body] == await hits(
            engine, body("same text")
        )
        ranked = await engine.rank(ACCOUNT, [], SoughtWords("message"), 1 << 20)
        assert sorted(place.uid for place in ranked) == everything
        await engine.close()
    assert reached > 0
