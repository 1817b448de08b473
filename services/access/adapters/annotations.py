"""The annotations of the mailstore, as sessions use them. Every method raises ServiceError."""

from __future__ import annotations

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.protocol.imap.commands import GetMetadata, SetMetadata
from shared.protocol.imap.entry_name import Depth
from shared.rpc.mailfold.mailstore.v1 import annotations_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import AnnotationsStub

_DEPTHS = {
    Depth.EXACT: pb.ListAnnotationsRequest.EXACT,
    Depth.CHILDREN: pb.ListAnnotationsRequest.CHILDREN,
    Depth.ALL: pb.ListAnnotationsRequest.ALL,
}


class AnnotationsClient:
    """Reads and sets annotations."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = AnnotationsStub(channel)
        self._patience = patience

    async def listed(self, account: str, mailbox: str, asked: GetMetadata) -> pb.AnnotationList:
        """The entries that a GETMETADATA asks for. Raises NotFound."""
        request = pb.ListAnnotationsRequest(
            account=account,
            mailbox=mailbox,
            entries=asked.entries,
            depth=_DEPTHS[asked.depth],
            most_octets=asked.most_octets,
        )
        return await self._patience.call(self._stub.ListAnnotations, request)

    async def change(self, account: str, mailbox: str, given: SetMetadata) -> pb.SetAnnotationsReply:
        """Carry out a SETMETADATA. Raises NotFound, Denied, LimitReached."""
        annotations = [pb.Annotation(entry=entry, value=value) for entry, value in given.values]
        request = pb.SetAnnotationsRequest(account=account, mailbox=mailbox, annotations=annotations)
        return await self._patience.call(self._stub.SetAnnotations, request)

    async def changes(self, account: str, since: int) -> pb.AnnotationChangeList:
        """The entries that were changed after a version."""
        return await self._stub.ListAnnotationChanges(pb.ListAnnotationChangesRequest(account=account, since=since))
