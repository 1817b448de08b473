"""Asks the directory for the users to whom a service writes notifications.

Notifications are rare, so nothing is kept: a changed language is in use with the next notification.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import language_of
from shared.rpc.mailfold.directory.v1 import addressees_pb2 as pb
from shared.rpc.mailfold.directory.v1.addressees_pb2_grpc import AddresseesStub
from shared.time_zones import zone_of

log = structlog.get_logger("addressees")
AddresseeOf = Callable[[str], Awaitable[Addressee]]
"""The user who gets mail to an address."""


class Addressees:
    """The questions."""

    def __init__(self, directory: Channel) -> None:
        self._directory = AddresseesStub(directory)

    async def of_account(self, account: str) -> Addressee:
        """The owner of an account with this id. Raises NotFound, and ServiceError when the directory is away."""
        return _addressee(await self._directory.AddresseeOf(pb.AddresseeRequest(account=account)))

    async def of_address(self, address: str) -> Addressee:
        """The user who gets mail to an address; only the address for others. Raises ServiceError."""
        return _addressee(await self._directory.AddresseeOf(pb.AddresseeRequest(address=address)))

    async def at_once(self, address: str) -> Addressee:
        """The user who gets mail to an address; only the address while the directory is away.

        So a report on a failed delivery does not wait for the directory.
        """
        try:
            return await self.of_address(address)
        except ServiceError as error:
            log.info("addressees.not_known", error=str(error))
            return Addressee(address)


def _addressee(reply: pb.AddresseeReply) -> Addressee:
    return Addressee(reply.address, reply.display_name, language_of(reply.language), zone_of(reply.time_zone))
