"""The records of who read mail, as sessions use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.rpc.mailfold.mailstore.v1 import reads_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.reads_pb2_grpc import ReadsStub

if TYPE_CHECKING:
    from services.access.session.read_bodies import Reading


class ReadsClient:
    """Reports reads."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = ReadsStub(channel)
        self._patience = patience

    async def note(self, counted: Mapping[Reading, int]) -> None:
        """Report the bodies that were read. Raises ServiceError."""
        reads = [pb.MailboxReads(**reading._asdict(), messages=messages) for reading, messages in counted.items()]
        await self._patience.call(self._stub.NoteReads, pb.NoteReadsRequest(reads=reads))
