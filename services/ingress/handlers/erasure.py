"""The steps of the ingress in the erasure of a deleted account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from services.ingress.domain.erasure import mark_of, without_contents
from services.ingress.projections.receptions import MOVING
from shared.bus.bus import Bus
from shared.clock import Clock
from shared.erasure.log_collection import LogCollection
from shared.erasure.log_erasure import Advanced, Erased, LogErasure
from shared.erasure.mail_marks import Mark
from shared.erasure.open_mails import open_mails
from shared.erasure.worker import ErasureWorker, StepWork
from shared.eventstore.event import Event
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel

_OPEN = "SELECT queue_id FROM reception WHERE queue_id > ? ORDER BY queue_id LIMIT ?"
_EARLIER = "SELECT count(*) FROM reception WHERE state = ? AND at <= ?"
_MOST_KNOWN = 1_000


class IngressErasure:
    """Lets mail of before the deletion settle, says who submitted which mail, and erases what was accepted."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        directory: Channel,
        bus: Bus,
        clock: Clock,
        lag: Callable[[], Awaitable[int]],
    ) -> None:
        """`lag` is the number of the directory's events that the ingress does not know yet; -1: nobody knows."""
        self._store = store
        self._clock = clock
        self._lag = lag
        self._known_at: dict[str, int] = {}
        """When the ingress certainly knew of the deletion of an account: later mail is not for it."""
        self._collection = LogCollection(store, _judge)
        self._erasure = LogErasure(store, without_contents)
        steps: Mapping[str, StepWork] = {"settle": self._settle, "collect": self._collect, "erase": self._erase}
        self.worker = ErasureWorker(service, directory, bus, steps)

    async def _settle(self, erased: Erased, advanced: Advanced) -> str:
        if erased.account not in self._known_at:
            if await self._lag():
                return "the ingress does not know of the deletion yet"
            if len(self._known_at) >= _MOST_KNOWN:
                self._known_at.clear()
            self._known_at[erased.account] = self._clock.now()
        earlier = (MOVING, self._known_at[erased.account])
        row = await self._store.read(lambda reader: reader.first_row(_EARLIER, earlier))
        if row is not None and row[0]:
            return f"{row[0]} mails from before are under way"
        del self._known_at[erased.account]
        return ""

    async def _collect(self, erased: Erased, advanced: Advanced) -> str:
        await self._collection.run(erased, self.worker.note, advanced)
        return ""

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        waiting = await open_mails(self._store, _OPEN, erased)
        if waiting:
            return f"{waiting} mails are not settled: `mailfold deadletters list` shows what is held"
        await self._erasure.run(erased, advanced)
        return ""


def _judge(event: Event, erased: Erased) -> tuple[str, Mark]:
    queue_id = str(getattr(event, "queue_id", ""))
    return mark_of(event, erased.account, erased.marks.of(queue_id))
