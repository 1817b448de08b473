"""Counts the bodies that sessions read, and reports them every few minutes, so that no FETCH waits for the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import structlog

from services.access.adapters.reads import ReadsClient
from shared.background import BackgroundTask, every
from shared.grpc.call import acting, current_provenance, with_command
from shared.grpc.errors import ServiceError
from shared.ids import IdKind, Ids

log = structlog.get_logger("access")
_MOST = 20_000
"""Readers and mailboxes that are told apart between two reports."""
_AT_ONCE = 500
_PATIENCE = 60.0


class Reading(NamedTuple):
    """Who reads which mailbox."""

    account: str
    mailbox: str
    protocol: str
    user: str
    credential: str
    address: str


class ReadBodies:
    """The counts of the process. A crash loses those since the last report."""

    def __init__(self, reads: ReadsClient, ids: Ids, every_seconds: float) -> None:
        self._reads = reads
        self._ids = ids
        self._counts: dict[Reading, int] = {}
        self._task = BackgroundTask(
            "access",
            "read-bodies",
            every(every_seconds, self.report),
            longest=3 * every_seconds + _PATIENCE,
            not_now=(ServiceError,),
        )

    def start(self) -> None:
        """Begin to report at intervals."""
        self._task.start()

    async def stop(self) -> None:
        """Report the rest and stop."""
        await self._task.stop()
        try:
            await self.report()
        except ServiceError as error:
            log.warning("access.reads_lost", count=len(self._counts), error=str(error))

    def note(self, account: str, mailbox: str, protocol: str, messages: int) -> None:
        """Count bodies that the acting user has read. Above the bound, mailboxes and addresses are not told apart."""
        actor = current_provenance().actor
        reading = Reading(account, mailbox, protocol, actor.id, actor.credential, actor.address)
        if reading not in self._counts and len(self._counts) >= _MOST:
            reading = Reading(account, "", protocol, actor.id, "", "")
            if reading not in self._counts and len(self._counts) >= 2 * _MOST:
                reading = Reading(account, "", protocol, "", "", "")
        self._counts[reading] = self._counts.get(reading, 0) + messages

    async def report(self) -> None:
        """Report what was counted. What could not be reported is counted again. Raises ServiceError."""
        for part in _parts(list(self._counts)):
            counted = {reading: self._counts.pop(reading) for reading in part}
            try:
                with acting(with_command(self._ids.new(IdKind.COMMAND))):
                    await self._reads.note(counted)
            except ServiceError:
                for reading, messages in counted.items():
                    self._counts[reading] = self._counts.get(reading, 0) + messages
                raise


def _parts(readings: list[Reading]) -> Iterator[list[Reading]]:
    for start in range(0, len(readings), _AT_ONCE):
        yield readings[start : start + _AT_ONCE]
