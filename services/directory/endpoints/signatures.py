"""Serves the Signatures contract: mail signatures of domains, and the fields of users."""

from __future__ import annotations

from typing import Any

from services.directory.domain.signatures import SignatureRequest
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import signatures
from services.directory.handlers.signatures import ShownSignature, UserFieldsState
from shared.grpc.errors import NotFound
from shared.rpc.mailfold.directory.v1 import signatures_pb2 as pb
from shared.rpc.mailfold.directory.v1.signatures_pb2_grpc import SignaturesServicer


class SignaturesEndpoint(StoreEndpoint, SignaturesServicer):
    """Turns requests into units of work and reads."""

    async def SetSignature(self, request: pb.SetSignatureRequest, context: Any) -> pb.SignatureReply:
        with as_contract_errors():
            asked = _request(request)
        return _reply(
            await self._write(lambda tx, provenance: signatures.set_signature(tx, request.domain, asked, provenance))
        )

    async def ShowSignature(self, request: pb.ShowSignatureRequest, context: Any) -> pb.SignatureReply:
        return _reply(await self._read(lambda reader: signatures.shown(reader, request.domain)))

    async def ChooseSignature(self, request: pb.ChooseSignatureRequest, context: Any) -> pb.ChooseSignatureReply:
        chosen = await self._read(
            lambda reader: signatures.choose(reader, request.domain, request.user, request.address)
        )
        return pb.ChooseSignatureReply(id=chosen.id, values=chosen.values, signs_automatic=chosen.signs_automatic)

    async def ShowVersion(self, request: pb.ShowVersionRequest, context: Any) -> pb.SignatureVersion:
        version = await self._read(lambda reader: signatures.version(reader, request.id))
        if version is None:
            raise NotFound(f"there is no mail signature {request.id}", "missing")
        return pb.SignatureVersion(id=request.id, text=version.text, html=version.html)

    async def SetUserField(self, request: pb.SetUserFieldRequest, context: Any) -> pb.UserFields:
        return _fields(
            await self._write(
                lambda tx, provenance: signatures.set_field(tx, request.user, request.name, request.value, provenance)
            )
        )

    async def ShowUserFields(self, request: pb.ShowUserFieldsRequest, context: Any) -> pb.UserFields:
        return _fields(await self._read(lambda reader: signatures.user_fields(reader, request.user)))


def _request(request: pb.SetSignatureRequest) -> SignatureRequest:
    text, html = ("", "") if request.off else (request.text, request.html)
    automatic = request.signs_automatic if request.HasField("signs_automatic") else None
    return SignatureRequest(None if request.keep_texts else signatures.as_signature(text, html), automatic)


def _reply(shown: ShownSignature) -> pb.SignatureReply:
    return pb.SignatureReply(
        domain=shown.domain.name,
        id=shown.id,
        text=shown.signature.text,
        html=shown.signature.html,
        signs_automatic=shown.signs_automatic,
        preview_text=shown.preview.text,
        preview_html=shown.preview.html,
        missing=shown.missing,
    )


def _fields(state: UserFieldsState) -> pb.UserFields:
    return pb.UserFields(user=state.user, fields=state.fields)
