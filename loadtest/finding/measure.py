"""Measures finding: fills, indexes, searches, delivers, and reads the memory, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from loadtest.finding import page_cache, xapian
from loadtest.finding.figures import Finding, IndexCost, IndexedDelivery, IndexMemory, IndexSize, SearchTime
from loadtest.finding.filling import Amounts, Receiver, fill
from loadtest.finding.index_files import part_sizes
from loadtest.finding.indexed_server import NAME, OFF, ON, IndexedServer, indexed_server
from loadtest.finding.searches import Expected, searches
from loadtest.finding.timing import cold_seconds, measure_searches
from loadtest.reading import dovecot
from loadtest.reading.measure import ReadServer
from loadtest.watching import Progress

_Filled = Mapping[ReadServer, Receiver]
_FURTHER = 20_000
"""Added to the ports of the second Mailfold."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: the options of the command."""

    messages: int
    size: int
    seed: int
    rounds: int
    rest: float
    deliveries: int
    delivery_rounds: int
    rate: float
    offset: int
    has_peers: bool
    xapian_messages: int
    has_cold: bool
    keep: bool


class _Measured:
    """The figures so far."""

    def __init__(self) -> None:
        self.searches: list[SearchTime] = []
        self.costs: list[IndexCost] = []
        self.sizes: list[IndexSize] = []
        self.memory: list[IndexMemory] = []
        self.deliveries: list[IndexedDelivery] = []
        self.skipped: dict[str, str] = {}

    def finding(self) -> Finding:
        return Finding(
            searches=self.searches,
            costs=self.costs,
            sizes=self.sizes,
            memory=self.memory,
            deliveries=self.deliveries,
        )


async def measure_finding(plan: Plan, progress: Progress) -> tuple[Finding, dict[str, str]]:
    """The figures, and what could not be measured. Raises CommandFailed, RuntimeError, OSError, ImapRefused."""
    measured = _Measured()
    async with contextlib.AsyncExitStack() as stack:
        progress.say("starting the servers")
        ours = await stack.enter_async_context(indexed_server(plan.offset, OFF, progress, keep=plan.keep))
        peers = await _peers(stack, plan, measured.skipped)
        filled = await asyncio.to_thread(_fill, plan, [ours.read, *peers], progress)
        await _index(plan, ours, measured, progress)
        await _search(plan, ours, filled[ours.read], measured, progress)
        for peer, running in peers.items():
            await asyncio.to_thread(_search_peer, plan, peer, running, filled[peer], measured, progress)
        await _deliver(plan, ours, measured, progress)
    return measured.finding(), measured.skipped


async def _peers(
    stack: contextlib.AsyncExitStack, plan: Plan, skipped: dict[str, str]
) -> dict[ReadServer, dovecot.RunningDovecot]:
    peers = {}
    if plan.has_peers:
        for name, missing, start in (
            (dovecot.NAME, dovecot.reason_missing(), dovecot.dovecot),
            (xapian.NAME, xapian.reason_missing(), xapian.with_xapian),
        ):
            if missing:
                skipped[name] = missing
                continue
            running = await stack.enter_async_context(start())
            peers[ReadServer(name, running.port, dovecot.USER, dovecot.PASSWORD, running.pop3_port)] = running
    return peers


def _fill(plan: Plan, servers: list[ReadServer], progress: Progress) -> _Filled:
    receivers = {}
    with contextlib.ExitStack() as stack:
        for server in servers:
            limit = plan.xapian_messages if server.name == xapian.NAME else plan.messages
            connection = stack.enter_context(server.connect())
            receivers[server] = Receiver(connection, limit, Expected(searches(plan.seed, plan.messages)))
        with progress.bar("filling", plan.messages) as step:
            fill(list(receivers.values()), plan.messages, plan.seed, plan.size, step)
    return receivers


async def _index(plan: Plan, ours: IndexedServer, measured: _Measured, progress: Progress) -> None:
    progress.say("a start without the index")
    of_start = await ours.cpu_of_start()
    measured.memory.append(await ours.memory("index off, after a start", plan.rest))
    progress.say("indexing")
    measured.costs.append(await ours.index(plan.messages, of_start))


def _size(server: str, amounts: Amounts, parts: dict[str, int]) -> IndexSize:
    return IndexSize(
        server=server,
        mails=amounts.mails,
        mail_octets=amounts.octets,
        text_octets=amounts.text,
        compressed_octets=amounts.compressed,
        parts=parts,
    )


async def _search(plan: Plan, ours: IndexedServer, receiver: Receiver, measured: _Measured, progress: Progress) -> None:
    asked = searches(plan.seed, plan.messages)
    with progress.bar("searches", len(asked)) as step:
        times = await asyncio.to_thread(measure_searches, ours.read, asked, receiver.expected.counts, plan.rounds, step)
    measured.memory.append(await ours.memory("index on, after indexing and searches", plan.rest))
    await ours.restart(ON)
    measured.memory.append(await ours.memory("index on, after a start", plan.rest))
    # The end of the server before has copied the write-ahead logs into the files.
    sizes = await asyncio.to_thread(part_sizes, ours.data)
    measured.sizes.append(_size(NAME, receiver.amounts, sizes))
    if plan.has_cold:
        times = await _with_cold(plan, ours, times, measured, progress)
    measured.searches += times


async def _with_cold(
    plan: Plan, ours: IndexedServer, times: list[SearchTime], measured: _Measured, progress: Progress
) -> list[SearchTime]:
    if missing := page_cache.reason_missing():
        measured.skipped["cold searches"] = missing
        return times
    asked = searches(plan.seed, plan.messages)
    with progress.bar("cold searches", len(asked)) as step:
        seconds = await asyncio.to_thread(cold_seconds, ours.read, asked, page_cache.drop, step)
    return [msgspec.structs.replace(time, cold_ms=round(1000 * seconds[time.search], 2)) for time in times]


def _search_peer(
    plan: Plan,
    peer: ReadServer,
    running: dovecot.RunningDovecot,
    receiver: Receiver,
    measured: _Measured,
    progress: Progress,
) -> None:
    rounds = 1
    if peer.name == xapian.NAME:
        rounds = plan.rounds
        progress.say(f"indexing in {peer.name}")
        measured.costs.append(xapian.index(running, receiver.amounts.mails))
        measured.sizes.append(_size(peer.name, receiver.amounts, {"all": xapian.index_octets(running)}))
    asked = searches(plan.seed, plan.messages)
    with progress.bar(f"searches in {peer.name}", len(asked)) as step:
        measured.searches += measure_searches(peer, asked, receiver.expected.counts, rounds, step)


async def _deliver(plan: Plan, ours: IndexedServer, measured: _Measured, progress: Progress) -> None:
    """Deliveries to the server with the index and to another one without it, in turns."""
    if not plan.deliveries:
        return
    async with indexed_server(plan.offset + _FURTHER, OFF, progress) as other:
        for server in (ours, other):  # the first mails of a server include imports and empty caches
            await server.deliver("", plan.rate, min(20, plan.deliveries))
        for _ in range(plan.delivery_rounds):
            measured.deliveries.append(await ours.deliver("embedded", plan.rate, plan.deliveries))
            measured.deliveries.append(await other.deliver("off", plan.rate, plan.deliveries))
