"""Ends the rights of accounts and groups that the directory removes."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.domain import access_list
from services.mailstore.domain.access_list import AccessList
from services.mailstore.handlers.access_lists import entries_of
from shared.bus.bus import Bus
from shared.events.archives import AccountDeleted
from shared.events.directory import AccountRemoved
from shared.events.groups import GroupRemoved
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource, from_wire
from shared.rpc.mailfold.events.v1 import events_pb2

CURSOR = "grants"
_AREAS = ("account.deleted", "account.removed", "group.removed")
_HELD = "SELECT DISTINCT account, mailbox FROM mailbox_right WHERE identifier IN (?, ?) ORDER BY account, mailbox"


class GrantEndings:
    """The follower. Its position is stored together with the effect of the events.

    An archived account keeps what it was given: it holds no rights while it is archived, and a restored one has them
    again.
    """

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus) -> None:
        self._store = store
        self._follower = Follower(service, RemoteSource(directory), bus, "directory", self._effect, areas=_AREAS)

    async def start(self) -> None:
        """Begin to follow."""
        await self._follower.start(await self._store.followed(CURSOR))

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()

    async def lag(self) -> int:
        """The number of events of the directory that are not followed yet; -1 when it does not answer."""
        return await self._follower.known_lag()

    async def _effect(self, events: Sequence[events_pb2.Event], after: Places) -> None:
        taken = [from_wire(event) for event in events]

        def work(tx: Transaction) -> None:
            for recorded in taken:
                end_grants(tx, recorded)
            tx.set_cursor(CURSOR, {shard: place.position for shard, place in after.items()})
            tx.set_cursor(f"{CURSOR} at", {shard: place.at for shard, place in after.items()})

        if taken:
            await self._store.write(work, long=True)
        else:
            for shard, place in after.items():
                self._store.note_cursor(CURSOR, shard, place.position, place.at)


def end_grants(tx: Transaction, recorded: Recorded) -> None:
    """Take whoever was removed out of the lists of all mailboxes."""
    event = recorded.event
    if not isinstance(event, AccountDeleted | AccountRemoved | GroupRemoved):
        return
    lists: dict[str, dict[str, AccessList]] = {}
    for account, mailbox in tx.all(_HELD, (event.id, f"-{event.id}")):
        lists.setdefault(account, {})[mailbox] = entries_of(tx, mailbox)
    provenance = Provenance(recorded.provenance.actor, recorded.provenance.cause)
    for account, entries in lists.items():
        tx.append(account, access_list.without(account, {event.id}, entries), provenance)
