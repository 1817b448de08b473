"""Serves the Reads contract of the mailstore."""

from __future__ import annotations

from typing import Any

from services.mailstore.handlers.reads import MailboxRead, ReadRecords
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.mailstore.v1 import reads_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.reads_pb2_grpc import ReadsServicer


class ReadsEndpoint(ReadsServicer):
    """Takes what sessions read."""

    def __init__(self, records: ReadRecords) -> None:
        self._records = records

    async def NoteReads(self, request: pb.NoteReadsRequest, context: Any) -> pb.NotedReads:
        reads = [
            MailboxRead(
                read.account, read.mailbox, read.protocol, read.messages, read.user, read.credential, read.address
            )
            for read in request.reads
        ]
        await self._records.note(reads, current_provenance().command)
        return pb.NotedReads()
