"""Does the steps of a service in the erasures of deleted accounts, when the directory says that it is their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from shared.background import BackgroundTask, spawn, woken_within
from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell_pattern
from shared.erasure.former_addresses import FormerAddress, FormerAddresses
from shared.erasure.log_erasure import Erased
from shared.erasure.mail_marks import MailMarks, hash_of
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.directory.v1 import erasures_pb2 as pb
from shared.rpc.mailfold.directory.v1.erasures_pb2_grpc import ErasuresStub

log = structlog.get_logger("erasure")
_FIRST_LOOK, _IDLE_SECONDS = 0.5, 30.0
"""Seconds between looks while a step waits for something: the first; they double up to the second."""
_GATHER_SECONDS = 0.25
"""Seconds between two looks at least: each change of the directory rings, and hardly one is about an erasure."""
_REPORTED = 2_000
"""Events between two reports of how far a step is."""
_NOTED = 500
_LONGEST = 4 * _IDLE_SECONDS
Advanced = Callable[[int], None]
StepWork = Callable[[Erased, Advanced], Awaitable[str]]
"""Does a step; returns for what it waits, or an empty text when it is done. It goes on where an earlier one ended."""


class ErasureWorker:
    """The background task. `steps` are what the service does, by the names of steps."""

    def __init__(self, service: str, directory: Channel, bus: Bus, steps: Mapping[str, StepWork]) -> None:
        self._service = service
        self._board = ErasuresStub(directory)
        self._bus = bus
        self._steps = steps
        self._wake = asyncio.Event()
        self._pause = _FIRST_LOOK
        self._task = BackgroundTask(
            service,
            "account-erasure",
            self._turn,
            longest=_LONGEST,
            not_now=(StoreUnavailable, ServiceError),
        )

    async def start(self) -> None:
        """Begin, with erasures that an earlier process did not end."""
        await self._bus.listen(store_doorbell_pattern("directory"), self._rung)
        self._task.start()

    async def stop(self) -> None:
        """Stop; an erasure goes on at the next start."""
        await self._task.stop()

    async def note(self, account: str, whole: list[str], part: list[str]) -> None:
        """Note mails of the account at the directory."""
        for first in range(0, max(len(whole), len(part)), _NOTED):
            some = slice(first, first + _NOTED)
            await self._board.NoteMails(
                pb.NotedMails(account=account, service=self._service, whole=whole[some], part=part[some])
            )

    def _rung(self, _subject: str, _payload: bytes) -> None:
        self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        with acting(Provenance(Actor("service", self._service))):
            waits = await self._look()
        if not waits:
            self._pause = _FIRST_LOOK
            if await woken_within(self._wake, _IDLE_SECONDS):
                await asyncio.sleep(_GATHER_SECONDS)
            return
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, _IDLE_SECONDS)

    async def _look(self) -> bool:
        """Do the steps whose turn it is; returns whether one of them waits."""
        waits, after = False, ""
        while True:
            task = await self._board.NextErasure(pb.NextErasureRequest(service=self._service, after=after))
            if not task.account:
                return waits
            after = task.account
            says = await self._steps[task.step](await self._erased(task), self._advanced(task))
            if says:
                waits = True
                await self._report(task.account, 0, says)
                continue
            step = pb.EndStepRequest(account=task.account, service=self._service, step=task.step)
            await self._board.EndStep(step)
            log.info("erasure.step_done", service=self._service, account=task.account, step=task.step)

    def _advanced(self, task: pb.ErasureTask) -> Advanced:
        reported = 0

        def advanced(count: int) -> None:
            nonlocal reported
            self._task.advanced()
            if count - reported >= _REPORTED:
                reported = count
                spawn(self._report(task.account, count, ""), "erasure-progress")

        return advanced

    async def _report(self, account: str, done: int, waiting: str) -> None:
        await self._board.ReportProgress(
            pb.ErasureProgress(account=account, service=self._service, done=done, waiting=waiting)
        )

    async def _erased(self, task: pb.ErasureTask) -> Erased:
        addresses = [FormerAddress(held.address, held.separators, held.since, held.until) for held in task.addresses]
        whole, part, after = list[int](), list[int](), ""
        while True:
            page = await self._board.ReadMails(pb.ReadMailsRequest(account=task.account, after=after))
            whole += map(hash_of, page.whole)
            part += map(hash_of, page.part)
            after = page.next
            if not after:
                return Erased(task.account, FormerAddresses(task.account, addresses), MailMarks(whole, part))
