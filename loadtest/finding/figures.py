"""The figures of finding, in the form of the JSON report."""

from __future__ import annotations

import msgspec


class SearchTime(msgspec.Struct, frozen=True, kw_only=True):
    """The times of one SEARCH on one server, in milliseconds."""

    search: str
    server: str
    expected: int
    """How many messages have it by what was appended."""
    found: int
    first_ms: float = 0.0
    best_ms: float = 0.0
    """The least of the times after the first."""
    warm_ms: float = 0.0
    """Their median."""
    cold_ms: float | None = None
    """After a restart, with nothing in the page cache of the system."""
    refusal: str = ""


class IndexCost(msgspec.Struct, frozen=True, kw_only=True):
    """What it cost to index the mailbox."""

    server: str
    seconds: float
    """From the start of the indexer until every message was in the index."""
    mails_per_second: float
    cpu_ms_per_mail: dict[str, float]
    """Of each process, less what a start without an index costs."""


class IndexSize(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes in octets."""

    server: str
    mails: int
    mail_octets: int
    """Of the messages as appended."""
    text_octets: int
    """Of their texts."""
    compressed_octets: int
    """Of their texts, each compressed by zstd at level 3."""
    parts: dict[str, int]
    """Of the index, by what it is for."""


class IndexMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The memory (PSS) of all processes at rest, in octets."""

    state: str
    memory: dict[str, int]


class IndexedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A round of mail at a fixed rate to a server."""

    engine: str
    rate: float
    sent: int
    seen: int
    p50_ms: float
    """From the final dot to EXISTS."""
    p99_ms: float
    cpu_ms_per_mail: dict[str, float]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of finding."""

    searches: list[SearchTime]
    costs: list[IndexCost]
    sizes: list[IndexSize]
    memory: list[IndexMemory]
    deliveries: list[IndexedDelivery]
