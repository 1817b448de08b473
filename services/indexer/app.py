"""Connects the parts of the indexer."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy

from services.indexer.adapters.catalog import Catalog, NotedIndex, Task, catalog_tables, cursor_of
from services.indexer.adapters.engines import chosen_engine, make_engine
from services.indexer.endpoints.text_index import TextIndexEndpoint
from services.indexer.endpoints.upkeep import IndexUpkeepEndpoint
from services.indexer.extraction.attachments import AttachmentTexts
from services.indexer.extraction.extractor import ProcessExtractor
from services.indexer.extraction.store import ExtractedStore
from services.indexer.handlers.account_changes import AccountChanges
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.attachments import Attachments
from services.indexer.handlers.documents import DocumentReader
from services.indexer.handlers.erasure import IndexErasure
from services.indexer.handlers.failures import AttachmentFailures
from services.indexer.handlers.generation import WorkingGeneration
from services.indexer.handlers.generations import Generations
from services.indexer.handlers.indexing import Indexing
from services.indexer.handlers.sweep import Sweep
from services.indexer.index_settings import IndexSettings
from services.indexer.settings import SECTIONS as SECTIONS
from services.indexer.settings import ExtractionSettings
from shared.blobs.disk_room import DiskRoom
from shared.eventstore.store import backend_for
from shared.grpc.servicers import Registration
from shared.opensearch.settings import OpenSearchSettings
from shared.owner.servicer import StoreOwner
from shared.rpc.mailfold.indexer.v1.indexer_pb2_grpc import add_TextIndexServicer_to_server
from shared.rpc.mailfold.indexer.v1.upkeep_pb2_grpc import add_IndexUpkeepServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host

SERVICE = "indexer"


class Indexer:
    """The indexer as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = host.section(IndexSettings)
        metadata = sqlalchemy.MetaData()
        catalog_tables(metadata)
        # The notes can be made again, so no commit waits for the disk.
        backend = backend_for(host.server.store, SERVICE, host.places.data, durable=False)
        self.store = host.store_on(backend, SERVICE, metadata, ())
        self.catalog = Catalog(self.store)
        limits = host.section(ExtractionSettings)
        self._extractor = ProcessExtractor(limits, host.places.index)
        self.extracted = ExtractedStore(host.places.index, limits.store_mb << 20)
        self._texts = AttachmentTexts(self._extractor, self.extracted, limits)
        self._room = DiskRoom(SERVICE, [host.places.data], self._settings.reserve_bytes, 0, host.clock)
        self._documents = DocumentReader(host.blobs, host.turns)
        self.generations = Generations(
            SERVICE,
            self.catalog,
            self._generation,
            chosen_engine(self._settings, host.section(OpenSearchSettings)),
            host.clock,
            host.places.index,
        )
        directory = host.channel("directory", SERVICE)
        self._erasure = IndexErasure(SERVICE, directory, host.bus, self.generations, self.extracted)
        self._failures = AttachmentFailures(SERVICE, self.extracted, self._extractor, self.generations)
        self.registrations: Sequence[Registration] = (
            (add_TextIndexServicer_to_server, TextIndexEndpoint(self.generations, self._settings.answers_at_once)),
            (add_IndexUpkeepServicer_to_server, IndexUpkeepEndpoint(self.generations, self._failures)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(SERVICE, self.store, host.health(SERVICE, self.store), report=self._report),
            ),
        )

    def _generation(self, generation: NotedIndex) -> WorkingGeneration:
        host, settings, clock = self._host, self._settings, self._host.clock
        engine = make_engine(generation, settings, host.section(OpenSearchSettings), host.places.index)
        mailstore = host.channel("mailstore", SERVICE)
        dues, locks = self.catalog.dues(generation.number), AccountLocks()
        attachments = Attachments(SERVICE, engine, self._texts, self.extracted, host.blobs, locks)
        indexing = Indexing(
            SERVICE, engine, dues, mailstore, self._documents, clock, settings, locks, attachments.added, self._room
        )
        changes = AccountChanges(
            SERVICE,
            self.store,
            dues,
            engine,
            mailstore,
            host.bus,
            indexing,
            clock,
            settings,
            cursor_of(generation.number),
        )
        engine.when_lost(changes.compare_soon)
        sweep = Sweep(SERVICE, engine, dues, mailstore, clock, locks, attachments.swept)
        return WorkingGeneration(generation, engine, dues, locks, indexing, changes, sweep, attachments)

    async def start(self) -> None:
        """Open the notes, and begin to index."""
        await self._host.open_store(self.store)
        if not self._host.reads_only:
            await self.generations.start()
            self._failures.start()
            await self._erasure.worker.start()

    async def stop(self) -> None:
        """Finish and close."""
        await self._erasure.worker.stop()
        await self._failures.stop()
        await self.generations.stop()
        await self._extractor.close()
        self.extracted.close()
        await self.store.close()

    async def _report(self) -> owner_pb2.ReportReply:
        serving = self.generations.serving
        if serving is None:
            return owner_pb2.ReportReply(counts={"active": 0})
        due = await serving.dues.counts()
        counts = {
            "active": 1,
            "accounts": len(await serving.engine.accounts()),
            "waiting": serving.indexing.behind,
            "to_compare": due.get(Task.FILL, 0),
            "to_sweep": due.get(Task.SWEEP, 0),
            "attachments_waiting": serving.attachments.waiting,
            "indexed": serving.indexing.indexed,
        }
        return owner_pb2.ReportReply(counts=counts, lag={"mailstore": await serving.changes.follower.known_lag()})


def build(host: Host) -> Indexer:
    """Create the service for a process that hosts it."""
    return Indexer(host)
