"""Asks the directory for the texts of mail signatures. A version never changes, so an answer stays true."""

from __future__ import annotations

from collections import OrderedDict

from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.protocol.message.mail_signature.template import MailSignature
from shared.rpc.mailfold.directory.v1 import signatures_pb2 as pb
from shared.rpc.mailfold.directory.v1.signatures_pb2_grpc import SignaturesStub

_KEPT = 64
"""Versions in memory, of at most 60,000 characters each."""


class SignatureVersions:
    """The versions that were used last."""

    def __init__(self, directory: Channel) -> None:
        self._directory = SignaturesStub(directory)
        self._kept: OrderedDict[str, MailSignature] = OrderedDict()

    async def version(self, identity: str) -> MailSignature | None:
        """The texts of a version; None when the directory has no such version. Raises ServiceError."""
        if identity not in self._kept:
            try:
                reply = await self._directory.ShowVersion(pb.ShowVersionRequest(id=identity))
            except NotFound:
                return None
            self._kept[identity] = MailSignature(reply.text, reply.html)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(identity)
        return self._kept[identity]
