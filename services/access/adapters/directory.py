"""The directory, as log-ins use it."""

from __future__ import annotations

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.protocol.sasl.outcome import Credentials
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub


class DirectoryClient:
    """Checks log-in names and passwords."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = DirectoryStub(channel)
        self._patience = patience

    async def authenticate(self, given: Credentials, protocol: str, address: str) -> pb.Identity:
        """Check a log-in from `address`; a refused log-in has `ok` false and a `refusal`. Raises ServiceError."""
        request = pb.AuthenticateRequest(
            login=given.authcid,
            password=given.password,
            protocol=protocol,
            address=address,
            authorization=given.authzid,
        )
        return await self._patience.call(self._stub.Authenticate, request)
