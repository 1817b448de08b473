"""Calls Verify and Report of the running services."""

from __future__ import annotations

from typing import Any

from mailfold.operator.running import read_tokens
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.channel import RemoteChannel
from shared.grpc.policy import OPERATOR
from shared.places import Places
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub


class Owners:
    """`async with Owners(places) as owners: await owners.verify("mailstore")`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._channels: dict[str, Any] = {}

    async def __aenter__(self) -> Owners:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def verify(self, service: str, *, mend: bool = False) -> pb.VerifyProgress:
        """The last message of a verification. Raises ServiceError."""
        stub = OwnerStub(self._channel(service))
        with acting(Provenance(Actor(OPERATOR))):
            words = [word async for word in stub.Verify(pb.VerifyRequest(mend=mend))]
        last: pb.VerifyProgress = words[-1]
        assert last.done
        return last

    async def report(self, service: str) -> pb.ReportReply:
        """The report, with counts and lags. Raises ServiceError."""
        stub = OwnerStub(self._channel(service))
        with acting(Provenance(Actor(OPERATOR))):
            reply: pb.ReportReply = await stub.Report(pb.ReportRequest())
        return reply

    def _channel(self, service: str) -> Any:
        if service not in self._channels:
            token = read_tokens(self._places)[service]
            self._channels[service] = RemoteChannel(self._places.socket(service), OPERATOR, token)
        return self._channels[service]
