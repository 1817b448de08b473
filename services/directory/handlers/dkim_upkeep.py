"""Keeps the DKIM keys of all domains in order: makes missing ones, looks for records, and reports what is not well."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from services.directory.handlers import sending_rows
from services.directory.handlers.dkim import DkimCommands
from services.directory.handlers.secret_keys import SecretCommands
from shared.background import BackgroundTask
from shared.eventstore.store import EventStore
from shared.owner.health import note
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.secrets import SecretsError

log = structlog.get_logger("directory")
_FIRST_SECONDS = 10.0
"""Seconds after the start at which the DNS is asked for the first time."""
_ALL_SECONDS = 3600.0
"""Seconds between two looks for records that are published."""
_NAMED = 5
"""Domains that a report names."""


class DkimUpkeep:
    """The background work on DKIM keys, and its part of the directory's report."""

    def __init__(
        self, service: str, store: EventStore, dkim: DkimCommands, secrets: SecretCommands, seconds: float
    ) -> None:
        self._store = store
        self._dkim = dkim
        self._secrets = secrets
        self._seconds = seconds
        self._pause = _FIRST_SECONDS
        self._since_all = _ALL_SECONDS
        self._task = BackgroundTask(service, "dkim keys", self._turn)

    def start(self) -> None:
        """Make missing keys now, and look into the DNS from time to time."""
        self._task.start()

    async def stop(self) -> None:
        """Stop."""
        await self._task.stop()

    async def report(self, reply: owner_pb2.ReportReply) -> None:
        """Add which domains have no key, which keys are not published, and whether secrets can be opened."""
        without = await self._store.read(lambda reader: sending_rows.domains_without_keys(reader, _NAMED + 1))
        if without:
            what = f"no DKIM key signs mail of {_named([name for _, name in without])}"
            note(reply, what, "the log of the directory says why its keys could not be made")
        try:
            problem = await self._secrets.trouble()
        except SecretsError as error:
            problem = str(error)
        note(reply, problem, "put secrets.key back from a backup, or see `mailfold secrets show`")
        unpublished = await self._store.read(lambda reader: sending_rows.unpublished(reader, _NAMED + 1))
        if unpublished:
            names = _named(unpublished)
            reply.state = f"DKIM records of {names} are not seen in the DNS: `mailfold dkim show DOMAIN` prints them"
        reply.counts["domains_with_unpublished_dkim"] = await self._store.read(sending_rows.count_unpublished)

    async def _turn(self) -> None:
        try:
            await self._dkim.add_missing()
        except SecretsError as error:  # the report names it as well; the DNS is looked at all the same
            log.warning("directory.dkim_keys_not_made", error=str(error))
        await asyncio.sleep(self._pause)
        look_at_all = self._since_all >= _ALL_SECONDS
        await self._dkim.check_all(unpublished_only=not look_at_all)
        self._since_all = 0.0 if look_at_all else self._since_all + self._pause
        self._pause = self._seconds


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
