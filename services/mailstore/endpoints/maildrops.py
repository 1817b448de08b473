"""Serves the Maildrops contract of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers.maildrops import ImportedMessage, Maildrops
from services.mailstore.handlers.owners import Owners
from shared.events.maildrop import GivenUniqueId
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.mailstore.v1 import maildrops_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.maildrops_pb2_grpc import MaildropsServicer


class MaildropsEndpoint(MaildropsServicer):
    """Answers POP3 sessions, and whoever brings the unique ids of a former server along."""

    def __init__(self, maildrops: Maildrops, owners: Owners) -> None:
        self._maildrops = maildrops
        self._owners = owners

    async def OpenMaildrop(self, request: pb.OpenMaildropRequest, context: Any) -> AsyncIterator[pb.MaildropPage]:
        with as_contract_errors():
            opened = await self._maildrops.opened(request.account, max(request.most, 1))
        async for page in self._maildrops.messages(request.account, opened):
            yield pb.MaildropPage(
                mailbox=opened.mailbox,
                version=opened.version,
                expire_days=opened.expire_days,
                uids=[message.uid for message in page],
                sizes=[message.size for message in page],
                unique_ids=[message.unique_id for message in page],
            )

    async def RemoveFetched(self, request: pb.RemoveFetchedRequest, context: Any) -> pb.RemovedFetched:
        bounds = iter(request.uid_bounds)
        uids = tuple(zip(bounds, bounds, strict=True))
        with as_contract_errors():
            gone = await self._maildrops.remove(request.account, request.mailbox, uids, current_provenance())
        return pb.RemovedFetched(messages=gone)

    async def ListForImport(self, request: pb.ListForImportRequest, context: Any) -> AsyncIterator[pb.ImportPage]:
        await self._owners.check(request.account, "Maildrops/ListForImport")
        with as_contract_errors():
            async for page in self._maildrops.for_import(request.account):
                yield pb.ImportPage(messages=map(_imported, page))

    async def ImportUniqueIds(self, request: pb.ImportUniqueIdsRequest, context: Any) -> pb.ImportedUniqueIds:
        await self._owners.check(request.account, "Maildrops/ImportUniqueIds")
        given = {name.uid: GivenUniqueId(name.entry, name.unique_id) for name in request.ids}
        with as_contract_errors():
            number = await self._maildrops.give(request.account, given, current_provenance())
        return pb.ImportedUniqueIds(messages=number)


def _imported(imported: ImportedMessage) -> pb.ImportMessage:
    message = imported.message
    return pb.ImportMessage(
        entry=message.entry,
        unique_id=message.unique_id,
        message_id=imported.message_id,
        size=message.size,
        uid=message.uid,
    )
