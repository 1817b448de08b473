"""Many mails are sent while all processes are killed again and again, and lessons are taught meanwhile.

Two processes are kept away for long, and the bus is wiped once. No mail may be lost or duplicated, and nothing may wait
for an operator.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

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
from tests.chaos.outside import committed, outside_faults, sending_to
from tests.chaos.owners import Owners
from tests.chaos.people import NAMES, address
from tests.chaos.senders import Amount, Senders
from tests.chaos.stores import Stores
from tests.chaos.teacher import Teacher
from tests.chaos.victims import DATABASE, Victims
from tests.harness.ports import IMAPS, SMTP, SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.parts import postgres
from tests.parts.remote_server import RemoteServer
from tests.parts.required import needs

SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
MAILS = int(os.environ.get("MAILFOLD_CHAOS_MAILS", "1200"))
KILLS = int(os.environ.get("MAILFOLD_CHAOS_KILLS", "32"))
OUTSIDE = int(os.environ.get("MAILFOLD_CHAOS_OUTSIDE", "0"))
"""Mails of each storm that leave the server; 0: an eighth of all. A larger number makes a storm larger."""
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


@dataclass(frozen=True, slots=True)
class Storm:
    """The mail that is sent, and the kills meanwhile."""

    amount: Amount
    kills: int


def _storm_of(mails: int, kills: int) -> Storm:
    outside = OUTSIDE or mails // 8
    return Storm(Amount(max(mails, 2 * outside), outside), kills)


STORMS = {"small": _storm_of(MAILS, KILLS), "split": _storm_of(MAILS // 3, KILLS // 2)}
"""By layout. The second one gives every service a process of its own; the first one is for the figures."""
ON_POSTGRES = _storm_of(MAILS // 3, KILLS // 2)


@pytest.mark.parametrize("layout", STORMS)
async def test_what_was_accepted_is_there_once(start: Start, layout: str) -> None:
    async with RemoteServer() as outside:
        server = await asyncio.to_thread(start, {**_HASTE, **sending_to(outside)}, layout)
        await _survives(server, Victims(server), outside, STORMS[layout])


@pytest.mark.parametrize("layout", STORMS)
async def test_the_database_dies_as_well(start: Start, layout: str) -> None:
    needs(postgres)
    async with RemoteServer() as outside:
        with postgres.PostgresServer(fsync=True) as database:
            settings = {**_HASTE, **sending_to(outside)}
            server = await asyncio.to_thread(start, settings, layout, database.create_database())
            victims = Victims(server, database)
            await _survives(server, victims, outside, ON_POSTGRES)
            assert victims.killed[DATABASE]
            await asyncio.to_thread(server.stop)


async def _survives(server: MailfoldServer, victims: Victims, outside: RemoteServer, storm: Storm) -> None:
    """Send mail during the kills, let the server recover, and count."""
    ledger, moments = Ledger(), Moments()
    killer = Killer(victims, ledger, moments)
    began = time.monotonic()
    kills = schedule(SEED, victims.names(), storm.kills, storm.amount.mails)
    try:
        await _rage(server, ledger, moments, killer, kills, storm.amount)
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
    findings.queue += outside_faults(ledger, outside.mails, committed(Stores(server)), victims.strikes_at("outbound"))
    _print_figures(ledger, victims, killer, findings, stormed - began, settled - stormed)
    print(f"errors in the logs: {dict(errors(server.places.log))}; counted after {time.monotonic() - settled:.1f} s")
    faults = [*ledger.wrong, *findings.faults, *await _followers(server)]
    assert faults == []
    assert len(ledger.accepted) >= storm.amount.mails
    assert sum(bool(mail.remote) for mail, _ in ledger.accepted.values()) >= storm.amount.outside
    assert (sum(victims.killed.values()), victims.wiped) >= (storm.kills, 1)
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


async def _rage(
    server: MailfoldServer, ledger: Ledger, moments: Moments, killer: Killer, kills: list[Kill], amount: Amount
) -> None:
    ports = {"smtp": server.port(SMTP), "submissions": server.port(SUBMISSIONS)}
    stop = asyncio.Event()
    users = 3 if amount.outside * 3 < amount.mails else 6  # only users send to other servers
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(Teacher(server.port(IMAPS), ledger, SEED, number).run(stop))
        sending = group.create_task(Senders(ports, ledger, moments, SEED, amount).run(relays=6, users=users))
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
