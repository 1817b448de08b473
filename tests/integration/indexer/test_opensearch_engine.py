"""The OpenSearch engine when documents, files, the index or the whole server are lost, and with odd texts."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.indexer.adapters import opensearch_accounts
from services.indexer.adapters.opensearch_engine import OpenSearchEngine
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.domain.engine import ALL_ACCOUNTS, IndexUnavailable
from services.indexer.domain.word_query import SoughtWords
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.settings import OpenSearchSettings
from tests.contract.text_index.mail import (
    ACCOUNT,
    EVERYTHING,
    INBOX,
    batch,
    body,
    document,
    field,
    hits,
    text,
    uids_in,
)
from tests.harness.waiting import until_true
from tests.parts import opensearch
from tests.parts.opensearch import OpenSearchServer
from tests.parts.required import needs

TEXTS = {
    uid: document(f"message {uid} about some things {uid * 7919}", subject=f"number {uid}") for uid in range(1, 61)
}
_MAILBOXES = 5000
_LATER = 10_000.0


class Engine:
    """An engine, and the client and the index that it uses."""

    def __init__(self, url: str, folder: Path, *, prefix: str = "", refresh_seconds: float = 0.0) -> None:
        settings = OpenSearchSettings(
            urls=(url,), prefix=prefix or f"test{secrets.token_hex(6)}", search_seconds=5, write_seconds=20
        )
        self.client = OpenSearchClient(settings)
        self.index = TextIndexInOpenSearch(self.client, 1, 2, refresh_seconds, is_serving=True)
        self.engine = OpenSearchEngine(folder, self.index, open_files=4, expunges=True)
        self.lost: list[str] = []
        self.engine.when_lost(self.lost.append)

    async def count(self, account: str = ACCOUNT) -> int:
        """How many documents of an account OpenSearch has."""
        await self.index.refresh()
        return await self.index.count({"query": {"term": {"account": account}}}, account)

    async def is_answering(self) -> bool:
        """Whether the engine answers again."""
        try:
            await self.engine.reached(ACCOUNT)
        except IndexUnavailable:
            return False
        return True

    async def is_begun_anew(self) -> bool:
        """Whether the engine answers, and has nothing."""
        return await self.is_answering() and await self.engine.reached(ACCOUNT) == {}


@pytest.fixture
async def made(opensearch_url: str, tmp_path: Path) -> AsyncIterator[Engine]:
    opened = Engine(opensearch_url, tmp_path / "index")
    yield opened
    await opened.engine.discard()


@pytest.fixture(scope="module")
def own_server() -> Iterator[OpenSearchServer]:
    needs(opensearch)
    with OpenSearchServer() as server:
        yield server


async def test_an_answer_covers_what_a_refresh_has_covered(
    opensearch_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch_accounts, "_REFRESH_DELAY", _LATER)
    made = Engine(opensearch_url, tmp_path, refresh_seconds=_LATER)
    engine = made.engine
    try:
        await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(1, 11)}))
        answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("message")])
        assert (answer.covered, uids_in(answer.hits[0])) == (((1, 10),), list(range(1, 11)))
        await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(11, 21)}, after=10))
        await engine.add(ACCOUNT, batch({21: TEXTS[3], 22: TEXTS[12]}, after=20))
        answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("message")])
        assert (answer.covered, uids_in(answer.hits[0])) == (((1, 10), (21, 21)), [*range(1, 11), 21])
        await engine.add_attachments(ACCOUNT, {TEXTS[5].key: "price list"})
        answer = await engine.answer(ACCOUNT, INBOX, (4, 9), [body("message")])
        assert answer.covered == ((4, 4), (6, 9))
        await made.index.refresh()
        answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("message")])
        assert (answer.covered, len(uids_in(answer.hits[0]))) == (((1, 22),), 22)
    finally:
        await engine.discard()


async def test_an_index_that_somebody_deletes_is_filled_again(made: Engine) -> None:
    engine = made.engine
    await engine.add(ACCOUNT, batch(TEXTS))
    made.lost.clear()
    await made.client.request("DELETE", f"/{made.index.name}")
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({90: document("new")}, after=60))
    await until_true(made.is_answering)
    assert await engine.reached(ACCOUNT) == {}
    # The account is named as well when its file is opened again.
    assert made.lost[0] == ALL_ACCOUNTS and set(made.lost) <= {ALL_ACCOUNTS, ACCOUNT}
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, body("message 7 ")) == [7]
    mapping = (await made.client.request("GET", f"/{made.index.name}"))[made.index.name]["mappings"]
    assert mapping["dynamic"] == "strict"


async def test_deleting_in_a_deleted_index_makes_none(made: Engine) -> None:
    engine = made.engine
    await engine.add(ACCOUNT, batch(TEXTS))
    await made.client.request("DELETE", f"/{made.index.name}")
    await engine.retain(ACCOUNT, INBOX, ((1, 50),))
    with pytest.raises(IndexUnavailable):
        await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("message")])
    await until_true(made.is_answering)
    await engine.add(ACCOUNT, batch(TEXTS))
    assert len(await hits(engine, body("message"))) == 60


async def test_documents_of_a_lost_file_never_answer(made: Engine, tmp_path: Path, opensearch_url: str) -> None:
    await made.engine.add(ACCOUNT, batch({1: document("the secret word")}))
    await made.index.refresh()
    other = Engine(opensearch_url, tmp_path / "begun anew", prefix=made.client.settings.prefix)
    try:
        await other.engine.add(ACCOUNT, batch({1: document("nothing here")}))
        assert await hits(other.engine, body("secret")) == []
        assert list(await other.engine.rank(ACCOUNT, [], SoughtWords("secret"), 10)) == []
        assert await other.count() == 2
        await other.engine.tend(ACCOUNT)
        assert await other.count() == 1
    finally:
        await other.engine.close()


async def test_missing_documents_are_noticed(made: Engine) -> None:
    engine = made.engine
    await engine.add(ACCOUNT, batch(TEXTS))
    await engine.tend(ACCOUNT)
    query: Mapping[str, Any] = {"query": {"bool": {"filter": [{"term": {"number": 17}}]}}}
    await made.index.request("POST", "_delete_by_query", query, refresh="true")
    made.lost.clear()
    with pytest.raises(IndexUnavailable):
        await engine.tend(ACCOUNT)
    assert made.lost == [ACCOUNT]
    assert await engine.reached(ACCOUNT) == {}


async def test_a_dropped_account_leaves_none_of_any_epoch(made: Engine, tmp_path: Path, opensearch_url: str) -> None:
    other = Engine(opensearch_url, tmp_path / "begun anew", prefix=made.client.settings.prefix)
    for opened in (made, other):
        await opened.engine.add(ACCOUNT, batch(TEXTS))
        await opened.engine.add("another", batch({1: TEXTS[1]}))
    await other.engine.drop_account(ACCOUNT)
    assert (await other.count(), await other.count("another")) == (0, 2)
    await other.engine.close()


async def test_a_full_disk_of_opensearch_is_waited_for(made: Engine) -> None:
    engine = made.engine
    await engine.add(ACCOUNT, batch({1: TEXTS[1]}))
    assert await hits(engine, body("message")) == [1]
    block = f"/{made.index.name}/_settings"
    await made.client.request("PUT", block, {"index.blocks.read_only_allow_delete": True})
    with pytest.raises(IndexUnavailable, match="disk"):
        await engine.add(ACCOUNT, batch({2: TEXTS[2]}, after=1))
    assert await engine.reached(ACCOUNT) == {INBOX: 1}
    assert await hits(engine, body("message")) == [1]
    await made.client.request("PUT", block, {"index.blocks.read_only_allow_delete": None})
    await engine.add(ACCOUNT, batch({2: TEXTS[2]}, after=1))
    assert await hits(engine, body("message")) == [1, 2]


@pytest.mark.parametrize("answer", [{"_shards": {"failed": 1}}, {"timed_out": True}])
async def test_half_an_answer_is_none(made: Engine, monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any]) -> None:
    await made.engine.add(ACCOUNT, batch(TEXTS))
    assert len(await hits(made.engine, body("message"))) == 60
    request = made.client.request

    async def partly(method: str, path: str, *arguments: Any, **options: Any) -> Any:
        answered = await request(method, path, *arguments, **options)
        return {**answered, **answer} if path.endswith("/_search") else answered

    monkeypatch.setattr(made.client, "request", partly)
    for ask in (hits(made.engine, body("message")), made.engine.rank(ACCOUNT, [], SoughtWords("message"), 5)):
        with pytest.raises(IndexUnavailable, match="not whole"):
            await ask


async def test_long_texts_and_long_needles(made: Engine) -> None:
    engine = made.engine
    subject = "".join(f"{number:x}." for number in range(40_000))
    word = "w" * 40_000
    assert len(subject) > 180_000
    await engine.add(ACCOUNT, batch({1: document(f"a {word} z", subject=subject), 2: document("ww", subject="0.1.2")}))
    assert await hits(engine, field("subject", subject[-50:])) == [1]
    assert await hits(engine, field("subject", subject[100_000:102_000])) == [1]
    assert await hits(engine, field("subject", subject[100_000:102_000] + "x")) == []
    assert await hits(engine, text(subject)) == [1]
    assert await hits(engine, body("w" * 2000)) == [1]
    assert await hits(engine, body(word + "w")) == []


@pytest.mark.parametrize(
    "needle", ["*", "a*b", "?", "a?b", '"', "\\", "\\*", "a\x00b", "\x00", "a\\b*c?", "{!x}", "$1"]
)
async def test_needles_of_signs(made: Engine, needle: str) -> None:
    texts = {1: document(f"x{needle}y"), 2: document("axxb " * 20), 3: document("a-b-c x y")}
    await made.engine.add(ACCOUNT, batch(texts))
    assert await hits(made.engine, body(needle)) == [1]


async def test_an_account_with_thousands_of_mailboxes(made: Engine) -> None:
    engine = made.engine
    for number in range(_MAILBOXES):
        await engine.add(ACCOUNT, batch({1: TEXTS[number % 60 + 1]}, mailbox=f"box {number}"))
    assert await hits(engine, body("message 7 "), mailbox="box 6") == [1]
    names = [f"box {number}" for number in range(_MAILBOXES)]
    ranked = await engine.rank(ACCOUNT, names, SoughtWords("message 7"), 10_000)
    assert {place.mailbox for place in ranked} == {name for number, name in enumerate(names) if number % 60 == 6}


async def test_a_killed_server_and_a_wiped_one(own_server: OpenSearchServer, tmp_path: Path) -> None:
    made = Engine(own_server.url, tmp_path)
    engine = made.engine
    await engine.add(ACCOUNT, batch({uid: TEXTS[uid] for uid in range(1, 31)}))
    own_server.kill()
    for _ in range(3):
        with pytest.raises(IndexUnavailable):
            await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("message")])
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({31: TEXTS[31]}, after=30))
    own_server.start()

    async def adds() -> bool:
        try:
            await engine.add(ACCOUNT, batch({31: TEXTS[31]}, after=30))
        except IndexUnavailable:
            return False
        return True

    await until_true(adds)
    assert len(await hits(engine, body("message"))) == 31
    own_server.wipe()
    await until_true(made.is_begun_anew)
    await engine.add(ACCOUNT, batch(TEXTS))
    assert await hits(engine, body("message 60")) == [60]
    await engine.discard()
