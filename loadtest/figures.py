"""The measured figures in the form of the JSON report. Times are in seconds unless the name says otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from loadtest.finding.figures import Finding

Cost = dict[str, float]
"""A cost for each process of the server."""


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
    """Mails per second until IMAP STATUS showed the last one; 0 when some never arrived."""
    missing: int
    surplus: int
    accept_ms: Spread
    """From the final dot to 250."""
    cpu_ms_per_message: Cost
    """Until the last mail was visible."""
    settled_cpu_ms_per_message: Cost
    """Until the server was idle again."""
    client_cpu_ms_per_message: float
    """CPU of the sending side only."""
    others_cores: float
    """CPU used by neither server nor client, in cores; above 0.4 the run should not be compared."""
    fsyncs_per_message: Cost
    """Empty when not measured."""
    peak_memory: dict[str, int]
    peak_memory_total: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The time from the final dot to EXISTS at a fixed rate."""

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
    """The median for one operation."""
    cpu_ms: float | None
    """CPU of all server processes for one operation, the median of the rounds; None when not measured."""
    least_cpu_ms: float | None = None
    """The CPU of the least disturbed round."""
    rounds: int = 1
    """The number of rounds, each of `repeats` operations."""
    work: dict[str, float] = {}
    """The counts for one operation: statements, rows_read, rows_written, bytes_read, bytes_written, calls."""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of operations as the mailbox grows."""

    sizes: list[int]
    timings: list[ImapTiming]


class StepCost(msgspec.Struct, frozen=True, kw_only=True):
    """The CPU of one message in one step."""

    step: str
    budget_ms: float | None
    """The budget in the design; None when the design has none."""
    cpu_ms: Cost


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long others waited while one command ran."""

    command: str
    mailbox_size: int
    seconds: float
    """The time of the command itself."""
    answer: str
    waits: dict[str, Spread]
    """The waits by the operation of the others."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One round of mail to other servers."""

    server: str
    connections: int
    mails: int
    accepted: int
    refusals: dict[str, int]
    signatures: int
    """DKIM signatures that the server adds to a mail."""
    accepted_per_second: float
    arrived_per_second: float
    """Mails per second from the first submission to the last arrival at the sink."""
    accept_ms: Spread
    """From the final dot to 250."""
    cpu_ms_per_mail: Cost
    """Until the server was idle again."""
    fsyncs_per_mail: Cost
    """Empty when not measured."""
    others_cores: float
    """CPU used by neither server nor client, in cores: the sink, and other programs."""


class SendingRatio(msgspec.Struct, frozen=True, kw_only=True):
    """The median of one server divided by that of another."""

    server: str
    beside: str
    arrived_per_second: float
    cpu: float


class SieveCost(msgspec.Struct, frozen=True, kw_only=True):
    """The CPU time of a script, beside Pigeonhole in the same run; medians. None: Pigeonhole is not installed."""

    rules: int
    message_octets: int
    rounds: int
    compile_ms: float
    run_ms: float
    """A run of a compiled script over a message whose scan is known, as delivery has it; the header is read anew."""
    scan_ms: float
    """The scan of the message, which delivery has from the receipt of the message."""
    other_run_ms: float | None
    """A process of sieve-test with the script less one with a single rule: the run with the reading of the message."""
    other_further_run_ms: float | None
    """A further run in the same process of sieve-test, in which script and message have been read."""


class TextEngineTime(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a question to the text index, in milliseconds."""

    question: str
    hits: int
    first_ms: float
    """After the file was opened; its pages may be in the memory of the system."""
    warm_ms: float
    scan_ms: float
    """A plain search through the folded texts in memory, from a sample; reading the messages comes on top."""


class TextEngineCost(msgspec.Struct, frozen=True, kw_only=True):
    """The embedded text index, without a server."""

    messages: int
    mail_octets: int
    add_ms: float
    """CPU time to index a message, in batches; making its texts is not included."""
    text_octets: int
    index_octets: int
    compressed_octets: int
    """The texts, each message compressed by itself; from a sample."""
    times: list[TextEngineTime]


class ReadingTime(msgspec.Struct, frozen=True, kw_only=True):
    """The time of one operation on a large mailbox of one server, in milliseconds."""

    operation: str
    server: str
    first_ms: float
    """The first time that it was asked since the mailbox was filled."""
    warm_ms: float
    """The median of further times, each over a new connection."""
    refusal: str = ""
    """What the server answered when it does not have the command."""


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """The idle server before any load."""

    memory: dict[str, int]
    memory_total: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a run; parts that were not requested are empty."""

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
    sending: list[Sending] = []
    sending_ratios: list[SendingRatio] = []
    sieve: SieveCost | None = None
    text_engine: TextEngineCost | None = None
    reading: list[ReadingTime] = []
    finding: Finding | None = None
    skipped: dict[str, str] = {}
    """Parts that could not be measured, with the reason."""


def spread(seconds: Sequence[float]) -> Spread:
    """The median, 99th percentile (nearest rank) and maximum."""
    if not seconds:
        return Spread(0, 0.0, 0.0, 0.0)
    ordered = sorted(seconds)
    return Spread(len(ordered), _ms(rank(ordered, 0.5)), _ms(rank(ordered, 0.99)), _ms(ordered[-1]))


def rank(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the sample does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
