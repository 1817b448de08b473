"""Connects the parts of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import sqlalchemy

from services.mailstore.endpoints.closings import ClosingsEndpoint
from services.mailstore.endpoints.servicer import MailstoreEndpoint
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.closing import AccountClosings
from services.mailstore.handlers.erasure import Eraser
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.projections.closing import ClosingProjection
from services.mailstore.projections.mailboxes import MailboxProjection
from services.mailstore.projections.uid_validity import UidValidityProjection
from services.mailstore.settings import SECTIONS as SECTIONS
from services.mailstore.settings import MailstoreSettings
from shared.bus.bus import Bus
from shared.bus.subjects import account_doorbell
from shared.eventstore.deadletters import DeadLetterProjection
from shared.eventstore.event import Recorded
from shared.grpc.servicers import Registration
from shared.owner.commit_bell import ring_at_commits
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.mailstore.v1.closings_pb2_grpc import add_ClosingsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import add_MailstoreServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host

SERVICE = "mailstore"


class Mailstore:
    """The mailstore as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        metadata = sqlalchemy.MetaData()
        projections = (
            MailboxProjection(metadata),
            UidValidityProjection(metadata),
            ClosingProjection(metadata),
            DeadLetterProjection(metadata),
        )
        self.store = host.event_store(SERVICE, metadata, projections)
        directory = host.channel("directory", SERVICE)
        self._closings = AccountClosings(SERVICE, self.store, directory, host.bus)
        self._eraser = Eraser(SERVICE, self.store)
        limits = host.section(MailstoreSettings)
        endpoint = MailstoreEndpoint(
            self.store,
            host.blobs,
            host.ids,
            host.clock,
            MailboxCommands(host.ids, host.clock, limits),
            MessageCommands(host.ids, host.clock, limits),
            Quotas(directory, host.clock),
            limits,
            host.turns,
        )
        self.registrations: Sequence[Registration] = (
            (add_MailstoreServicer_to_server, endpoint),
            (add_ClosingsServicer_to_server, ClosingsEndpoint(self.store)),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(
                    SERVICE,
                    self.store,
                    host.health(SERVICE, self.store),
                    report=self._report,
                    blobs=self._referenced_blobs,
                ),
            ),
        )

    async def start(self) -> None:
        """Open the store and begin to ring doorbells."""
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        self.store.on_commit(lambda recorded: _ring_accounts(self._host.bus, recorded))
        if not self._host.reads_only:
            self.store.on_commit(self._eraser.committed)
            self._eraser.start()
            await self._closings.start()

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self._closings.stop()
        await self._eraser.stop()
        await self.store.close()

    async def _report(self) -> owner_pb2.ReportReply:
        row = await self.store.read(
            lambda reader: reader.first_row(
                "SELECT count(*), coalesce(sum(messages), 0), coalesce(sum(used), 0) FROM account"
            )
        )
        accounts, messages, used = row or (0, 0, 0)
        counts = {"accounts": accounts, "messages": int(messages), "bytes": int(used)}
        return owner_pb2.ReportReply(counts=counts, lag={"directory": await self._closings.lag()})

    async def _referenced_blobs(self, generation: str) -> AsyncIterator[list[str]]:
        after = ""
        while True:
            rows = await self.store.read(
                lambda reader, after=after: reader.all(  # type: ignore[misc]
                    "SELECT DISTINCT blob FROM entry WHERE blob > ? AND blob LIKE ? ORDER BY blob LIMIT 5000",
                    (after, f"{generation}/%"),
                )
            )
            if not rows:
                return
            yield [row[0] for row in rows]
            after = rows[-1][0]


def _ring_accounts(bus: Bus, recorded: list[Recorded]) -> None:
    newest = {entry.stream: entry.version for entry in recorded}
    for account, version in newest.items():
        bus.ring(account_doorbell(account), b"%d" % version)


def build(host: Host) -> Mailstore:
    """Create the service for a process that hosts it."""
    return Mailstore(host)
