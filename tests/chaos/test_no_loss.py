"""Thousands of mails while everything is killed again and again, the bus wiped once, mail moved and taught meanwhile: no loss, no doubles."""

from __future__ import annotations

import asyncio
import os
import time

from tests.chaos.complaints import errors
from tests.chaos.conditions import until
from tests.chaos.conftest import Start
from tests.chaos.followers import caught_up, lesson_faults, lessons, log_faults
from tests.chaos.killer import Killer, schedule
from tests.chaos.ledger import Ledger
from tests.chaos.moments import Moments
from tests.chaos.oracle import Findings, collect, judge, judge_queue
from tests.chaos.owners import Owners
from tests.chaos.people import NAMES, address
from tests.chaos.senders import Senders
from tests.chaos.teacher import Teacher
from tests.chaos.victims import Victims
from tests.harness.ports import IMAPS, SMTP, SUBMISSIONS
from tests.harness.server import MailfoldServer

SEED = int(os.environ.get("MAILFOLD_CHAOS_SEED", "7"))
MAILS = int(os.environ.get("MAILFOLD_CHAOS_MAILS", "2000"))
KILLS = int(os.environ.get("MAILFOLD_CHAOS_KILLS", "36"))
_HASTE = {
    "MAILFOLD_BUS_MAX_ATTEMPTS": "8",
    "MAILFOLD_SERVER_RESTART_LONGEST": "1",
    "MAILFOLD_BUS_ACK_WAIT_SECONDS": "4",
    "MAILFOLD_INGRESS_REPEAT_FIRST": "2",
    "MAILFOLD_INGRESS_REPEAT_LONGEST": "10",
}
_SETTLED_SECONDS = 90.0


async def test_what_was_accepted_is_there_once(start: Start) -> None:
    server = await asyncio.to_thread(start, _HASTE, os.environ.get("MAILFOLD_CHAOS_LAYOUT", "small"))
    ledger, moments, victims = Ledger(), Moments(), Victims(server)
    killer = Killer(victims, ledger, moments)
    began = time.monotonic()
    try:
        await _storm(server, ledger, moments, victims, killer)
    except BaseException:
        print(f"\nthe storm ended early: {len(ledger.accepted)} accepted, killed {dict(victims.killed)}, failures {dict(ledger.failures)}, {server.report()}")
        raise
    stormed = time.monotonic()
    await victims.all_back()
    await until(lambda: _all_settled(server), "every reception settled", _SETTLED_SECONDS, look=0.25)
    settled = time.monotonic()
    findings = judge(ledger, await collect(server.port(IMAPS), [address(name) for name in NAMES]))
    judge_queue(findings, ledger, await asyncio.to_thread(server.contracts.queue))
    _tell(ledger, victims, killer, findings, stormed - began, settled - stormed)
    print(f"errors in the logs: {dict(errors(server.places.log))}; counted after {time.monotonic() - settled:.1f} s")
    faults = [*ledger.wrong, *findings.faults, *await _followers(server)]
    assert faults == []
    assert sum(victims.killed.values()) >= min(30, KILLS)
    verified = await asyncio.to_thread(server.command.run, "verify")
    assert verified.status == 0, verified.output + verified.errors
    print(f"verified after {time.monotonic() - settled:.1f} s")
    letters = await asyncio.to_thread(server.command.json, "deadletters", "list")
    assert not letters, letters


async def _followers(server: MailfoldServer) -> list[str]:
    store = server.data / "store"
    async with Owners(server.places) as owners:
        seconds = await caught_up(owners)
        faults = await log_faults(owners, store)
    faults += lesson_faults(store)
    print(f"followers caught up after {seconds:.1f} s; {sum(lessons(store).values())} lessons {lessons(store)}; {len(faults)} faults")
    return faults


async def _storm(server: MailfoldServer, ledger: Ledger, moments: Moments, victims: Victims, killer: Killer) -> None:
    ports = {"smtp": server.port(SMTP), "submissions": server.port(SUBMISSIONS)}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(Teacher(server.port(IMAPS), ledger, SEED, number).run(stop))
        sending = group.create_task(Senders(ports, ledger, moments, SEED, MAILS).run(relays=6, users=3))
        await killer.run(schedule(SEED, victims.names(), KILLS, MAILS))
        await sending
        stop.set()


async def _all_settled(server: MailfoldServer) -> bool:
    try:
        return not await asyncio.to_thread(server.contracts.receptions)
    except Exception:
        return False


def _tell(ledger: Ledger, victims: Victims, killer: Killer, findings: Findings, storm: float, recovery: float) -> None:
    moments = ", ".join(f"{count} {moment}" for moment, count in killer.at_moments.items())
    copies = sum(len(letter.accounts) for letter, _ in ledger.accepted.values())
    print(f"\nseed {SEED}: {len(ledger.accepted)} mails accepted ({copies} copies), {len(ledger.cut)} cut off at the dot "
          f"({findings.cut_delivered} of them delivered, {findings.cut_refused} not); {len(findings.faults)} faults")  # fmt: skip
    print(f"kills: {sum(victims.killed.values())}: {dict(sorted(victims.killed.items()))} ({moments}); bus wiped {victims.wiped} time(s)")
    print(f"meanwhile: {ledger.moves} MOVEs of {ledger.moved} messages, {ledger.flagged} flagged, {len(ledger.appended)} appended")
    print(f"storm {storm:.1f} s, settled after {recovery:.1f} s, longest return of a process {killer.longest_return:.1f} s")
    print(f"attempts that failed: {dict(ledger.failures.most_common(12))}")
