"""What was measured, in the shape of the JSON report. Times in seconds unless the name says otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

Cost = dict[str, float]
"""By process of the server."""


class Spread(msgspec.Struct, frozen=True):
    """A sample in milliseconds."""

    count: int
    p50: float
    p99: float
    largest: float


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """One run of mail from outside."""

    connections: int
    per_connection: int
    pipelining: bool
    messages: int
    accepted: int
    refusals: dict[str, int]
    accepted_per_second: float
    drained_per_second: float
    """Until IMAP STATUS showed the last one; 0 when some never came."""
    missing: int
    surplus: int
    accept_ms: Spread
    """From the final dot to 250."""
    cpu_ms_per_message: Cost
    """Until the last was visible."""
    settled_cpu_ms_per_message: Cost
    """Until the server was quiet again."""
    client_cpu_ms_per_message: float
    """Of the sending side alone."""
    others_cores: float
    """CPU that neither server nor client used: above 0.4 of a core the run is not worth comparing."""
    fsyncs_per_message: Cost
    """Empty when not measured."""
    peak_memory: dict[str, int]
    peak_memory_total: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From the final dot to EXISTS at a fixed rate."""

    rate: float
    seen_by: str
    sent: int
    seen: int
    refused: int
    arrival_ms: Spread
    accept_ms: Spread


class ImapTiming(msgspec.Struct, frozen=True, kw_only=True):
    """One operation on one mailbox."""

    operation: str
    mailbox_size: int
    repeats: int
    wall_ms: float
    """The median of one."""
    cpu_ms: float | None
    """Of all server processes for one, the median of the rounds; None when not measured."""
    least_cpu_ms: float | None = None
    """Of the round that was disturbed least."""
    rounds: int = 1
    """Each of `repeats`."""
    work: dict[str, float] = {}
    """Counted, for one: statements, rows_read, rows_written, bytes_read, bytes_written, calls."""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """What operations cost as the mailbox grows."""

    sizes: list[int]
    timings: list[ImapTiming]


class StepCost(msgspec.Struct, frozen=True, kw_only=True):
    """CPU of one message in one step."""

    step: str
    budget_ms: float | None
    """What the design allows; None for what it does not name."""
    cpu_ms: Cost


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """What others waited while one command ran."""

    command: str
    mailbox_size: int
    seconds: float
    """The command's own."""
    answer: str
    waits: dict[str, Spread]
    """By what the others asked."""


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """The server at rest, before any load."""

    memory: dict[str, int]
    memory_total: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run; what was not asked for is empty."""

    began: str
    machine: str
    fsync_method: str | None
    idle: Idle | None = None
    inbound: list[Inbound] = []
    latency: list[Latency] = []
    imap: list[ImapTiming] = []
    growth: Growth | None = None
    steps: list[StepCost] = []
    waits: list[Waits] = []


def spread(seconds: Sequence[float]) -> Spread:
    """Median, 99th percentile (nearest rank) and maximum."""
    if not seconds:
        return Spread(0, 0.0, 0.0, 0.0)
    ordered = sorted(seconds)
    return Spread(len(ordered), _ms(rank(ordered, 0.5)), _ms(rank(ordered, 0.99)), _ms(ordered[-1]))


def rank(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the sample does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
