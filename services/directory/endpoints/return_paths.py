"""Serves the contract about the secrets of return paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.directory.domain.return_paths import ReturnPathSecretState
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.return_paths import ReturnPathCommands
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.srs.proof import NoReturnAddress
from shared.protocol.srs.rewrite import Reversed, StoredSender
from shared.rpc.mailfold.directory.v1 import returnpaths_pb2 as pb
from shared.rpc.mailfold.directory.v1.returnpaths_pb2_grpc import ReturnPathsServicer


class ReturnPathsEndpoint(StoreEndpoint, ReturnPathsServicer):
    """The methods about the secrets of return paths."""

    def __init__(self, store: EventStore, commands: ReturnPathCommands) -> None:
        super().__init__(store)
        self._commands = commands

    async def Secrets(self, request: pb.ReturnPathRequest, context: Any) -> pb.SealedReturnPathSecrets:
        with as_contract_errors():
            secrets = await self._commands.current()
        return pb.SealedReturnPathSecrets(
            secrets=[pb.SealedReturnPathSecret(id=secret.id, sealed_secret=secret.secret) for secret in secrets]
        )

    async def ExplainReturnPath(self, request: pb.ExplainReturnPathRequest, context: Any) -> pb.ReturnPathExplanation:
        try:
            address = parse_address(request.address)
        except AddressError as error:
            raise Invalid(f"not an address: {error.reason}", "invalid") from error
        with as_contract_errors():
            return _explained(await self._commands.sender_of(address))

    async def ShowSecrets(self, request: pb.ReturnPathRequest, context: Any) -> pb.ReturnPathSecretList:
        return _shown(await self._commands.show())

    async def RotateSecret(self, request: pb.RotateReturnPathRequest, context: Any) -> pb.ReturnPathSecretList:
        with as_contract_errors():
            return _shown(await self._commands.rotate(current_provenance(), forget=request.forget))


def _explained(sender: Reversed) -> pb.ReturnPathExplanation:
    match sender:
        case NoReturnAddress("not_ours" | "not_rewritten"):
            return pb.ReturnPathExplanation()
        case NoReturnAddress(reason):
            text = f"It looks like a return path of forwarded mail, but it is {reason}: mail is refused."
            return pb.ReturnPathExplanation(ours=True, text=text)
        case StoredSender(token):
            text = f"A return path of the forwarded mail {token}: a bounce goes on to its sender."
            return pb.ReturnPathExplanation(ours=True, text=text, sender=f"the sender of {token}")
        case Address():
            text = f"A return path of forwarded mail: a bounce, and nothing else, goes on to {sender}."
            return pb.ReturnPathExplanation(ours=True, text=text, sender=str(sender))


def _shown(secrets: Sequence[ReturnPathSecretState]) -> pb.ReturnPathSecretList:
    return pb.ReturnPathSecretList(
        secrets=[
            pb.ReturnPathSecretUse(
                id=secret.id,
                current=not secret.replaced_at,
                since_at=secret.since,
                valid_until_at=secret.valid_until,
            )
            for secret in secrets
        ]
    )
