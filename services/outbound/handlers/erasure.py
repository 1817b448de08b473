"""The step of the outbound queue in the erasure of a deleted account."""

from __future__ import annotations

from services.outbound.domain.erasure import without_contents
from services.outbound.handlers.record import ACTOR
from services.outbound.projections.sent import place_of
from shared.bus.bus import Bus
from shared.erasure.log_erasure import Advanced, Erased, LogErasure
from shared.erasure.open_mails import open_mails
from shared.erasure.worker import ErasureWorker
from shared.events.outbound import OutboundLimitExceeded, OutboundRowsForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel

_OPEN = "SELECT entry, queue_id, account FROM queue WHERE entry > ? ORDER BY entry LIMIT ?"
_KNOWS = "SELECT 1 FROM known_recipient WHERE account = ? LIMIT 1"
_NOTICE = "UPDATE limit_notice SET address = ?, reason = ? WHERE account = ? AND queue_id = ?"
_REPORTS = "SELECT count(*) FROM report"
_TABLE = "known_recipient"
_LAST_DAY = 9_999_999
"""After every day that a recipient may have."""


class OutboundErasure:
    """Waits until the queue has none of the account's mail, forgets to whom it wrote, and erases what was recorded."""

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus) -> None:
        self._store = store
        self._erasure = LogErasure(store, without_contents, _keep_notice)
        self.worker = ErasureWorker(service, directory, bus, {"erase": self._erase})

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        waiting = await open_mails(self._store, _OPEN, erased)
        if waiting:
            return f"{waiting} mails are in the queue: `mailfold queue list` shows them"
        row = await self._store.read(lambda reader: reader.first_row(_REPORTS))
        if row is not None and row[0]:
            return f"{row[0]} notifications are not submitted yet"
        await self._store.write(lambda tx: _forget_recipients(tx, erased.account))
        await self._erasure.run(erased, advanced)
        return ""


def _forget_recipients(tx: Transaction, account: str) -> None:
    """Forget to whom the account wrote: the rows no longer follow from the recipients of its mails."""
    if tx.first_row(_KNOWS, (account,)) is not None:
        forgotten = OutboundRowsForgotten(_TABLE, place_of(_LAST_DAY, ""), account)
        tx.append(f"forgotten/{_TABLE}/{account}", [forgotten], Provenance(ACTOR))


def _keep_notice(connection: Connection, event: Event) -> None:
    if isinstance(event, OutboundLimitExceeded):
        connection.execute(_NOTICE, (event.address, event.reason, event.account, event.queue_id))
