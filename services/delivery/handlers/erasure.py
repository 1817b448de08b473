"""The steps of delivery in the erasure of a deleted account."""

from __future__ import annotations

from collections.abc import Mapping

from services.delivery.domain.erasure import mark_of, without_contents
from services.delivery.handlers.script_memories import ScriptMemories
from shared.bus.bus import Bus
from shared.erasure.log_collection import LogCollection
from shared.erasure.log_erasure import Advanced, Erased, LogErasure
from shared.erasure.open_mails import open_mails
from shared.erasure.worker import ErasureWorker, StepWork
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel

_OPEN = "SELECT queue_id FROM plan WHERE queue_id > ? ORDER BY queue_id LIMIT ?"
_HELD = "SELECT id, queue_id FROM held_post WHERE id > ? ORDER BY id LIMIT ?"


class DeliveryErasure:
    """Notes whose the mails were, and erases the plans of settled mails and what scripts remember."""

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus, memories: ScriptMemories) -> None:
        self._store = store
        self._memories = memories
        self._collection = LogCollection(store, lambda event, erased: mark_of(event, erased.account))
        self._erasure = LogErasure(store, without_contents)
        steps: Mapping[str, StepWork] = {"collect": self._collect, "erase": self._erase}
        self.worker = ErasureWorker(service, directory, bus, steps)

    async def _collect(self, erased: Erased, advanced: Advanced) -> str:
        await self._collection.run(erased, self.worker.note, advanced)
        return ""

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        waiting = await open_mails(self._store, _OPEN, erased)
        if waiting:
            return f"{waiting} mails are being delivered"
        waiting = await open_mails(self._store, _HELD, erased)
        if waiting:
            return f"{waiting} posts wait for the moderators of a list"
        await self._memories.forget(erased.account)
        await self._erasure.run(erased, advanced)
        return ""
