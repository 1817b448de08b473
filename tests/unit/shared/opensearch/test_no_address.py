"""A client without an address is as one whose server is away: an older index may be there when the address is gone."""

from __future__ import annotations

import pytest

from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchUnavailable
from shared.opensearch.settings import OpenSearchSettings


async def test_a_request_without_an_address_is_unavailable() -> None:
    client = OpenSearchClient(OpenSearchSettings())
    client.open()
    with pytest.raises(OpenSearchUnavailable, match=r"opensearch\.urls"):
        await client.request("GET", "/")
    await client.close()
