"""Accounts with scripts, and a delivery that says what they decide, for tests of the ingress."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.events.mail import MailReceived
from shared.events.scripts import ACTIVE, SERVER
from shared.grpc.errors import Unavailable
from shared.grpc.servicers import Registration
from shared.rpc.mailfold.delivery.v1.refusals_pb2 import WouldRefuseReply, WouldRefuseRequest
from shared.rpc.mailfold.delivery.v1.refusals_pb2_grpc import RefusalsServicer, add_RefusalsServicer_to_server
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsServicer, add_ScriptsServicer_to_server
from shared.scripts.active import ActiveScripts


class FakeScripts(ScriptsServicer):
    """The mailstore: what the active scripts of accounts require, by account id."""

    def __init__(self, requires: dict[str, tuple[str, ...]]) -> None:
        self.requires = requires
        self.registrations: Sequence[Registration] = ((add_ScriptsServicer_to_server, self),)

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def ListPlaces(self, request: pb.ListPlacesRequest, context: Any) -> pb.ScriptPlaceList:
        places = [
            pb.ScriptPlace(owner=owner, place=ACTIVE, name="rules", digest=owner, requires=requires)
            for owner, requires in self.requires.items()
            if request.owner in ("", owner)
        ]
        return pb.ScriptPlaceList(places=places, stamp=str(len(places)))


class FakeRefusals(RefusalsServicer):
    """Delivery: it decides what it is told, for everybody; `asked` are the mails about which it was asked."""

    def __init__(self, reply: WouldRefuseReply | None = None) -> None:
        self.reply = reply or WouldRefuseReply()
        self.error: Exception | None = None
        self.hangs = False
        self.asked: list[MailReceived] = []
        self.registrations: Sequence[Registration] = ((add_RefusalsServicer_to_server, self),)

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def WouldRefuse(self, request: WouldRefuseRequest, context: Any) -> WouldRefuseReply:
        self.asked.append(msgspec.json.decode(request.reception, type=MailReceived))
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return self.reply


async def are_known(scripts: ActiveScripts) -> bool:
    """Whether the ingress has read which scripts work."""
    try:
        scripts.of(SERVER)
    except Unavailable:
        return False
    return True
