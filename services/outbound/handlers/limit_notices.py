"""Notifies the owner of an account once when a limit holds its mail.

That an account went above a limit is an event, and so is the notification: a restart repeats none.
"""

from __future__ import annotations

from services.outbound.domain.limit_notice import HeldMail, limit_notice, subject
from services.outbound.handlers.record import ACTOR
from shared.background import BackgroundTask, every
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.events.outbound import OutboundOwnerNotified, OutboundReportMade
from shared.eventstore.connection import Row, StoreUnavailable
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.errors import ServiceError
from shared.ids import IdKind, Ids
from shared.owner.addressees import AddresseeOf
from shared.protocol.dsn.content import Reporter
from shared.protocol.smtp.codes import POSTMASTER
from shared.scans import store_message

_LOOK_SECONDS = 15.0
_WAIT = 60_000_000
"""Microseconds between the first mail that is held and the notification, so that it can say how many wait."""
_PAGE = 50
_DUE = (
    "SELECT account, queue_id, address, sending_domain, reason FROM limit_notice "
    "WHERE is_notified = 0 AND at <= ? ORDER BY at LIMIT ?"
)
_HELD = "SELECT count(DISTINCT queue_id), max(until), min(until) FROM limit_held WHERE account = ?"
_IS_DUE = "SELECT 1 FROM limit_notice WHERE account = ? AND is_notified = 0"


class LimitNotices:
    """Writes the notifications for owners; the submitter of reports hands them over."""

    def __init__(
        self, store: EventStore, blobs: Blobs, clock: Clock, ids: Ids, host: str, addressee_of: AddresseeOf
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._ids = ids
        self._host = host
        self._addressee_of = addressee_of
        self._task = BackgroundTask(
            "outbound",
            "limit-notices",
            every(_LOOK_SECONDS, self.look),
            not_now=(StoreUnavailable, BlobError, ServiceError),
        )

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    async def stop(self) -> None:
        """No more looks."""
        await self._task.stop()

    async def look(self) -> None:
        """Notify the owners whose mail has been held for a minute."""
        while rows := await self._due():
            for row in rows:
                await self._notify(*row)
            self._task.advanced()

    async def _due(self) -> list[Row]:
        until = self._clock.now() - _WAIT
        return await self._store.read(lambda reader: reader.all(_DUE, (until, _PAGE)))

    async def _notify(self, account: str, queue_id: str, address: str, domain: str, reason: str) -> None:
        row = await self._store.read_long(lambda reader: reader.first_row(_HELD, (account,)))
        mails, last, first = row if row is not None else (0, 0, 0)
        made = None
        if mails:
            held = HeldMail(reason, mails, last if first else 0)
            made = await self._written(held, queue_id, address, domain)
        notified = OutboundOwnerNotified(account, queue_id, made.report if made else "", mails, last if first else 0)

        def work(transaction: Transaction) -> None:
            if transaction.first_row(_IS_DUE, (account,)) is None:
                return
            provenance = Provenance(ACTOR, correlation=queue_id)
            transaction.append(f"limit/{account}", [notified], provenance)
            if made is not None:
                transaction.append(made.report, [made], provenance, expected=0)

        await self._store.write(work)

    async def _written(self, held: HeldMail, queue_id: str, address: str, domain: str) -> OutboundReportMade:
        report = self._ids.new(IdKind.QUEUE)
        author = f"{POSTMASTER}@{domain or self._host}"
        message_id = f"{report}@{self._host}"
        to = await self._addressee_of(address)
        data = limit_notice(held, to, Reporter(self._host, author, self._clock.now(), message_id, ""))
        reference = await store_message(self._blobs, data)
        return OutboundReportMade(
            report,
            queue_id,
            "held",
            (),
            address,
            author,
            subject(to.language),
            message_id,
            str(reference.id),
            reference.size,
            eight_bit=not data.isascii(),
        )
