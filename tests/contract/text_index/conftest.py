"""Every engine of the text index, one after the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.indexer.adapters.embedded import EmbeddedEngine
from services.indexer.domain.engine import TextEngine


@pytest.fixture(params=["embedded"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TextEngine]:
    opened = EmbeddedEngine(tmp_path / "index", purge_days=0)
    yield opened
    await opened.close()
