"""Every engine of the text index, one after the other."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.indexer.adapters import text_answers
from services.indexer.adapters.embedded import EmbeddedEngine
from services.indexer.adapters.opensearch_engine import OpenSearchEngine
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.domain.engine import TextEngine
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.settings import OpenSearchSettings


@pytest.fixture(params=["embedded", "embedded with many messages", "opensearch"])
async def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TextEngine]:
    if request.param != "opensearch":
        if request.param != "embedded":
            monkeypatch.setattr(text_answers, "MANY", 0)
        embedded = EmbeddedEngine(tmp_path / "index", purge_days=0)
        yield embedded
        await embedded.close()
    else:
        opensearch = opensearch_engine(request.getfixturevalue("opensearch_url"), tmp_path / "index")
        yield opensearch
        await opensearch.discard()


def opensearch_engine(url: str, folder: Path, prefix: str = "") -> OpenSearchEngine:
    """An engine whose searches see at once what was written."""
    client = OpenSearchClient(OpenSearchSettings(urls=(url,), prefix=prefix or f"test{secrets.token_hex(6)}"))
    index = TextIndexInOpenSearch(client, 1, 2, 0.0, is_serving=True)
    return OpenSearchEngine(folder, index, open_files=4, expunges=False)
