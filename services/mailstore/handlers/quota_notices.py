"""Hands the notifications of quota warnings over to the ingress, each once, until it accepts them.

The queue id of a notification is in the event of the warning, so a repeat after a restart is the same mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.mailstore.domain.quota import QuotaLimits, Usage
from services.mailstore.domain.quota_notice import quota_notice, subject
from shared.background import BackgroundTask, woken_within
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.events.quota import QuotaNotified, QuotaWarned
from shared.eventstore.connection import Row, StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound, ServiceError
from shared.owner.addressees import Addressees
from shared.protocol.dsn.content import Reporter
from shared.protocol.languages.addressee import Addressee
from shared.protocol.smtp.codes import POSTMASTER
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitReportRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.scans import store_message

ACTOR = Actor("service", "mailstore")
_PAGE = 50
_IDLE_SECONDS = 60.0
_DUE = (
    "SELECT account, percent, report, at, used_bytes, used_messages, limit_bytes, limit_messages FROM quota_warning"
    " WHERE is_notified = ? ORDER BY at LIMIT ?"
)
_IS_DUE = "SELECT 1 FROM quota_warning WHERE account = ? AND report = ? AND is_notified = ?"


class QuotaNotices:
    """The background task."""

    def __init__(self, store: EventStore, blobs: Blobs, directory: Channel, ingress: Channel, host: str) -> None:
        self._store = store
        self._blobs = blobs
        self._addressees = Addressees(directory)
        self._ingress = IngressStub(ingress)
        self._host = host
        self._is_warned = asyncio.Event()
        self._task = BackgroundTask(
            "mailstore",
            "quota-notices",
            self._turn,
            longest=_IDLE_SECONDS * 4,
            not_now=(StoreUnavailable, ServiceError, BlobError),
        )

    def start(self) -> None:
        """Begin to notify."""
        self._task.start()

    async def stop(self) -> None:
        """Notify no more; who is left is notified after the next start."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Begin at once when there is a warning."""
        if any(isinstance(entry.event, QuotaWarned) for entry in recorded):
            self._is_warned.set()

    async def _turn(self) -> None:
        self._is_warned.clear()
        while rows := await self._store.read(lambda reader: reader.all(_DUE, (False, _PAGE))):
            for row in rows:
                await self._notify(row)
            self._task.advanced()
        await woken_within(self._is_warned, _IDLE_SECONDS)

    async def _notify(self, row: Row) -> None:
        account, _, report, *_ = row
        provenance = Provenance(ACTOR, correlation=report)
        try:
            to = await self._addressees.of_account(account)
        except NotFound:
            to = None
        if to is not None:
            request = await self._written(row, to)
            with acting(provenance):
                await self._ingress.SubmitReport(request)

        def work(tx: Transaction) -> None:
            if tx.first_row(_IS_DUE, (account, report, False)) is not None:
                tx.append(account, [QuotaNotified(account, report if to is not None else "")], provenance)

        await self._store.write(work)

    async def _written(self, row: Row, to: Addressee) -> SubmitReportRequest:
        _, percent, report, at, used_bytes, used_messages, limit_bytes, limit_messages = row
        author = f"{POSTMASTER}@{to.address.rpartition('@')[2] or self._host}"
        message_id = f"{report}@{self._host}"
        used, limits = Usage(used_bytes, used_messages), QuotaLimits(limit_bytes, limit_messages)
        data = quota_notice(percent, used, limits, to, Reporter(self._host, author, at, message_id, ""))
        reference = await store_message(self._blobs, data)
        return SubmitReportRequest(
            queue_id=report,
            to=to.address,
            author=author,
            subject=subject(percent, to.language),
            message_id=message_id,
            blob=str(reference.id),
            size=reference.size,
            eight_bit=not data.isascii(),
            smtputf8=not to.address.isascii(),
        )
