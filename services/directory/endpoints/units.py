"""The units of work and reads that every endpoint of the directory makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from services.directory.endpoints.refusals import as_contract_errors
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance

T = TypeVar("T")


class StoreEndpoint:
    """Turns requests into units of work and reads, and refusals into errors of the contract."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def _write(self, work: Callable[[Transaction, Provenance], T]) -> T:
        provenance = current_provenance()
        with as_contract_errors():
            return await self._store.write(lambda tx: work(tx, provenance))

    async def _read(self, ask: Callable[[Reader], T]) -> T:
        with as_contract_errors():
            return await self._store.read(ask)
