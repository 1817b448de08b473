"""The step of the mailstore in the erasure of a deleted account, which its own eraser does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from services.mailstore.domain.closing import ERASED
from services.mailstore.handlers.erasure import closure
from shared.bus.bus import Bus
from shared.erasure.log_erasure import Advanced, Erased
from shared.erasure.worker import ErasureWorker
from shared.eventstore.rewriting import drop_former_pages
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel

Tidy = Callable[[], Awaitable[None]]
"""Takes out of the listing what no mailbox has any more."""


class MailstoreErasure:
    """Waits for the end of the eraser."""

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus, tidy: Tidy) -> None:
        self._store = store
        self._tidy = tidy
        self.worker = ErasureWorker(service, directory, bus, {"erase": self._erase})

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        state, messages, events = await self._store.read_long(partial(closure, account=erased.account))
        if state != ERASED or events:
            return f"{messages} messages and {events} events are being erased"
        await self._tidy()
        await drop_former_pages(self._store)
        return ""
