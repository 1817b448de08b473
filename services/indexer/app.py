"""Connects the parts of the indexer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy

from services.indexer.adapters.catalog import Catalog, Task, catalog_tables
from services.indexer.adapters.engines import make_engine
from services.indexer.endpoints.text_index import TextIndexEndpoint
from services.indexer.handlers.changes import Changes
from services.indexer.handlers.documents import DocumentReader
from services.indexer.handlers.intake import Intake
from services.indexer.handlers.sweep import Sweep
from services.indexer.index_settings import IndexSettings
from shared.eventstore.store import backend_for
from shared.grpc.servicers import Registration
from shared.owner.servicer import StoreOwner
from shared.rpc.mailfold.indexer.v1.indexer_pb2_grpc import add_TextIndexServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host
from shared.settings import Section

SERVICE = "indexer"
SECTIONS: Mapping[str, type[Section]] = {"index": IndexSettings}


class Indexer:
    """The indexer as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        settings = host.section(IndexSettings)
        metadata = sqlalchemy.MetaData()
        catalog_tables(metadata)
        # The notes can be made again, so no commit waits for the disk.
        backend = backend_for(host.server.store, SERVICE, host.places.data, durable=False)
        self.store = host.store_on(backend, SERVICE, metadata, ())
        self.engine = make_engine(settings, host.places.index)
        self.catalog = Catalog(self.store)
        mailstore = host.channel("mailstore", SERVICE)
        documents = DocumentReader(host.blobs, host.turns)
        self.intake = Intake(SERVICE, self.engine, self.catalog, mailstore, documents, host.clock, settings)
        self.changes = Changes(
            SERVICE, self.store, self.catalog, self.engine, mailstore, host.bus, self.intake, host.clock, settings
        )
        self.sweep = Sweep(SERVICE, self.engine, self.catalog, mailstore, host.clock)
        self.registrations: Sequence[Registration] = (
            (add_TextIndexServicer_to_server, TextIndexEndpoint(self.engine)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(SERVICE, self.store, host.health(SERVICE, self.store), report=self._report),
            ),
        )

    async def start(self) -> None:
        """Open the notes, and begin to index."""
        await self._host.open_store(self.store)
        self.intake.start()
        self.changes.start()
        self.sweep.start()

    async def stop(self) -> None:
        """Finish and close."""
        await self.sweep.stop()
        await self.intake.stop()
        await self.changes.stop()
        await self.engine.close()
        await self.store.close()

    async def _report(self) -> owner_pb2.ReportReply:
        due = await self.catalog.counts()
        counts = {
            "accounts": len(await self.engine.accounts()),
            "waiting": self.intake.behind,
            "to_compare": due.get(Task.FILL, 0),
            "indexed": self.intake.indexed,
        }
        return owner_pb2.ReportReply(counts=counts, lag={"mailstore": await self.changes.follower.known_lag()})


def build(host: Host) -> Indexer:
    """Create the service for a process that hosts it."""
    return Indexer(host)
