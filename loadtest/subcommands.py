"""The measurements of each subcommand: functions from the bench and the options to the parts of a report."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from loadtest.bench import Bench
from loadtest.content.filler import filler_profile
from loadtest.figures import Growth, ImapTiming, Inbound, Latency, StepCost, Waits
from loadtest.measure.bench import Supply
from loadtest.measure.growth import measure_growth
from loadtest.measure.imap_timings import measure_imap
from loadtest.measure.inbound import count_fsyncs, measure_inbound
from loadtest.measure.latency import measure_latency
from loadtest.measure.seeding import seed
from loadtest.measure.steps import measure_steps
from loadtest.measure.waits import measure_waits
from loadtest.smtp.driver import Shape

FSYNC_MESSAGES = 200
"""Messages of the run that only counts fsyncs, when counting slows the server."""


async def everything(bench: Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Run inbound, latency and IMAP; growth if requested."""
    parts = await inbound(bench, given) | await latency(bench, given) | await imap(bench, given)
    return parts | await growth(bench, given) if given.growth else parts


async def inbound(bench: Bench, given: argparse.Namespace) -> dict[str, list[Inbound]]:
    """Do one run for each number of connections, and one with pipelining."""
    shapes = [Shape(connections, given.per_connection) for connections in given.connections]
    if given.pipelining:
        shapes.append(Shape(10, given.per_connection, pipelining=True))
    async with bench.sessions() as sessions:
        await _warm_up(bench, sessions, given)
        runs = []
        for shape in shapes:
            rendered_mails = bench.supply.rendered_mails(given.messages)
            runs.append(
                await measure_inbound(bench.target, sessions, bench.meters, rendered_mails, shape, bench.progress)
            )
        return {"inbound": await _with_fsyncs(bench, sessions, runs)}


async def _warm_up(bench: Bench, sessions: Any, given: argparse.Namespace) -> None:
    """Send some mail first, because the first mails after a start include imports and empty caches."""
    if given.warm_up:
        shape = Shape(4, given.per_connection)
        await measure_inbound(
            bench.target, sessions, bench.meters, bench.supply.rendered_mails(given.warm_up), shape, bench.progress
        )


async def _with_fsyncs(bench: Bench, sessions: Any, runs: list[Inbound]) -> list[Inbound]:
    """Add the fsyncs from a run of its own with ten connections, because strace slows the server."""
    if bench.meters.fsync_method != "strace" or bench.meters.server is None:
        return runs
    counts = await count_fsyncs(
        bench.target, sessions, bench.meters, bench.supply.rendered_mails(FSYNC_MESSAGES), Shape()
    )
    return [_with_counts(run, counts) if run.connections == Shape().connections else run for run in runs]


def _with_counts(run: Inbound, counts: dict[str, float]) -> Inbound:
    values = {name: getattr(run, name) for name in run.__struct_fields__}
    return Inbound(**{**values, "fsyncs_per_message": counts})


async def latency(bench: Bench, given: argparse.Namespace) -> dict[str, list[Latency]]:
    """Measure latency by NOOP, then by IDLE."""
    runs = []
    for by in given.by:
        await bench.meters.quiet(bench.progress)
        runs.append(
            await measure_latency(
                bench.target,
                bench.supply.profile,
                rate=given.rate,
                count=given.latency_messages,
                by=by,
                progress=bench.progress,
            )
        )
    return {"latency": runs}


async def imap(bench: Bench, given: argparse.Namespace) -> dict[str, list[ImapTiming]]:
    """Measure IMAP in a mailbox of the last user."""
    user = bench.target.users - 1
    timings = await measure_imap(
        bench.target, user, given.mailbox_size, bench.supply.profile, bench.meters, bench.progress
    )
    return {"imap": timings}


async def growth(bench: Bench, given: argparse.Namespace) -> dict[str, Growth]:
    """Measure growth in the INBOX of the first user."""
    profile = dataclasses.replace(bench.supply.profile, spam_share=0.0)
    return {"growth": await measure_growth(bench.target, 0, given.sizes, profile, bench.meters, bench.progress)}


async def steps(bench: Bench, given: argparse.Namespace) -> dict[str, list[StepCost]]:
    """Measure steps with mail of the size in the budget, without attachments."""
    supply = Supply(dataclasses.replace(bench.supply.profile, attachment_share=0.0), bench.supply.first)
    async with bench.sessions() as sessions:
        await _warm_up(bench, sessions, given)
        return {
            "steps": await measure_steps(bench.target, sessions, bench.meters, supply, given.messages, bench.progress)
        }


async def waits(bench: Bench, given: argparse.Namespace) -> dict[str, list[Waits]]:
    """Measure waits with a mailbox of the last user; the mail is sent to the others."""
    user = bench.target.users - 1
    profile = dataclasses.replace(bench.supply.profile, spam_share=0.0)
    await bench.meters.quiet(bench.progress)
    measured = await measure_waits(bench.target, user, given.mailbox_size, given.rate, profile, bench.progress)
    return {"waits": measured}


async def fill(bench: Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Fill a mailbox (`seed`), and print the rate."""
    profile = filler_profile(bench.supply.profile, given.size)
    first = bench.supply.first
    rate = await seed(
        bench.target,
        given.user,
        given.mailbox.encode(),
        given.count,
        profile,
        bench.progress,
        connections=given.connections,
        first=first,
    )
    bench.progress.say(f"{given.count} messages, {rate:.0f} a second")
    return {}
