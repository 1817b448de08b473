"""Bulk writes: every item is checked, and what must wait is kept in order."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from shared.opensearch.bulk import CREATE, DELETE, INDEX, BulkWrite, bulk
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchBlocked, OpenSearchError, OpenSearchTooLarge, OpenSearchUnavailable
from shared.opensearch.searching import pages, search
from shared.opensearch.settings import OpenSearchSettings
from tests.harness.waiting import until_true
from tests.parts.opensearch import OpenSearchServer
from tests.parts.opensearch_front import PASSWORD, USER, OpenSearchFront

_MAPPING = {
    "settings": {"number_of_shards": 2, "number_of_replicas": 0},
    "mappings": {"dynamic": "strict", "properties": {"n": {"type": "long"}, "text": {"type": "text"}}},
}


def _writes(target: str, numbers: Sequence[int], action: str = CREATE, text: str = "") -> list[BulkWrite]:
    return [BulkWrite(action, target, str(n), orjson.dumps({"n": n, "text": text})) for n in numbers]


async def _count(client: OpenSearchClient, index: str) -> int:
    await client.request("POST", f"/{index}/_refresh")
    return int((await client.request("GET", f"/{index}/_count"))["count"])


@pytest.fixture
async def index(client: OpenSearchClient) -> str:
    name = client.name("things")
    await client.request("PUT", f"/{name}", _MAPPING)
    return name


async def test_a_repeat_is_done_and_changes_nothing(client: OpenSearchClient, index: str) -> None:
    writes = _writes(index, range(10))
    await bulk(client, writes)
    outcome = await bulk(client, writes)

    assert outcome.done == writes
    assert await _count(client, index) == 10


async def test_one_bad_document_is_named_and_the_others_are_written(client: OpenSearchClient, index: str) -> None:
    bad = BulkWrite(CREATE, index, "bad", b'{"n":"unknown"}')
    outcome = await bulk(client, [*_writes(index, [1]), bad, *_writes(index, [2])])

    assert [refusal.write for refusal in outcome.refused] == [bad]
    assert "unknown" in str(outcome.refused[0].error)
    assert outcome.unavailable is None
    assert await _count(client, index) == 2


async def test_an_older_version_and_a_missing_document_are_done(client: OpenSearchClient, index: str) -> None:
    versions = {"version": 5, "version_type": "external"}, {"version": 4, "version_type": "external"}
    newer, older = (BulkWrite(INDEX, index, "1", b'{"n":1}', options) for options in versions)
    gone = BulkWrite(DELETE, index, "never there")

    assert (await bulk(client, [newer, older, gone])).done == [newer, older, gone]


async def test_a_block_keeps_the_writes_and_is_named(client: OpenSearchClient, index: str) -> None:
    block = {"index.blocks.read_only_allow_delete": True}
    await client.request("PUT", f"/{index}/_settings", block)
    outcome = await bulk(client, _writes(index, range(3)))
    assert outcome.waiting == _writes(index, range(3))
    assert isinstance(outcome.unavailable, OpenSearchBlocked)
    assert "disk" in str(outcome.unavailable)

    await client.request("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": None})
    assert not (await bulk(client, outcome.waiting)).waiting


async def test_a_missing_index_keeps_the_writes(client: OpenSearchClient) -> None:
    target = client.name("none")
    outcome = await bulk(client, [BulkWrite(INDEX, target, "1", b"{}", {"require_alias": True})])

    assert len(outcome.waiting) == 1
    assert outcome.unavailable is not None


async def test_a_body_that_is_too_large_is_halved(opensearch_url: str, client: OpenSearchClient, index: str) -> None:
    with OpenSearchFront(opensearch_url) as front:
        front.too_large = 20_000
        settings = OpenSearchSettings(urls=(front.url,), user=USER, password=PASSWORD, ca_file=str(front.authority))
        guarded = OpenSearchClient(settings)
        guarded.open()
        small, large = _writes(index, range(40), text="x" * 1000), _writes(index, [99], text="x" * 30_000)
        outcome = await bulk(guarded, [*small[:20], *large, *small[20:]])
        await guarded.close()

    assert outcome.done == small
    assert [refusal.write for refusal in outcome.refused] == large
    assert isinstance(outcome.refused[0].error, OpenSearchTooLarge)


async def test_pieces_after_a_full_queue_wait_in_order(
    opensearch_url: str, client: OpenSearchClient, index: str
) -> None:
    with OpenSearchFront(opensearch_url) as front:
        front.statuses = [429]
        settings = OpenSearchSettings(
            urls=(front.url,), user=USER, password=PASSWORD, ca_file=str(front.authority), bulk_octets=65_536
        )
        guarded = OpenSearchClient(settings)
        guarded.open()
        writes = _writes(index, range(200), text="x" * 1000)
        outcome = await bulk(guarded, writes)
        assert (outcome.done, outcome.waiting) == ([], writes)

        assert (await bulk(guarded, outcome.waiting)).done == writes
        await guarded.close()
    assert await _count(client, index) == 200


async def test_pages_give_every_document_once(client: OpenSearchClient, index: str) -> None:
    await bulk(client, _writes(index, range(250)), refresh=True)
    body = {"size": 100, "sort": [{"n": "desc"}], "query": {"match_all": {}}}
    read = [hit["_source"]["n"] async for page in pages(client, index, body) for hit in page]

    assert read == list(range(249, -1, -1))


async def test_failed_shards_are_an_error(client: OpenSearchClient, index: str) -> None:
    await bulk(client, _writes(index, range(20)), refresh=True)
    script = {"script": {"script": "if (doc['n'].value == 3) { throw new RuntimeException('no') } return true"}}
    with pytest.raises(OpenSearchError, match="shards failure"):
        await search(client, index, {"query": script})


async def test_a_killed_server_keeps_the_writes_and_takes_them_when_it_is_back(own_server: OpenSearchServer) -> None:
    client = OpenSearchClient(OpenSearchSettings(urls=(own_server.url,), prefix="killed"))
    client.open()
    index = client.name("things")
    await client.request("PUT", f"/{index}", _MAPPING)
    own_server.kill()
    outcome = await bulk(client, _writes(index, range(5)))
    assert outcome.waiting == _writes(index, range(5))
    with pytest.raises(OpenSearchUnavailable):
        await search(client, index, {})

    own_server.start()

    async def written() -> bool:
        return not (await bulk(client, outcome.waiting)).waiting

    await until_true(written)
    assert await _count(client, index) == 5
    await client.close()


async def test_a_server_that_hangs_costs_the_limit(own_server: OpenSearchServer) -> None:
    client = OpenSearchClient(OpenSearchSettings(urls=(own_server.url,), search_seconds=0.2, write_seconds=1))
    client.open()
    own_server.suspend()
    with pytest.raises(OpenSearchUnavailable, match="does not answer"):
        await client.request("GET", "/")
    assert (await bulk(client, _writes("mailfold-x", [1]))).waiting
    own_server.resume()
    await client.close()
