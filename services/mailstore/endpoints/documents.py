"""Serves the Documents contract of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from services.mailstore.handlers import document_rows
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.errors import Invalid, NotFound
from shared.protocol.imap import ranges
from shared.protocol.imap.packed_ranges import pack
from shared.rpc.mailfold.mailstore.v1 import documents_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import DocumentsServicer
from shared.turns import Turns

_ACCOUNTS = 1000
_MAILBOXES = 100
"""Mailboxes in one question."""
_OCTETS = 1024 * 1024
"""Octets of prefixes in one answer, beyond which no further mailbox is read."""


class DocumentsEndpoint(DocumentsServicer):
    """Answers the indexer."""

    def __init__(self, store: EventStore, turns: Turns) -> None:
        self._store = store
        self._turns = turns

    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Any) -> pb.ListedAccounts:
        accounts = await self._store.read(lambda reader: document_rows.accounts_after(reader, request.after, _ACCOUNTS))
        await self._turns.spend(rows=len(accounts))
        return pb.ListedAccounts(accounts=accounts)

    async def ListReaches(self, request: pb.ReachesRequest, context: Any) -> pb.Reaches:
        if len(request.accounts) > _ACCOUNTS:
            raise Invalid(f"a question is about at most {_ACCOUNTS} accounts")
        reply = pb.Reaches()
        for asked in request.accounts:
            version, reaches = await self._store.read(
                lambda reader, asked=asked: document_rows.changed(reader, asked.account, asked.version)  # type: ignore[misc]
            )
            await self._turns.spend(rows=2 + len(reaches))
            reply.accounts.add(
                account=asked.account,
                version=version,
                mailboxes=[pb.MailboxReach(mailbox=reach.mailbox, uid_next=reach.uid_next) for reach in reaches],
            )
        return reply

    async def ReadEntries(self, request: pb.ReadEntriesRequest, context: Any) -> pb.DocumentEntries:
        reply, octets = pb.DocumentEntries(), 0
        for asked in request.mailboxes[:_MAILBOXES]:
            page = await self._store.read(lambda reader, asked=asked: _page(reader, asked))  # type: ignore[misc]
            if page is None:
                continue
            size = sum(len(entry.prefix) for entry in page.entries)
            await self._turns.spend(rows=1 + len(page.entries), octets=size)
            reply.mailboxes.add(
                mailbox=asked.mailbox,
                entries=[pb.DocumentEntry(uid=uid, blob=blob, prefix=prefix) for uid, blob, prefix in page.entries],
                upto=page.upto,
                is_whole=page.is_whole,
            )
            octets += size + 64 * len(page.entries)
            if octets >= _OCTETS:
                break
        return reply

    async def ReadUids(self, request: pb.ReadUidsRequest, context: Any) -> AsyncIterator[pb.LivingUids]:
        is_there = await self._store.read(
            lambda reader: document_rows.is_mailbox_of(reader, request.account, request.mailbox)
        )
        if not is_there:
            raise NotFound("there is no such mailbox")
        after = 0
        while True:
            uids = await self._store.read(
                lambda reader, after=after: document_rows.uids_after(reader, request.mailbox, after)  # type: ignore[misc]
            )
            await self._turns.spend(rows=ranges.count(uids))
            if uids:
                yield pb.LivingUids(uids=pack(uids))
            if ranges.count(uids) < document_rows.UIDS:
                return
            after = uids[-1][1]


def _page(reader: Reader, asked: pb.EntriesAfter) -> document_rows.DocumentPage | None:
    """A page of a mailbox; None when the account has no such mailbox."""
    if not document_rows.is_mailbox_of(reader, asked.account, asked.mailbox):
        return None
    return document_rows.entries_after(reader, asked.mailbox, asked.after)
