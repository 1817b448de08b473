"""Serves the Moderators contract; what concerns held posts is passed on to delivery, which keeps them."""

from __future__ import annotations

from typing import Any

from services.directory.domain.lists import ListState
from services.directory.domain.moderators import ModerationChanges, ModerationState
from services.directory.endpoints.names import given
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import list_rows, load
from services.directory.handlers.moderation_rows import moderation
from services.directory.handlers.moderators import ModeratorCommands
from services.directory.handlers.posters import Poster
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.grpc.channel import Channel
from shared.grpc.policy import USER
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import HeldPostsStub
from shared.rpc.mailfold.directory.v1 import moderators_pb2 as pb
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import ModeratorsServicer


class ModeratorsEndpoint(StoreEndpoint, ModeratorsServicer):
    """The methods about moderation."""

    def __init__(self, store: EventStore, commands: ModeratorCommands, delivery: Channel) -> None:
        super().__init__(store)
        self._commands = commands
        self._held = HeldPostsStub(delivery)

    async def SetModeration(self, request: pb.SetModerationRequest, context: Any) -> pb.Moderation:
        moderators = list(request.moderators.moderators) if request.HasField("moderators") else None
        changes = ModerationChanges(
            given(request, "moderate"),
            given(request, "most_posts"),
            given(request, "most_bytes"),
            given(request, "days"),
        )
        return _moderation(
            *await self._write(
                lambda tx, provenance: self._commands.set(tx, request.name, changes, moderators, provenance)
            )
        )

    async def ShowModeration(self, request: pb.ModerationRequested, context: Any) -> pb.Moderation:
        def ask(reader: Reader) -> tuple[ListState, ModerationState]:
            state = list_rows.mailing_list(reader, request.name)
            return state, moderation(reader, state.id)

        return _moderation(*await self._read(ask))

    async def ListHeld(self, request: heldposts_pb2.ListHeldRequest, context: Any) -> heldposts_pb2.HeldPage:
        state = await self._read(lambda reader: list_rows.mailing_list(reader, request.name))
        asked = heldposts_pb2.ListHeldRequest(name=state.id, after=request.after, limit=request.limit)
        page: heldposts_pb2.HeldPage = await self._held.ListHeld(asked)
        return page

    async def DecidePost(self, request: heldposts_pb2.DecideRequest, context: Any) -> heldposts_pb2.HeldPost:
        state = await self._read(lambda reader: list_rows.mailing_list(reader, request.name))
        asked = heldposts_pb2.DecideRequest(
            name=state.id,
            id=request.id,
            decision=request.decision,
            text=request.text,
            moderator=await self._who_decides(),
        )
        decided: heldposts_pb2.HeldPost = await self._held.DecidePost(asked)
        return decided

    async def JudgePost(self, request: pb.JudgePostRequest, context: Any) -> pb.JudgePostReply:
        poster = _poster(request)
        judgement, state, is_member = await self._read(
            lambda reader: self._commands.judge(reader, request.name, poster)
        )
        return pb.JudgePostReply(
            allowed=judgement.allowed,
            held=judgement.held,
            is_member=is_member,
            most_posts=state.most_posts,
            most_bytes=state.most_bytes,
            days=state.days,
        )

    async def ListModeratorsOf(self, request: pb.JudgePostRequest, context: Any) -> pb.ModeratorsReply:
        poster = _poster(request)

        def ask(reader: Reader) -> list[str]:
            state = list_rows.mailing_list(reader, request.name)
            return self._commands.moderators_of(reader, state.id, poster)

        return pb.ModeratorsReply(moderators=await self._read(ask))

    async def _who_decides(self) -> str:
        """The name of the user in whose name a call is made, or of the operator."""
        actor = current_provenance().actor
        known = await self._read(lambda reader: load.user(reader, actor.id)) if actor.kind == USER else None
        return known.name if known is not None else f"{actor.kind} {actor.id}"


def _poster(request: pb.JudgePostRequest) -> Poster:
    return Poster(request.user, request.account, request.author)


def _moderation(state: ListState, moderated: ModerationState) -> pb.Moderation:
    return pb.Moderation(
        id=state.id,
        address=state.address,
        moderate=moderated.moderate.value,
        moderators=moderated.moderators,
        most_posts=moderated.most_posts,
        most_bytes=moderated.most_bytes,
        days=moderated.days,
        owners=state.owners,
    )
