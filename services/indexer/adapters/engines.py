"""The engine of the text index that the settings choose."""

from __future__ import annotations

from pathlib import Path

from services.indexer.adapters.catalog import NotedIndex
from services.indexer.domain.engine import TextEngine
from services.indexer.index_settings import EngineName, IndexSettings
from shared.opensearch.settings import OpenSearchSettings


def chosen_engine(settings: IndexSettings, opensearch: OpenSearchSettings) -> EngineName:
    """The engine of new indexes. Without an address of OpenSearch every index is embedded."""
    return "embedded" if settings.engine == "opensearch" and not opensearch.urls else settings.engine


def make_engine(
    generation: NotedIndex, settings: IndexSettings, opensearch: OpenSearchSettings, folder: Path
) -> TextEngine:
    """The engine of an index, which does nothing before its first call; `folder` is that of all indexes."""
    own = folder / str(generation.number)
    if generation.engine == "opensearch":
        return _in_opensearch(generation, settings, opensearch, own)
    from services.indexer.adapters.embedded import EmbeddedEngine

    return EmbeddedEngine(own, open_files=settings.open_files)


def _in_opensearch(
    generation: NotedIndex, settings: IndexSettings, opensearch: OpenSearchSettings, folder: Path
) -> TextEngine:
    from services.indexer.adapters.opensearch_engine import OpenSearchEngine
    from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
    from shared.opensearch.client import OpenSearchClient

    index = TextIndexInOpenSearch(
        OpenSearchClient(opensearch),
        generation.number,
        settings.shards,
        settings.refresh_seconds,
        is_serving=generation.is_serving,
    )
    return OpenSearchEngine(folder, index, open_files=settings.open_files, expunges=settings.expunge)
