"""Thousands of mails are sent while all processes are killed again and again, and lessons are taught meanwhile.

Two processes are kept away for long, and the bus is wiped once. No mail may be lost or duplicated, and nothing may wait
for an operator.
"""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from shared.grpc.errors import ServiceError
from tests.chaos.complaints import errors
from tests.chaos.conditions import until
from tests.chaos.conftest import Start
from tests.chaos.followers import caught_up, lesson_faults, lessons, log_faults
from tests.chaos.killer import Kill, Killer, schedule
from tests.chaos.ledger import Ledger
from tests.chaos.moments import Moments
from tests.chaos.oracle import Findings, collect, judge
from tests.chaos.outside import outside_faults, sending_to
from tests.chaos.owners import Owners
from tests.chaos.people import NAMES, address
from tests.chaos.senders import Senders
from tests.chaos.stores import Stores
from tests.chaos.teacher import Teacher
from tests.chaos.victims import DATABASE, Victims
from tests.harness.ports import IMAPS, SMTP, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.parts import postgres
from tests.parts.remote_server import RemoteServer
from tests.parts.required import needs

SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
MAILS = int(os.environ.get("MAILFOLD_CHAOS_MAILS", "2000"))
KILLS = int(os.environ.get("MAILFOLD_CHAOS_KILLS", "32"))
LAYOUTS = [("small", MAILS, KILLS), ("split", MAILS // 4, KILLS // 2)]
"""The second run gives every service a process of its own; the first one is for the figures."""
ON_POSTGRES = (MAILS // 4, KILLS // 2)
_HASTE = {
    "MAILFOLD_BUS_MAX_ATTEMPTS": "8",
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_BUS_ACK_WAIT_SECONDS": "4",
    "MAILFOLD_INGRESS_REPEAT_FIRST": "2",
    "MAILFOLD_INGRESS_REPEAT_LONGEST": "10",
    "MAILFOLD_INGRESS_REPEAT_HELD": "5",
    "MAILFOLD_SERVER_CALL_TIMEOUT": "5",
}
_SETTLED_SECONDS = 90.0
_HEALED_SECONDS = 75.0
"""Seconds between two comparisons of dead letters with their mails."""

pytestmark = pytest.mark.timeout(1200)


@pytest.mark.parametrize(("layout", "mails", "kills"), LAYOUTS, ids=[layout for layout, _, _ in LAYOUTS])
async def test_what_was_accepted_is_there_once(start: Start, layout: str, mails: int, kills: int) -> None:
    async with RemoteServer() as outside:
        server = await asyncio.to_thread(start, {**_HASTE, **sending_to(outside)}, layout)
        await _survives(server, Victims(server), outside, mails, kills)


@pytest.mark.parametrize("layout", [layout for layout, _, _ in LAYOUTS])
async def test_the_database_dies_as_well(start: Start, layout: str) -> None:
    needs(postgres)
    async with RemoteServer() as outside:
        with postgres.PostgresServer(fsync=True) as database:
            settings = {**_HASTE, **sending_to(outside)}
            server = await asyncio.to_thread(start, settings, layout, database.create_database())
            victims = Victims(server, database)
            await _survives(server, victims, outside, *ON_POSTGRES)
            assert victims.killed[DATABASE]
            await asyncio.to_thread(server.stop)


async def _survives(server: MailfoldServer, victims: Victims, outside: RemoteServer, mails: int, kills: int) -> None:
    """Send mail during the kills, let the server recover, and count."""
    ledger, moments = Ledger(), Moments()
    killer = Killer(victims, ledger, moments)
    began = time.monotonic()
    try:
        await _storm(server, ledger, moments, killer, schedule(SEED, victims.names(), kills, mails), mails)
    except BaseException:
        print(
            f"\nthe storm ended early: {len(ledger.accepted)} accepted, killed {dict(victims.killed)}, failures "
            f"{dict(ledger.failures)}, {server.report()}"
        )
        raise
    stormed = time.monotonic()
    await victims.all_back()
    await _settle(server)
    settled = time.monotonic()
    findings = judge(ledger, await collect(server.port(IMAPS), [address(name) for name in NAMES]))
    findings.queue += outside_faults(ledger, outside, victims.moments)
    _print_figures(ledger, victims, killer, findings, stormed - began, settled - stormed)
    print(f"errors in the logs: {dict(errors(server.places.log))}; counted after {time.monotonic() - settled:.1f} s")
    faults = [*ledger.wrong, *findings.faults, *await _followers(server)]
    assert faults == []
    assert (len(ledger.accepted), sum(victims.killed.values()), victims.wiped) >= (mails, kills, 1)
    verified = await asyncio.to_thread(server.command.run, "verify")
    assert verified.status == 0, verified.output + verified.errors
    print(f"verified after {time.monotonic() - settled:.1f} s")
    assert await _dead_letters(server) == []


async def _followers(server: MailfoldServer) -> list[str]:
    stores = Stores(server)
    async with Owners(server.places) as owners:
        seconds = await caught_up(owners)
        faults = await log_faults(owners, stores)
    faults += lesson_faults(stores)
    print(
        f"followers caught up after {seconds:.1f} s; {sum(lessons(stores).values())} lessons {lessons(stores)}; "
        f"{len(faults)} faults"
    )
    return faults


async def _storm(
    server: MailfoldServer, ledger: Ledger, moments: Moments, killer: Killer, kills: list[Kill], mails: int
) -> None:
    ports = {"smtp": server.port(SMTP), "submissions": server.port(SUBMISSIONS)}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(Teacher(server.port(IMAPS), ledger, SEED, number).run(stop))
        sending = group.create_task(Senders(ports, ledger, moments, SEED, mails).run(relays=6, users=3))
        await killer.run(kills)
        await sending
        stop.set()


async def _settle(server: MailfoldServer) -> None:
    """Wait until every reception is settled and every dead letter is resolved without an operator."""
    await until(lambda: _none_left(server), "every reception settled", _SETTLED_SECONDS, look=0.25)
    await until(lambda: _all_sent(server), "every mail to other servers sent", _SETTLED_SECONDS, look=0.25)
    await until(lambda: _all_healed(server), "every dead letter healed", _HEALED_SECONDS, look=2.0)
    print(f"\n{len(await _dead_letters(server, '--retried'))} dead letters healed by themselves")


async def _none_left(server: MailfoldServer) -> bool:
    try:
        return not await asyncio.to_thread(server.contracts.receptions)
    except ServiceError:
        return False


async def _all_sent(server: MailfoldServer) -> bool:
    try:
        return not await asyncio.to_thread(server.contracts.queue)
    except ServiceError:
        return False


async def _all_healed(server: MailfoldServer) -> bool:
    return not await _dead_letters(server)


async def _dead_letters(server: MailfoldServer, *options: str) -> list[str]:
    """The service, the step and the error of each dead letter."""
    listed = await asyncio.to_thread(server.command.json, "deadletters", "list", *options)
    return [f"{dead_letter['service']} {dead_letter['what']}: {dead_letter['error']}" for dead_letter in listed]


def _print_figures(
    ledger: Ledger, victims: Victims, killer: Killer, findings: Findings, storm: float, recovery: float
) -> None:
    moments = ", ".join(f"{count} {moment}" for moment, count in killer.at_moments.items())
    copies = sum(len(dead_letter.accounts) for dead_letter, _ in ledger.accepted.values())
    print(
        f"\nseed {SEED}: {len(ledger.accepted)} mails accepted ({copies} copies), {len(ledger.cut)} cut off at the dot "
        f"({findings.cut_delivered} of them delivered, {findings.cut_refused} not); {len(findings.faults)} faults"
    )
    print(f"{'; '.join(killer.absences)}")
    print(
        f"kills: {sum(victims.killed.values())}: {dict(sorted(victims.killed.items()))} ({moments}); bus wiped "
        f"{victims.wiped} time(s)"
    )
    print(
        f"meanwhile: {ledger.moves} MOVEs of {ledger.moved} messages, {ledger.flagged} flagged, "
        f"{len(ledger.appended)} appended"
    )
    print(
        f"storm {storm:.1f} s, settled after {recovery:.1f} s, longest return of a process "
        f"{killer.longest_return:.1f} s"
    )
    print(f"attempts that failed: {dict(ledger.failures.most_common(12))}")
