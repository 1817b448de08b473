"""Serves the LogIns contract: log-ins in which no password is sent."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints import wire
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.handlers.proven_log_ins import ClientAsking, ProvenLogIns, ScramProof
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1 import logins_pb2 as pb
from shared.rpc.mailfold.directory.v1.logins_pb2_grpc import LogInsServicer


class LogInsEndpoint(LogInsServicer):
    """The methods."""

    def __init__(self, log_ins: ProvenLogIns) -> None:
        self._log_ins = log_ins

    async def ListMechanisms(self, request: pb.MechanismsRequest, context: Any) -> pb.Mechanisms:
        return pb.Mechanisms(names=await self._log_ins.offered())

    async def BeginScram(self, request: pb.BeginScramRequest, context: Any) -> pb.ScramSalt:
        stored = await self._log_ins.salt(request.login, request.authorization)
        return pb.ScramSalt(salt=stored.salt, iterations=stored.iterations)

    async def FinishScram(self, request: pb.FinishScramRequest, context: Any) -> pb.ScramAnswer:
        proof = ScramProof(request.login, request.text, request.proof)
        verdict = await self._log_ins.by_proof(_client(request), proof)
        return pb.ScramAnswer(identity=wire.identity(verdict.answer), signature=verdict.signature)

    async def OpenWithToken(self, request: pb.TokenRequest, context: Any) -> directory_pb2.Identity:
        with as_contract_errors():
            return wire.identity(await self._log_ins.by_token(_client(request), request.token))

    async def OpenWithCertificate(self, request: pb.CertificateRequest, context: Any) -> directory_pb2.Identity:
        return wire.identity(await self._log_ins.by_certificate(_client(request), request.names))


def _client(request: pb.FinishScramRequest | pb.TokenRequest | pb.CertificateRequest) -> ClientAsking:
    return ClientAsking(request.protocol, request.address, request.authorization)
