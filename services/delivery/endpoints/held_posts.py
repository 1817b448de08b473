"""Serves the HeldPosts contract."""

from __future__ import annotations

from typing import Any

from services.delivery.handlers.held_post_rows import HeldRow, recorded_post, rows_of_list
from services.delivery.handlers.moderation import Moderation
from shared.eventstore.store import EventStore
from shared.protocol.mailing_list.post import NoPost
from shared.rpc.mailfold.delivery.v1 import heldposts_pb2 as pb
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import HeldPostsServicer

_PAGE = 200


class HeldPostsEndpoint(HeldPostsServicer):
    """Answers the ingress, and the directory for moderators. A `name` is the id of the list."""

    def __init__(self, store: EventStore, moderation: Moderation) -> None:
        self._store = store
        self._moderation = moderation

    async def Room(self, request: pb.RoomRequest, context: Any) -> pb.RoomReply:
        has_room = await self._moderation.has_room(
            request.list_id, request.size, request.most_posts, request.most_bytes
        )
        return pb.RoomReply(refusal="" if has_room else NoPost.NO_ROOM.value)

    async def CheckDecision(self, request: pb.CheckDecisionRequest, context: Any) -> pb.CheckDecisionReply:
        asked = await self._moderation.check(
            request.address, request.list_id, request.user, request.account, request.author
        )
        return pb.CheckDecisionReply(refusal=asked.refusal.value if asked.refusal is not None else "")

    async def ListHeld(self, request: pb.ListHeldRequest, context: Any) -> pb.HeldPage:
        limit = min(request.limit or _PAGE, _PAGE)
        rows = await self._store.read(lambda reader: rows_of_list(reader, request.name, request.after, limit + 1))
        posts = [await self._post(row) for row in rows[:limit]]
        return pb.HeldPage(posts=posts, has_more=len(rows) > limit)

    async def DecidePost(self, request: pb.DecideRequest, context: Any) -> pb.HeldPost:
        text, moderator = request.text.strip(), request.moderator or "operator"
        row = await self._moderation.decide(request.name, request.id, request.decision, moderator, text)
        return await self._post(row)

    async def _post(self, row: HeldRow) -> pb.HeldPost:
        post = await recorded_post(self._store, row.id)
        return pb.HeldPost(
            id=row.id,
            list=post.list_address,
            state=row.state,
            author=post.message.author,
            author_proven=bool(post.poster),
            subject=post.message.subject,
            size=row.size,
            held_at=row.at,
            expires_at=row.expires_at,
            queue_id=row.queue_id,
        )
