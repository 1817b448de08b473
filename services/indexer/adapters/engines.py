"""The engine of the text index that the settings choose."""

from __future__ import annotations

from pathlib import Path

from services.indexer.adapters.catalog import NotedIndex
from services.indexer.domain.engine import TextEngine
from services.indexer.index_settings import IndexSettings


def make_engine(generation: NotedIndex, settings: IndexSettings, folder: Path) -> TextEngine:
    """The engine of an index, which does nothing before its first call; `folder` is that of all indexes."""
    from services.indexer.adapters.embedded import EmbeddedEngine

    return EmbeddedEngine(folder / str(generation.number), open_files=settings.open_files)
