"""The client against a real OpenSearch, directly and behind TLS with a password."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchMissing, OpenSearchRefused, OpenSearchUnavailable
from shared.opensearch.settings import OpenSearchSettings
from tests.parts.opensearch_front import PASSWORD, USER, OpenSearchFront


@pytest.fixture(scope="module")
def front(opensearch_url: str) -> Iterator[OpenSearchFront]:
    with OpenSearchFront(opensearch_url) as proxy:
        yield proxy


def _settings(front: OpenSearchFront, password: str = PASSWORD, ca_file: str | None = None) -> OpenSearchSettings:
    trusted = str(front.authority) if ca_file is None else ca_file
    return OpenSearchSettings(urls=(front.url,), user=USER, password=password, ca_file=trusted)


@pytest.fixture
async def guarded(front: OpenSearchFront) -> AsyncIterator[OpenSearchClient]:
    client = OpenSearchClient(_settings(front))
    client.open()
    yield client
    await client.close()


async def test_tls_and_a_password_are_used(guarded: OpenSearchClient) -> None:
    answer = await guarded.request("GET", "/")

    assert answer["version"]["distribution"] == "opensearch"


async def test_one_client_keeps_its_connections(guarded: OpenSearchClient, front: OpenSearchFront) -> None:
    await guarded.request("GET", "/")
    before = front.connections
    for _ in range(20):
        await guarded.request("GET", "/")

    assert front.connections == before


@pytest.mark.parametrize(("password", "ca_file"), [("wrong", None), (PASSWORD, "")])
async def test_a_wrong_password_and_an_unknown_authority_are_tried_again(
    front: OpenSearchFront, password: str, ca_file: str | None
) -> None:
    client = OpenSearchClient(_settings(front, password, ca_file))
    client.open()
    with pytest.raises(OpenSearchUnavailable, match=r"401|CERTIFICATE"):
        await client.request("GET", "/")
    await client.close()


async def test_nobody_listens() -> None:
    client = OpenSearchClient(OpenSearchSettings(urls=("http://127.0.0.1:9",)))
    client.open()
    with pytest.raises(OpenSearchUnavailable, match="does not answer"):
        await client.request("GET", "/")
    await client.close()
    with pytest.raises(OpenSearchUnavailable, match="closed"):
        await client.request("GET", "/")


async def test_what_answers_is_another_server() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\n\r\n<html>")

    server = await asyncio.start_server(answer, "127.0.0.1")
    client = OpenSearchClient(OpenSearchSettings(urls=(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",)))
    client.open()
    with pytest.raises(OpenSearchUnavailable):
        await client.request("GET", "/")
    await client.close()
    server.close()


async def test_missing_and_refused(client: OpenSearchClient) -> None:
    with pytest.raises(OpenSearchMissing):
        await client.request("GET", f"/{client.name('none')}/_doc/1")
    with pytest.raises(OpenSearchRefused):
        await client.request("PUT", f"/{client.name('bad')}", {"mappings": {"properties": {"a": {"type": "nothing"}}}})
    assert not await client.exists(f"/{client.name('none')}")


def test_the_loop_that_made_it_is_the_only_one(opensearch_url: str) -> None:
    client = OpenSearchClient(OpenSearchSettings(urls=(opensearch_url,)))

    async def first() -> None:
        client.open()

    async def second() -> None:
        with pytest.raises(RuntimeError, match="the loop that made it"):
            await client.request("GET", "/")

    asyncio.run(first())
    asyncio.run(second())


def test_settings_do_not_show_the_password() -> None:
    assert "geheim" not in repr(OpenSearchSettings(user="u", password="geheim"))
