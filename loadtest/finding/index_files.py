"""Looks at the embedded index of a Mailfold: whether it is complete, and what its parts take on disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from loadtest import mailfold_command

_POLL = 0.5
_KINDS = (("_gram", "trigrams"), ("_block", "stored text"), ("word", "words"))


class Incomplete(RuntimeError):
    """The index was not complete in time."""


async def index_state(data: Path) -> dict[str, Any]:
    """`mailfold index status --json`. Raises CommandFailed."""
    answer: dict[str, Any] = json.loads(await mailfold_command.run("index", "status", "--json", "--data", str(data)))
    return answer


async def until_complete(data: Path, mails: int, limit: float) -> None:
    """Wait until every message is in the index. Raises Incomplete."""
    end = time.monotonic() + limit
    while True:
        state: dict[str, Any] = {}
        with contextlib.suppress(mailfold_command.CommandFailed):
            state = await index_state(data)
        if state and _is_complete(state, mails):
            return
        if time.monotonic() > end:
            raise Incomplete(f"the index is not complete after {limit:g} s: {json.dumps(state)[:1000]}")
        await asyncio.sleep(_POLL)


def _is_complete(state: dict[str, Any], mails: int) -> bool:
    return any(
        index["is_serving"]
        and index["messages"] >= mails
        and not index["accounts_waiting"]
        and not index["accounts_to_compare"]
        for index in state["indexes"]
    )


def part_sizes(data: Path) -> dict[str, int]:
    """The octets of the parts of all index files; what is in a write-ahead log counts as a part of its own."""
    sizes: Counter[str] = Counter()
    for path in (data / "index").rglob("*"):
        if path.is_file() and path.name.endswith("-wal"):
            sizes["write-ahead log"] += path.stat().st_size
        elif path.is_file() and _is_database(path):
            sizes.update(_tables(path))
    return dict(sizes)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _tables(path: Path) -> Counter[str]:
    sizes: Counter[str] = Counter()
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for name, octets in connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"):
            sizes[_kind(name)] += octets
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        (page,) = connection.execute("PRAGMA page_size").fetchone()
    sizes["free pages"] += free * page
    return sizes


def _kind(table: str) -> str:
    return next((kind for mark, kind in _KINDS if mark in table), "other")
