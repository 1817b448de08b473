"""Serves the Journal contract of the event log."""

from __future__ import annotations

from typing import Any

from services.eventlog.domain.journal import JournalOwner
from services.eventlog.handlers.journal import JournalEvent, JournalQuery
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel
from shared.grpc.errors import Invalid
from shared.owner.mail_owners import Owners
from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.eventlog.v1 import journal_pb2 as pb
from shared.rpc.mailfold.eventlog.v1.journal_pb2_grpc import JournalServicer


class JournalEndpoint(JournalServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(self, store: EventStore, directory: Channel, max_results: int) -> None:
        self._store = store
        self._owners = Owners(directory)
        self._directory = DirectoryStub(directory)
        self._max_results = max_results

    async def ListJournal(self, request: pb.ListJournalRequest, context: Any) -> pb.JournalPage:
        """A page of entries, newest first."""
        if not request.account:
            raise Invalid("whose journal?", "account")
        await self._owners.check(request.account, "Journal/ListJournal")
        account = await self._directory.ShowAccount(NameRequest(name=request.account))
        owner = JournalOwner(account.id, account.address, "" if account.group else await self._user(account.user))
        query = JournalQuery(request, owner, self._max_results)
        page = await self._store.read_long(query.page)
        return pb.JournalPage(entries=map(_entry, page.entries), next=page.next)

    async def _user(self, name: str) -> str:
        """The id of the user with this name."""
        return str((await self._directory.ShowUser(NameRequest(name=name))).id) if name else ""


def _entry(entry: JournalEvent) -> pb.JournalEntry:
    event, line = entry.event, entry.line
    fields = line.fields
    return pb.JournalEntry(
        id=event.event_id,
        at=event.at,
        kind=line.kind,
        type=event.type,
        actor_kind=line.actor.kind,
        actor=line.actor.id,
        credential=line.actor.credential,
        address=line.actor.address or fields.address,
        protocol=fields.protocol,
        mailbox=fields.mailbox,
        count=fields.messages or fields.count or fields.mistakes,
        reason=fields.reason or fields.purpose,
    )
