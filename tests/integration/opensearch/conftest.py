"""A client of the shared OpenSearch with names of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.opensearch.client import OpenSearchClient
from shared.opensearch.settings import OpenSearchSettings
from tests.parts import opensearch
from tests.parts.opensearch import OpenSearchServer
from tests.parts.required import needs


@pytest.fixture
def own_prefix() -> str:
    """A prefix of index names that no other test has."""
    return f"test{secrets.token_hex(6)}"


@pytest.fixture
async def client(opensearch_url: str, own_prefix: str) -> AsyncIterator[OpenSearchClient]:
    opened = OpenSearchClient(OpenSearchSettings(urls=(opensearch_url,), prefix=own_prefix))
    opened.open()
    yield opened
    await opened.request("DELETE", f"/{own_prefix}-*")
    await opened.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[OpenSearchServer]:
    """A server that the tests of a module may kill."""
    needs(opensearch)
    with OpenSearchServer() as server:
        yield server
