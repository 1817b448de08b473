"""Serves the part of the Directory contract that is about domains and aliases."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.directory.domain.state import AliasState, GivenLimits
from services.directory.endpoints import wire
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.sending import SendingCommands, SendingEndpoint
from services.directory.handlers import load
from services.directory.handlers.aliases import AliasCommands, AliasTexts, with_groups
from services.directory.handlers.domains import DomainCommands
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb


class NameCommands(NamedTuple):
    """The commands of this part of the contract."""

    domains: DomainCommands
    aliases: AliasCommands


class NamesEndpoint(SendingEndpoint):
    """The methods about domains and aliases."""

    def __init__(self, store: EventStore, commands: NameCommands, sending: SendingCommands) -> None:
        super().__init__(store, sending)
        self._domains = commands.domains
        self._aliases = commands.aliases

    async def AddDomain(self, request: pb.AddDomainRequest, context: Any) -> pb.Domain:
        name, incoming = request.name, request.incoming
        with as_contract_errors():
            new = await self._dkim.for_new_domain(name)
        return wire.domain(
            await self._write(lambda tx, provenance: self._domains.add(tx, name, incoming, new, provenance))
        )

    async def ChangeDomain(self, request: pb.ChangeDomainRequest, context: Any) -> pb.Domain:
        incoming, disabled = given(request, "incoming"), given(request, "disabled")
        return wire.domain(
            await self._write(
                lambda tx, provenance: self._domains.change(tx, request.name, incoming, disabled, provenance)
            )
        )

    async def AliasDomain(self, request: pb.AliasDomainRequest, context: Any) -> pb.Domain:
        return wire.domain(
            await self._write(
                lambda tx, provenance: self._domains.make_alias(tx, request.name, request.domain, provenance)
            )
        )

    async def SetDomainValue(self, request: pb.DomainValueRequest, context: Any) -> pb.Domain:
        name, value = request.value_name, request.value
        return wire.domain(
            await self._write(lambda tx, provenance: self._domains.set_value(tx, request.name, name, value, provenance))
        )

    async def RemoveDomain(self, request: pb.NameRequest, context: Any) -> pb.Removed:
        return pb.Removed(
            name=await self._write(lambda tx, provenance: self._domains.remove(tx, request.name, provenance))
        )

    async def ShowDomain(self, request: pb.NameRequest, context: Any) -> pb.Domain:
        return wire.domain(
            await self._read(lambda reader: load.existing("domain", request.name, load.domain(reader, request.name)))
        )

    async def ListDomains(self, request: pb.ListRequest, context: Any) -> pb.DomainList:
        return pb.DomainList(domains=map(wire.domain, await self._read(load.domains)))

    async def AddAlias(self, request: pb.AddAliasRequest, context: Any) -> pb.Alias:
        texts = AliasTexts(request.targets, request.owners, request.ends_at)
        return wire.alias(
            await self._write(lambda tx, provenance: self._aliases.add(tx, request.address, texts, provenance))
        )

    async def ChangeAlias(self, request: pb.ChangeAliasRequest, context: Any) -> pb.Alias:
        texts = AliasTexts(
            request.targets.names if request.HasField("targets") else None,
            request.owners.names if request.HasField("owners") else None,
            given(request, "ends_at"),
            given(request, "disabled"),
        )
        return wire.alias(
            await self._write(lambda tx, provenance: self._aliases.change(tx, request.address, texts, provenance))
        )

    async def RemoveAlias(self, request: pb.NameRequest, context: Any) -> pb.Removed:
        return pb.Removed(
            name=await self._write(lambda tx, provenance: self._aliases.remove(tx, request.name, provenance))
        )

    async def ShowAlias(self, request: pb.NameRequest, context: Any) -> pb.Alias:
        return wire.alias(
            await self._read(
                lambda reader: with_groups(
                    reader, load.existing("alias", request.name, load.alias(reader, request.name))
                )
            )
        )

    async def ListAliases(self, request: pb.ListRequest, context: Any) -> pb.AliasList:
        def ask(reader: Reader) -> list[AliasState]:
            return [with_groups(reader, state) for state in load.aliases(reader)]

        return pb.AliasList(aliases=map(wire.alias, await self._read(ask)))


def given(request: Any, field: str) -> Any:
    """The value of an optional field; None when it was not given."""
    return getattr(request, field) if request.HasField(field) else None


def given_limits(request: Any) -> GivenLimits:
    """The limits that a request gives."""
    return GivenLimits(
        given(request, "quota_bytes"), given(request, "quota_messages"), given(request, "max_message_size")
    )
