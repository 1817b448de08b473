"""Serves the Removed contract of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.uid_bounds import ranges_of
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.removed import ALL_UIDS, RemovedChoice, RemovedMessage, RemovedMessages, ShownHeader
from services.mailstore.handlers.restoring import RestoreOrder, Restoring
from services.mailstore.projections.removed import CAUSES
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.expiry import DAY
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.mailstore.v1 import removed_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.removed_pb2_grpc import RemovedServicer

MOST_LISTED = 100_000
"""Messages of one answer."""


class RemovedEndpoint(RemovedServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(
        self,
        removed: RemovedMessages,
        restoring: Restoring,
        owners: Owners,
        quotas: Quotas,
        limits: MailstoreSettings,
        clock: Clock,
    ) -> None:
        self._removed = removed
        self._restoring = restoring
        self._owners = owners
        self._quotas = quotas
        self._limits = limits
        self._clock = clock

    async def ListRemoved(self, request: pb.ListRemovedRequest, context: Any) -> AsyncIterator[pb.RemovedBatch]:
        await self._owners.check(request.choice.account, "Removed/ListRemoved")
        window = self._limits.undelete_days * DAY
        async for page in self._removed.listed(self._choice(request.choice), min(request.limit, MOST_LISTED)):
            batch = pb.RemovedBatch()
            for message in page:
                header = await self._removed.header(message)
                batch.messages.append(_message(message, header, message.removed_at + window))
            yield batch

    async def RestoreRemoved(self, request: pb.RestoreRemovedRequest, context: Any) -> pb.RestoredList:
        account = request.choice.account
        by_owner = await self._owners.check(account, "Removed/RestoreRemoved")
        choice = self._choice(request.choice)._replace(uids=ranges_of(list(request.uid_bounds)) or ALL_UIDS)
        if choice.uids is not ALL_UIDS and not choice.mailbox:
            raise Invalid("UIDs belong to a mailbox: name it", "invalid")
        order = RestoreOrder(choice, request.into, await self._quotas.of(account), by_owner)
        with as_contract_errors():
            restored = await self._restoring.restore(order, current_provenance())
        return pb.RestoredList(
            mailboxes=[pb.RestoredMailbox(mailbox=name, messages=number) for name, number in restored.messages.items()],
            refused=_reason(restored.refused),
        )

    def _choice(self, choice: pb.RemovedChoice) -> RemovedChoice:
        """The choice within the undelete window. Raises Invalid."""
        if choice.cause and choice.cause not in CAUSES:
            raise Invalid(f"{choice.cause!r} is no cause; there are {', '.join(CAUSES)}", "invalid")
        since = max(choice.since, self._limits.undelete_border(self._clock.now()) + 1)
        return RemovedChoice(choice.account, choice.mailbox, choice.cause, choice.command, since)


def _reason(refused: MailboxRefused | None) -> str:
    return str(refused) if refused is not None else ""


def _message(message: RemovedMessage, header: ShownHeader, until: int) -> pb.RemovedMessage:
    return pb.RemovedMessage(
        mailbox=message.mailbox,
        uid=message.uid,
        removed_at=message.removed_at,
        until=until,
        cause=message.cause,
        command=message.command,
        size=message.size,
        internal_date=message.internal_date,
        author=header.author,
        subject=header.subject,
        entry=message.entry,
    )
