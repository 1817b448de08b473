"""Measures mail from outside at full speed: accepted, drained, and its cost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from loadtest.figures import Cost, Inbound, spread
from loadtest.imap.counts import Arrival, all_visible, wait_for
from loadtest.imap.session import ImapSession
from loadtest.measure.bench import Meters, per_message
from loadtest.meter.fsyncs import fsyncs_of
from loadtest.meter.machine import Others
from loadtest.meter.memory import MemoryPeak
from loadtest.smtp.driver import Shape, Tally, send_all
from loadtest.smtp.rendered_mail import RenderedMail
from loadtest.target import Target
from loadtest.watching import Progress

_SEND_LIMIT = 900.0
_DRAIN_LIMIT = 180.0


@dataclass(slots=True)
class _Watched:
    """The counters that run during a measurement."""

    memory: dict[str, int] = field(default_factory=dict)
    memory_total: int = 0
    fsyncs: dict[str, int] = field(default_factory=dict)


async def measure_inbound(
    target: Target,
    sessions: Mapping[int, ImapSession],
    meters: Meters,
    rendered_mails: list[RenderedMail],
    shape: Shape,
    progress: Progress,
) -> Inbound:
    """Send all messages, and wait until all are visible and the server is idle. Raises TimeoutError, ImapRefused."""
    await meters.quiet(progress)
    before, baseline = meters.cpu(), await all_visible(sessions)
    with _watch(meters) as watched:
        others = Others(meters.cpu)
        # Only this thread: the meters have their own threads.
        own = time.thread_time()
        tally = await _send(target, rendered_mails, shape, progress)
        own = time.thread_time() - own
        arrival = await wait_for(sessions, _expected_counts(baseline, tally), limit=_DRAIN_LIMIT)
        drained, disturbed = meters.cpu(), others.cores()
        await meters.quiet(progress)
    return _figures(
        rendered_mails, shape, tally, arrival, watched, _Costs(before, drained, meters.cpu(), own, disturbed)
    )


async def count_fsyncs(
    target: Target,
    sessions: Mapping[int, ImapSession],
    meters: Meters,
    rendered_mails: list[RenderedMail],
    shape: Shape,
) -> Cost:
    """fsyncs per message in a separate run, for the method that slows the server down."""
    baseline = await all_visible(sessions)
    with _watch(meters, fsyncs=True) as watched:
        tally = await send_all(target, rendered_mails, shape, limit=_SEND_LIMIT)
        await wait_for(sessions, _expected_counts(baseline, tally), limit=_DRAIN_LIMIT)
    return _per_message(watched.fsyncs, tally.accepted)


async def _send(target: Target, rendered_mails: list[RenderedMail], shape: Shape, progress: Progress) -> Tally:
    title = f"{shape.connections} connections" + (", pipelining" if shape.pipelining else "")
    with progress.bar(title, len(rendered_mails)) as step:
        return await send_all(target, rendered_mails, shape, limit=_SEND_LIMIT, progress=step)


@contextlib.contextmanager
def _watch(meters: Meters, *, fsyncs: bool = False) -> Iterator[_Watched]:
    """Measure memory, and fsyncs when counting them is free or requested."""
    watched = _Watched()
    if meters.server is None:
        yield watched
        return
    counting = meters.fsync_method if fsyncs or meters.fsync_method == "perf" else None
    with MemoryPeak(meters.server) as peak, fsyncs_of(meters.server.pids(), counting) as counts:
        yield watched
    watched.memory, watched.memory_total, watched.fsyncs = peak.by_name, peak.total, counts


def _expected_counts(baseline: Mapping[int, int], tally: Tally) -> dict[int, int]:
    return {user: baseline.get(user, 0) + count for user, count in tally.by_user.items()}


@dataclass(frozen=True, slots=True)
class _Costs:
    """CPU seconds of the server before, when drained and when idle, and of the sending side; and the CPU of others, in
    cores."""

    before: dict[str, float]
    drained: dict[str, float]
    settled: dict[str, float]
    own: float
    others: float


def _figures(
    rendered_mails: list[RenderedMail], shape: Shape, tally: Tally, arrival: Arrival, watched: _Watched, costs: _Costs
) -> Inbound:
    accepted = max(1, tally.accepted)
    return Inbound(
        connections=shape.connections,
        per_connection=shape.per_connection,
        pipelining=shape.pipelining,
        messages=len(rendered_mails),
        accepted=tally.accepted,
        refusals={reason: count for reason, count in tally.refusals.most_common() if count},
        accepted_per_second=round(tally.rate, 1),
        drained_per_second=0.0 if arrival.missing else round(tally.accepted / (arrival.at - tally.began), 1),
        missing=arrival.missing,
        surplus=arrival.surplus,
        accept_ms=spread(tally.durations),
        cpu_ms_per_message=per_message(costs.before, costs.drained, tally.accepted),
        settled_cpu_ms_per_message=per_message(costs.before, costs.settled, tally.accepted),
        client_cpu_ms_per_message=round(costs.own * 1000 / accepted, 3),
        others_cores=round(costs.others, 2),
        fsyncs_per_message=_per_message(watched.fsyncs, tally.accepted),
        peak_memory=watched.memory,
        peak_memory_total=watched.memory_total,
    )


def _per_message(counts: Mapping[str, int], messages: int) -> Cost:
    return {name: round(count / max(1, messages), 3) for name, count in counts.items()}
