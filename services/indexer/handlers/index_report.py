"""What is known of an index without a look at each account."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.indexer.adapters.catalog import Task
from services.indexer.domain.engine import TextsElsewhere
from services.indexer.handlers.generation import WorkingGeneration
from services.indexer.handlers.generations import Generations
from shared.rpc.mailfold.indexer.v1 import upkeep_pb2 as pb


async def report_of(working: WorkingGeneration, octets: int) -> pb.IndexGeneration:
    """The report about an index. Raises IndexUnavailable."""
    due = await working.dues.counts()
    to_compare = due.get(Task.FILL, 0)
    return pb.IndexGeneration(
        number=working.number,
        engine=working.generation.engine,
        is_serving=working.generation.is_serving,
        began=working.generation.began,
        accounts=len(await working.engine.accounts()),
        accounts_waiting=working.indexing.behind,
        accounts_to_compare=to_compare,
        accounts_to_sweep=due.get(Task.SWEEP, 0),
        attachments_waiting=working.attachments.waiting,
        messages=working.indexing.indexed,
        filled_accounts=working.indexing.filled,
        seconds_left=working.indexing.seconds_left(to_compare),
        octets=octets,
    )


async def disk_octets(generations: Generations, working: WorkingGeneration) -> int:
    """The size of the files of an index."""
    return await asyncio.to_thread(_size, generations.folder / str(working.number))


async def octets_elsewhere(working: WorkingGeneration) -> int:
    """The size of what another server keeps of an index. Raises IndexUnavailable."""
    engine = working.engine
    return await engine.octets() if isinstance(engine, TextsElsewhere) else 0


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    except OSError:  # a file was deleted meanwhile
        return 0
