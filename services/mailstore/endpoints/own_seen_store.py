r"""STORE in a mailbox of another account in which \Seen is each user's own."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.endpoints import wire
from services.mailstore.endpoints.foreign_flags import ForeignStore
from services.mailstore.endpoints.own_seen_shown import split_runs
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.session_guard import Behaviour
from services.mailstore.handlers.access_lists import NOT_PERMITTED
from services.mailstore.handlers.messages import Stored
from services.mailstore.handlers.own_seen import OwnSeen, set_seen
from services.mailstore.handlers.views import Views
from services.mailstore.projections import chosen
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.grpc.call import acting, current_provenance, session_account
from shared.grpc.errors import Denied
from shared.protocol.imap.flags import SEEN
from shared.protocol.imap.ranges import Ranges, above, common, count, joined, without
from shared.protocol.imap.rights import permitted_flags
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_ADD, _REPLACE = pb.StoreRequest.ADD, pb.StoreRequest.REPLACE


class OwnSeenStore:
    """Changes the user's own \\Seen, and the flags of all for which there is a right."""

    def __init__(self, store: EventStore, own: OwnSeen, shared: ForeignStore, views: Views) -> None:
        self._store = store
        self._own = own
        self._shared = shared
        self._views = views

    async def store(self, request: pb.StoreRequest, rights: str, behaviour: Behaviour) -> pb.StoreReply:
        """Carry out the permitted part of a STORE. Raises Denied when nothing of it is permitted."""
        names_seen = any(flag.lower() == SEEN.lower() for flag in request.flags)
        changes_seen = "s" in rights and (names_seen or request.mode == _REPLACE)
        flags = permitted_flags(request.flags, rights.replace("s", ""))
        changes_flags = not {"w", "t"}.isdisjoint(rights) and (bool(flags) or request.mode == _REPLACE)
        if not (changes_seen or changes_flags) and (request.flags or request.mode == _REPLACE):
            raise Denied(NOT_PERMITTED, "NOPERM")
        reply, asked = pb.StoreReply(), wire.ranges(request.uids)
        refused: Ranges = ()
        if changes_seen:
            is_set = names_seen and request.mode in (_ADD, _REPLACE)
            refused = await self._set(request, asked, is_set, reply)
        elif request.HasField("unchanged_since"):
            refused = await self._changed_since(request, asked)
        if changes_flags:
            part = _without_seen(request, flags, without(asked, refused))
            refused = await self._add(part, rights.replace("s", ""), behaviour, reply, refused)
        reply.refused.CopyFrom(wire.uid_set(refused))
        if not request.quiet:
            await self._show(request.mailbox, without(asked, refused), reply)
        return reply

    async def set(
        self, owner: str, mailbox: str, uids: Ranges, is_set: bool, since: int | None, provenance: Provenance
    ) -> list[Stored]:
        r"""Set or take away the user's \Seen, in several units when there are many messages."""
        done: list[Stored] = []
        account, left = session_account(), uids
        while left:
            unit, by = left, provenance.of_unit(len(done))
            with as_contract_errors():
                stored = await self._store.write(
                    lambda tx, unit=unit, by=by: set_seen(tx, owner, mailbox, account, unit, is_set, since, by),  # type: ignore[misc]
                    long=count(uids) > chosen.FEW,
                )
            done.append(stored)
            left = above(left, stored.last) if stored.last else ()
        return done

    async def _set(self, request: pb.StoreRequest, uids: Ranges, is_set: bool, reply: pb.StoreReply) -> Ranges:
        since = request.unchanged_since if request.HasField("unchanged_since") else None
        provenance = current_provenance().of_part("seen")
        refused: list[tuple[int, int]] = []
        for done in await self.set(request.account, request.mailbox, uids, is_set, since, provenance):
            reply.version = done.version
            reply.messages += count(done.stored)
            reply.versions.extend([done.made] if done.made else [])
            refused += done.refused
        return joined(refused)

    async def _changed_since(self, request: pb.StoreRequest, uids: Ranges) -> Ranges:
        r"""The messages whose \Seen the user has changed since."""
        changed = await self._own.changed(request.mailbox, session_account(), request.unchanged_since)
        return common(uids, changed)

    async def _add(
        self, part: pb.StoreRequest, rights: str, behaviour: Behaviour, reply: pb.StoreReply, refused: Ranges
    ) -> Ranges:
        """Change the flags that all see; returns all messages that were refused."""
        with acting(current_provenance().of_part("flags")):
            done = await self._shared.store(part, rights, behaviour)
        reply.version, reply.messages = done.version, done.messages
        reply.versions.extend(done.versions)
        return joined(sorted([*refused, *wire.ranges(done.refused)]))

    async def _show(self, mailbox: str, uids: Ranges, reply: pb.StoreReply) -> None:
        async for page in self._views.flag_runs(mailbox, uids):
            if page:
                shown: Sequence[pb.FlagRun] = wire.flag_runs(page)
                extent = tuple((run.first, run.last) for run in page)
                seen = await self._own.messages(mailbox, session_account(), extent)
                reply.runs.extend(split_runs(shown, seen))


def _without_seen(request: pb.StoreRequest, flags: Sequence[str], uids: Ranges) -> pb.StoreRequest:
    part = pb.StoreRequest()
    part.CopyFrom(request)
    part.flags[:] = flags
    part.uids.CopyFrom(wire.uid_set(uids))
    part.quiet = True
    return part
