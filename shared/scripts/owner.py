"""The owner of an account as scripts know the owner: addresses, language, time zone, and how sub-addresses look."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NamedTuple

from shared.grpc.channel import Channel
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import ENGLISH, Language, language_of
from shared.rpc.mailfold.directory.v1 import addressees_pb2 as pb
from shared.rpc.mailfold.directory.v1.addressees_pb2_grpc import AddresseesStub
from shared.time_zones import zone_of


class ScriptOwner(NamedTuple):
    """An owner; what is not known has its default."""

    address: str
    """Of the account."""
    addresses: tuple[str, ...] = ()
    """All that lead to the account, but by wildcards and catch-alls: its own, aliases, and both in alias domains."""
    language: Language = ENGLISH
    zone: tzinfo = UTC
    separators: str = "+"
    name: str = ""
    """The display name."""

    @property
    def addressee(self) -> Addressee:
        """The owner as the reader of a notification."""
        return Addressee(self.address, self.name, self.language, self.zone)


class ScriptOwners:
    """Asks the directory. Nothing is kept, so that a new address counts at once."""

    def __init__(self, directory: Channel) -> None:
        self._directory = AddresseesStub(directory)

    async def of(self, account: str) -> ScriptOwner:
        """The owner of an account with this id. Raises NotFound, and ServiceError when the directory is away."""
        reply = await self._directory.ScriptOwnerOf(pb.ScriptOwnerRequest(account=account))
        return ScriptOwner(
            reply.address,
            tuple(reply.addresses),
            language_of(reply.language),
            zone_of(reply.time_zone),
            reply.separators,
            reply.display_name,
        )
