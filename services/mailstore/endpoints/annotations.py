"""Serves the Annotations contract of the mailstore."""

from __future__ import annotations

from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers.annotations import AnnotationCommands
from services.mailstore.handlers.owners import Owners
from shared.grpc.call import caller, current_provenance
from shared.grpc.policy import OPERATOR
from shared.protocol.imap.entry_name import Depth
from shared.rpc.mailfold.mailstore.v1 import annotations_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsServicer

_DEPTHS = {
    pb.ListAnnotationsRequest.EXACT: Depth.EXACT,
    pb.ListAnnotationsRequest.CHILDREN: Depth.CHILDREN,
    pb.ListAnnotationsRequest.ALL: Depth.ALL,
}


class AnnotationsEndpoint(AnnotationsServicer):
    """Answers services, the operator, and owners about their accounts."""

    def __init__(self, commands: AnnotationCommands, owners: Owners) -> None:
        self._commands = commands
        self._owners = owners

    async def GetAnnotation(self, request: pb.GetAnnotationRequest, context: Any) -> pb.Annotation:
        value = await self._commands.value(request.account, request.mailbox, request.entry)
        return pb.Annotation(entry=request.entry, value=value)

    async def ListAnnotations(self, request: pb.ListAnnotationsRequest, context: Any) -> pb.AnnotationList:
        await self._check(request.account, "Annotations/ListAnnotations")
        most = request.most_octets if request.HasField("most_octets") else None
        with as_contract_errors():
            answered = await self._commands.listed(
                request.account, request.mailbox, list(request.entries), _DEPTHS[request.depth], most
            )
        annotations = [pb.Annotation(entry=entry, value=value) for entry, value in answered.annotations]
        return pb.AnnotationList(annotations=annotations, longest=answered.longest)

    async def SetAnnotations(self, request: pb.SetAnnotationsRequest, context: Any) -> pb.SetAnnotationsReply:
        await self._check(request.account, "Annotations/SetAnnotations")
        given = [(given.entry, given.value if given.HasField("value") else None) for given in request.annotations]
        with as_contract_errors():
            version, changed = await self._commands.change(
                request.account, request.mailbox, given, current_provenance()
            )
        return pb.SetAnnotationsReply(version=version, changed=changed)

    async def ListAnnotationChanges(
        self, request: pb.ListAnnotationChangesRequest, context: Any
    ) -> pb.AnnotationChangeList:
        changes, version = await self._commands.changes(request.account, request.since)
        listed = [pb.ChangedEntries(mailbox=name, id=mailbox, entries=entries) for name, mailbox, entries in changes]
        return pb.AnnotationChangeList(changes=listed, version=version)

    async def _check(self, account: str, method: str) -> None:
        """A command in the name of a user needs that user's right; an IMAP session has its account from its log-in."""
        if caller() == OPERATOR:
            await self._owners.check(account, method)
