"""SEARCH by reading every message of a mailbox, a few at a time, so that others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.mailstore.search.candidate import Candidate, EntryRow, TextNeeded
from services.mailstore.search.compile import Compiled, compile_key
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import BlobReader
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey

_COLUMNS = "uid, system, keywords, modseq, size, internal_date, content, thread, blob, prefix"
_BATCH = 500
_READS_A_TURN = 8


async def search(store: EventStore, blobs: BlobReader, mailbox: str, key: SearchKey, now: int) -> tuple[list[int], int]:
    """The UIDs that match, ascending, and the highest MODSEQ among them."""
    compiled = compile_key(key, now)
    uids: list[int] = []
    highest, after, turn = 0, 0, 0
    first, last = _bounds(key)
    after = first - 1
    while True:
        rows = await store.read(_page(mailbox, after, last))
        for row in rows:
            turn += 1
            if compiled.cost and turn % _READS_A_TURN == 0:
                await asyncio.sleep(0)
            if await _matches(compiled, row, blobs):
                uids.append(row.uid)
                highest = max(highest, row.modseq)
        if len(rows) < _BATCH:
            return uids, highest
        after = rows[-1].uid


def _bounds(key: SearchKey) -> tuple[int, int]:
    """The UIDs outside of which nothing can match: what a client asks of a few messages must not read the whole
    mailbox.
    """
    if key.key == "uid":
        return (min(span.first for span in key.uids), max(span.last for span in key.uids)) if key.uids else (1, 0)
    if key.key == "and" and key.keys:
        bounds = [_bounds(inner) for inner in key.keys]
        return max(first for first, _ in bounds), min(last for _, last in bounds)
    return 1, 1 << 40


def _page(mailbox: str, after: int, last: int) -> Callable[[Reader], list[EntryRow]]:
    sql = f"SELECT {_COLUMNS} FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ? ORDER BY uid LIMIT {_BATCH}"  # noqa: S608
    return lambda reader: [EntryRow(*row) for row in reader.all(sql, (mailbox, after, last))]


async def _matches(compiled: Compiled, row: EntryRow, blobs: BlobReader) -> bool:
    if not compiled.cost:
        return compiled.test(Candidate(row, None))
    try:
        return await _tested(compiled, Candidate(row, await blobs.read(BlobId(row.blob))))
    except BlobError:
        # The bytes are gone or damaged (`verify` names them): what is left of the message is searched.
        return compiled.test(Candidate(row, None))


async def _tested(compiled: Compiled, candidate: Candidate) -> bool:
    while True:
        try:
            return compiled.test(candidate)
        except TextNeeded as needed:
            await candidate.read(needed.name)
