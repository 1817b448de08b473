"""STORE in a mailbox of another account, of those flags only for which there is a right (RFC 4314 §4)."""

from __future__ import annotations

from services.mailstore.endpoints.session_guard import Behaviour
from services.mailstore.handlers import queries
from services.mailstore.handlers.access_lists import NOT_PERMITTED
from shared.eventstore.store import EventStore
from shared.grpc.call import acting, current_provenance
from shared.grpc.errors import Denied
from shared.protocol.imap.flags import SETTABLE_SYSTEM_FLAGS
from shared.protocol.imap.ranges import without
from shared.protocol.imap.rights import permitted_flags
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_ALL_FLAGS = frozenset("swt")


class ForeignStore:
    """Changes flags."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def store(self, request: pb.StoreRequest, rights: str, behaviour: Behaviour) -> pb.StoreReply:
        """Carry out the permitted part of a STORE. Raises Denied when nothing of it is permitted."""
        if set(rights) >= _ALL_FLAGS:
            reply: pb.StoreReply = await behaviour(request, None)
            return reply
        flags = permitted_flags(request.flags, rights)
        if _ALL_FLAGS.isdisjoint(rights) or (request.flags and not flags):
            raise Denied(NOT_PERMITTED, "NOPERM")
        if request.mode == pb.StoreRequest.REPLACE:
            return await self._replace(request, rights, flags, behaviour)
        return await _part(request, request.mode, flags, behaviour)

    async def _replace(
        self, request: pb.StoreRequest, rights: str, flags: list[str], behaviour: Behaviour
    ) -> pb.StoreReply:
        """Replace the flags for which there is a right, and leave the others as they are."""
        keywords = await self._store.read(lambda reader: queries.keywords(reader, request.mailbox))
        given = {flag.lower() for flag in flags}
        taken = [flag for flag in (*SETTABLE_SYSTEM_FLAGS, *keywords) if flag.lower() not in given]
        first = await _part(request, pb.StoreRequest.REMOVE, permitted_flags(taken, rights), behaviour)
        second = pb.StoreRequest()
        second.CopyFrom(request)
        second.ClearField("unchanged_since")
        second.uids.bounds[:] = _left(request.uids, first.refused)
        with acting(current_provenance().of_part("given")):
            reply = await _part(second, pb.StoreRequest.ADD, flags, behaviour)
        reply.refused.CopyFrom(first.refused)
        reply.versions[:] = [*first.versions, *reply.versions]
        return reply


async def _part(
    request: pb.StoreRequest, mode: pb.StoreRequest.Mode.ValueType, flags: list[str], behaviour: Behaviour
) -> pb.StoreReply:
    part = pb.StoreRequest()
    part.CopyFrom(request)
    part.mode = mode
    part.flags[:] = flags
    reply: pb.StoreReply = await behaviour(part, None)
    return reply


def _left(asked: pb.UidSet, refused: pb.UidSet) -> list[int]:
    left = without(_ranges(asked), _ranges(refused))
    return [bound for span in left for bound in span]


def _ranges(uids: pb.UidSet) -> tuple[tuple[int, int], ...]:
    bounds = iter(list(uids.bounds))
    return tuple(zip(bounds, bounds, strict=True))
