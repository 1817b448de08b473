"""The health in a service's report: what was done recently, and not just which tasks exist."""

from __future__ import annotations

from shared.background import running
from shared.bus.bus import Bus
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb

_LOOK = "its log says why (background.failed); restart the server if it does not go on by itself"
_BUS = "look at the log of nats-server; mail is accepted and kept meanwhile"
_STORE = "look at the database, its disk and its log; restart the server if it does not go on by itself"


class Health:
    """The health of one service: its background tasks, its store and the bus of its process."""

    def __init__(self, service: str, bus: Bus, store: EventStore | None = None) -> None:
        self._service = service
        self._bus = bus
        self._store = store

    def add_to(self, reply: pb.ReportReply) -> pb.ReportReply:
        """Add the health to a report, with everything that is not well."""
        tasks = running(self._service)
        reply.idle.update({task.name: int(task.idle) for task in tasks})
        for task in [*tasks, *running("bus")]:
            note(reply, task.trouble(), _LOOK)
        reply.state = "; ".join(filter(None, [reply.state, *(task.note for task in tasks)]))
        note(reply, self._bus.trouble(), _BUS)
        if self._store is not None:
            note(reply, self._store.trouble(), _STORE)
        return reply


def note(reply: pb.ReportReply, what: str, advice: str) -> None:
    """Add a trouble; does nothing when `what` is empty."""
    if what:
        reply.troubles.append(pb.Trouble(what=what, advice=advice))
