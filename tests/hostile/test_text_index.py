"""Texts and questions of extreme size cost the text index bounded time and memory, and the answers stay right."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.indexer.adapters.embedded import EmbeddedEngine
from services.indexer.adapters.word_expression import QueryTooLarge
from services.indexer.domain.document import Document
from services.indexer.domain.word_query import AllWords, AnyWords, NoWords, SoughtWords, WordQuery
from tests.contract.text_index.mail import ACCOUNT, batch, body, document, field, hits, text

MEGA = 1 << 20


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    opened = EmbeddedEngine(tmp_path)
    yield opened
    await opened.close()


@pytest.mark.parametrize("unit", ["a", "\x00", "語", "\udc80", "\n", "ab "])
async def test_a_body_of_one_character(engine: EmbeddedEngine, unit: str) -> None:
    huge = unit * (8 * MEGA // len(unit.encode("utf-8", "surrogatepass")))
    await engine.add(ACCOUNT, batch({1: document(huge + "end"), 2: document("short")}))
    for needle in (unit, unit * 2, unit * 3, unit * 30, unit * 65_536, unit + "end", "end", unit * 70_000 + "end"):
        assert await hits(engine, body(needle)) == [1], len(needle)
    assert await hits(engine, body(unit * 30 + "x")) == []


async def test_a_long_body_is_searched_piece_by_piece(engine: EmbeddedEngine) -> None:
    """The needle lies across pieces; the memory for the answer does not grow with the body."""
    unit = "some words and more of them "
    huge = unit * (4 * MEGA // len(unit)) + "the last needle of all"
    await engine.add(ACCOUNT, batch({1: document(huge), 2: document("needle")}))
    await hits(engine, body("warm"))
    tracemalloc.start()
    assert await hits(engine, body("last needle of all")) == [1]
    assert await hits(engine, body(huge[256 * 1024 - 100 : 256 * 1024 + 100])) == [1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MEGA


async def test_very_many_fields(engine: EmbeddedEngine) -> None:
    """Fields that the header shows, and as many that it does not show."""
    many = [(f"x-{number % 1000}", f"value {number}") for number in range(100_000)]
    await engine.add(ACCOUNT, batch({1: document(fields=many, subject="many")}))
    hidden = Document(b"hidden", tuple(many), "subject: many\n" + "line\n" * 100_000, "", "")
    await engine.add(ACCOUNT, batch({2: hidden}, after=1))
    assert await hits(engine, field("x-777", "value 99777")) == [1, 2]
    assert await hits(engine, field("x-778", "value 99777")) == []
    assert await hits(engine, text("value 99777")) == [1]
    assert await hits(engine, field("subject", "many")) == [1]


async def test_very_many_mailboxes(engine: EmbeddedEngine) -> None:
    stored = document("a needle")
    for number in range(1000):
        await engine.add(ACCOUNT, batch({1: stored}, mailbox=f"box{number}"))
    assert len(await engine.reached(ACCOUNT)) == 1000
    assert await hits(engine, body("needle"), mailbox="box999") == [1]
    assert len(await engine.rank(ACCOUNT, [], SoughtWords("needle"), 5000)) == 1000
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.places) == (1, 1000)


def nested(levels: int) -> WordQuery:
    query: WordQuery = SoughtWords("needle")
    for level in range(levels):
        other = SoughtWords(f"other{level}")
        query = NoWords(NoWords(AnyWords((query, other)) if level % 2 else AllWords((query, NoWords(other)))))
    return query


async def test_queries_of_words_are_limited(engine: EmbeddedEngine) -> None:
    await engine.add(ACCOUNT, batch({1: document("a needle"), 2: document("hay " * 100_000)}))
    assert [place.uid for place in await engine.rank(ACCOUNT, [], nested(30), 10)] == [1]
    with pytest.raises(QueryTooLarge):
        await engine.rank(ACCOUNT, [], nested(1000), 10)
    with pytest.raises(QueryTooLarge):
        await engine.rank(ACCOUNT, [], SoughtWords("needle " * 100_000), 10)
    assert [place.uid for place in await engine.rank(ACCOUNT, [], SoughtWords("hay " * 900), 10)] == [2]
    assert list(await engine.rank(ACCOUNT, [], SoughtWords("hay" * 30_000), 10)) == []


async def test_other_work_goes_on_beside_a_large_text(engine: EmbeddedEngine) -> None:
    """The event loop gets its turns while a text of 8 MiB is indexed: many of them, not a few between long calls."""
    turns = 0
    huge = document("Ünïcode wörds fröm ä stränger, änd möre. " * (8 * MEGA // 50))

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    began = time.monotonic()
    counting = asyncio.ensure_future(count())
    await engine.add(ACCOUNT, batch({1: huge}))
    counting.cancel()
    assert turns >= 10, (turns, time.monotonic() - began)
