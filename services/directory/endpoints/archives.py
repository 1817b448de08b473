"""Serves the Archives contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from services.directory.domain.archives import ArchiveState, ReferenceFate, References
from services.directory.domain.names import key_of
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import archive_rows
from services.directory.handlers.archives import ArchiveCommands, Removal, removable
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import archives_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesServicer

T = TypeVar("T")
_MOST_IDS = 200
_PURPOSES = frozenset({"show", "search", "export"})
_FATES = {
    pb.RemoveAccountRequest.UNDECIDED: None,
    pb.RemoveAccountRequest.END: ReferenceFate.END,
    pb.RemoveAccountRequest.KEEP: ReferenceFate.KEEP,
    pb.RemoveAccountRequest.MOVE: ReferenceFate.MOVE,
}


class ArchivesEndpoint(StoreEndpoint, ArchivesServicer):
    """Turns requests into units of work and reads."""

    def __init__(self, store: EventStore, commands: ArchiveCommands, postmaster: str) -> None:
        super().__init__(store)
        self._commands = commands
        self._postmaster = key_of(postmaster) if postmaster else ""

    async def ListReferences(self, request: pb.ReferencesRequest, context: Any) -> pb.References:
        def ask(reader: Reader) -> pb.References:
            state = removable(reader, request.account)
            return self._references(state.address, archive_rows.references(reader, state.address))

        return await self._read(ask)

    async def RemoveAccount(self, request: pb.RemoveAccountRequest, context: Any) -> pb.RemovedAccount:
        if request.fate == pb.RemoveAccountRequest.UNCHOSEN or request.references not in _FATES:
            raise Invalid("archive the account, or delete it for good? `--archive` or `--delete`", "invalid")
        fate, delete = _FATES[request.references], request.fate == pb.RemoveAccountRequest.DELETE
        removed = await self._write_long(
            lambda tx, provenance: self._commands.remove(
                tx, request.account, fate, request.move_to, provenance, delete=delete
            )
        )
        return self._removed(removed)

    async def ListArchives(self, request: pb.ListArchivesRequest, context: Any) -> pb.ArchiveList:
        limit = min(request.limit or archive_rows.MOST_LISTED, archive_rows.MOST_LISTED)
        page = await self._read(lambda reader: archive_rows.archives(reader, request.after, limit))
        reply = pb.ArchiveList(archives=[_archive(state) for state in page])
        reply.next = page[-1].id if len(page) == limit else ""
        return reply

    async def ShowArchive(self, request: pb.ArchiveRequest, context: Any) -> pb.Archive:
        def ask(reader: Reader) -> pb.Archive:
            state = archive_rows.archive(reader, request.archive)
            reply = _archive(state)
            if state.reserved_until:
                named = archive_rows.references(reader, state.address)
                reply.references.CopyFrom(self._references(state.address, named))
            return reply

        return await self._read(ask)

    async def OpenArchive(self, request: pb.OpenArchiveRequest, context: Any) -> pb.Archive:
        if request.purpose not in _PURPOSES:
            raise Invalid(f"an archive is opened to {', '.join(sorted(_PURPOSES))}", "invalid")
        return _archive(
            await self._write(
                lambda tx, provenance: self._commands.open(tx, request.archive, request.purpose, provenance)
            )
        )

    async def RestoreArchive(self, request: pb.RestoreArchiveRequest, context: Any) -> pb.RestoredAccount:
        state = await self._write_long(
            lambda tx, provenance: self._commands.restore(
                tx, request.archive, request.address, request.user, provenance
            )
        )
        return pb.RestoredAccount(
            id=state.id, address=state.address, user=state.user_name, quota_bytes=state.quota_bytes
        )

    async def StatesOfAccounts(self, request: pb.AccountIds, context: Any) -> pb.AccountStates:
        if len(request.ids) > _MOST_IDS:
            raise Invalid(f"at most {_MOST_IDS} accounts at once", "invalid")
        off, gone = await self._read(lambda reader: archive_rows.states_of(reader, request.ids))
        return pb.AccountStates(off=off, gone=gone)

    async def DeleteArchive(self, request: pb.ArchiveRequest, context: Any) -> pb.RemovedAccount:
        return self._removed(
            await self._write_long(lambda tx, provenance: self._commands.delete(tx, request.archive, provenance))
        )

    async def _write_long(self, work: Callable[[Transaction, Provenance], T]) -> T:
        """A unit of work that may change thousands of references, and so runs beside the event loop."""
        provenance = current_provenance()
        with as_contract_errors():
            return await self._store.write(lambda tx: work(tx, provenance), long=True)

    def _references(self, address: str, named: References) -> pb.References:
        return pb.References(
            aliases=[alias.address for alias in named.aliases],
            catch_alls=[catch_all.domain for catch_all in named.catch_alls],
            lists=named.lists,
            is_postmaster=key_of(address) == self._postmaster,
        )

    def _removed(self, removal: Removal) -> pb.RemovedAccount:
        return pb.RemovedAccount(
            id=removal.id,
            address=removal.address,
            is_archived=removal.is_archived,
            references=self._references(removal.address, removal.references),
        )


def _archive(state: ArchiveState) -> pb.Archive:
    return pb.Archive(
        id=state.id,
        address=state.address,
        user=state.user_name,
        quota_bytes=state.quota_bytes,
        archived_at=state.archived_at,
        reserved_until=state.reserved_until,
    )
