"""Serves the part of the Directory contract that is about sending: DKIM keys, relays and the keys of secrets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from services.directory.domain.dkim import DkimKeyState
from services.directory.endpoints import sending_wire as wire
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.dkim import DkimCommands
from services.directory.handlers.relays import RelayCommands
from services.directory.handlers.secret_keys import SecretCommands
from services.directory.handlers.sending import sending_of
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.routing.relay_presets import PRESETS
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryServicer


class SendingCommands(NamedTuple):
    """The commands of this part of the contract."""

    dkim: DkimCommands
    relays: RelayCommands
    secrets: SecretCommands


class SendingEndpoint(StoreEndpoint, DirectoryServicer):
    """The methods about sending."""

    def __init__(self, store: EventStore, commands: SendingCommands) -> None:
        super().__init__(store)
        self._dkim = commands.dkim
        self._relays = commands.relays
        self._secrets = commands.secrets

    async def SendingOf(self, request: pb.SendingRequest, context: Any) -> pb.Sending:
        return wire.sending(await self._store.read(partial(sending_of, text=request.domain)))

    async def ShowDkim(self, request: pb.NameRequest, context: Any) -> pb.DkimKeyList:
        with as_contract_errors():
            return self._key_list(await self._dkim.show(request.name))

    async def RotateDkim(self, request: pb.NameRequest, context: Any) -> pb.DkimKeyList:
        with as_contract_errors():
            return self._key_list(await self._dkim.rotate(request.name, current_provenance()))

    async def CheckDkim(self, request: pb.NameRequest, context: Any) -> pb.DkimKeyList:
        with as_contract_errors():
            return self._key_list(await self._dkim.check(request.name, current_provenance()))

    async def RetireDkim(self, request: pb.RetireDkimRequest, context: Any) -> pb.RetiredKeys:
        with as_contract_errors():
            keys = await self._dkim.retire(request.domain, request.selector, request.force, current_provenance())
            return pb.RetiredKeys(keys=wire.dkim_keys(keys, self._dkim.checks, self._dkim.wait_days))

    async def SetRelay(self, request: pb.SetRelayRequest, context: Any) -> pb.Relay:
        password = request.password if request.HasField("password") else None
        with as_contract_errors():
            return wire.relay(
                await self._relays.set(request.domain, wire.requested_relay(request), password, current_provenance())
            )

    async def ListRelays(self, request: pb.ListRequest, context: Any) -> pb.RelayList:
        return pb.RelayList(relays=map(wire.relay, await self._relays.list()))

    async def ShowRelay(self, request: pb.NameRequest, context: Any) -> pb.Relay:
        with as_contract_errors():
            return wire.relay(await self._relays.show(request.name))

    async def RemoveRelay(self, request: pb.NameRequest, context: Any) -> pb.Removed:
        with as_contract_errors():
            return pb.Removed(name=await self._relays.remove(request.name, current_provenance()))

    async def ListRelayPresets(self, request: pb.ListRequest, context: Any) -> pb.RelayPresetList:
        return pb.RelayPresetList(presets=map(wire.preset, PRESETS.values()))

    async def ShowSecretKeys(self, request: pb.ListRequest, context: Any) -> pb.SecretKeyList:
        with as_contract_errors():
            return wire.secret_keys(await self._secrets.report())

    async def RekeySecrets(self, request: pb.ListRequest, context: Any) -> pb.SecretKeyList:
        with as_contract_errors():
            return wire.secret_keys(await self._secrets.rekey(current_provenance()))

    async def DropSecretKeys(self, request: pb.ListRequest, context: Any) -> pb.SecretKeyList:
        with as_contract_errors():
            return wire.secret_keys(await self._secrets.drop())

    def _key_list(self, keys: Iterable[DkimKeyState]) -> pb.DkimKeyList:
        return pb.DkimKeyList(keys=wire.dkim_keys(keys, self._dkim.checks, self._dkim.wait_days))
