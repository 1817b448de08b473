"""COPY and MOVE where the source or the target is a mailbox of another account (RFC 4314 §4, RFC 6851 §3)."""

from __future__ import annotations

from typing import NamedTuple

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints import wire
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.session_guard import Behaviour
from services.mailstore.handlers.access_lists import NOT_PERMITTED, demand
from services.mailstore.handlers.checked_store import Check, checking
from services.mailstore.handlers.held_rights import HeldRights, Holders
from services.mailstore.handlers.placing_elsewhere import Goal, MessagesElsewhere, Origin
from services.mailstore.handlers.quotas import Quotas
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance, session_account
from shared.protocol.imap.rights import ALL_RIGHTS
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_KEEPS_FLAGS = frozenset("iswt")


class _Allowed(NamedTuple):
    """What may be done."""

    target_account: str
    target_rights: str
    keeps_account: bool
    own_seen: tuple[bool, bool]
    r"""Whether \Seen is each user's own in the source, and in the target."""


class ForeignPlacing:
    """Carries out both commands."""

    def __init__(self, store: EventStore, holders: Holders, elsewhere: MessagesElsewhere, quotas: Quotas) -> None:
        self._store = store
        self._holders = holders
        self._elsewhere = elsewhere
        self._quotas = quotas

    async def copy(self, request: pb.CopyRequest, behaviour: Behaviour) -> pb.CopyReply:
        """COPY needs `r` of the source and `i` of the target."""
        return await self._place(request, behaviour, "r", takes_away=False)

    async def move(self, request: pb.CopyRequest, behaviour: Behaviour) -> pb.CopyReply:
        """MOVE needs `r`, `t` and `e` of the source and `i` of the target."""
        return await self._place(request, behaviour, "rte", takes_away=True)

    async def _place(
        self, request: pb.CopyRequest, behaviour: Behaviour, source_rights: str, *, takes_away: bool
    ) -> pb.CopyReply:
        allowed = await self._allowed(request, source_rights)
        with checking(self._check(request, source_rights, allowed)):
            keeps_flags = set(allowed.target_rights) >= _KEEPS_FLAGS and allowed.own_seen[0] == allowed.own_seen[1]
            if allowed.keeps_account and keeps_flags:
                reply: pb.CopyReply = await behaviour(request, None)
            else:
                reply = await self._elsewhere_placed(request, allowed, takes_away=takes_away)
        if "r" not in allowed.target_rights:  # RFC 4315 §3: who may not read learns no UID
            reply.ClearField("source")
            reply.ClearField("target")
        return reply

    async def _elsewhere_placed(self, request: pb.CopyRequest, allowed: _Allowed, *, takes_away: bool) -> pb.CopyReply:
        own_source, own_target = (session_account() if is_own else "" for is_own in allowed.own_seen)
        uids = wire.ranges(request.uids)
        origin = Origin(request.account, request.mailbox, uids, request.messages, takes_away, own_source)
        quota = await self._quotas.of(allowed.target_account)
        goal = Goal(allowed.target_account, request.target, allowed.target_rights, quota, own_target)
        with as_contract_errors():
            placed = await self._elsewhere.place(origin, goal, current_provenance())
        reply = wire.placed(placed.moved.placed)
        reply.target_version = placed.goal_version
        if placed.moved.refused is not None:
            reply.reason, reply.text = placed.moved.refused.reason, str(placed.moved.refused)
        return reply

    async def _allowed(self, request: pb.CopyRequest, source_rights: str) -> _Allowed:
        owner = request.target_account or request.account
        with as_contract_errors():
            source = await self._source(request)
            if "r" not in source.rights:
                raise MailboxRefused("NONEXISTENT", "the mailbox is gone")
            target = await self._target(owner, request.target)
            if "i" not in target.rights and ("l" not in target.rights or not target.mailbox):
                raise MailboxRefused("TRYCREATE", f"there is no mailbox {request.target}")
            if "i" not in target.rights or not set(source_rights) <= set(source.rights):
                raise MailboxRefused("NOPERM", NOT_PERMITTED)
        own_seen = source.has_own_seen, target.has_own_seen
        return _Allowed(owner, target.rights, keeps_account=owner == request.account, own_seen=own_seen)

    def _check(self, request: pb.CopyRequest, source_rights: str, allowed: _Allowed) -> Check:
        """Whether all rights are still there, also those by which flags are kept."""
        account, needed = session_account(), "i" + "".join({"s", "w", "t"} & set(allowed.target_rights))

        def check(tx: Transaction) -> None:
            if request.account != account:
                demand(self._holders.by_id(tx, account, request.account, request.mailbox), source_rights, "")
            if allowed.target_account != account:
                target = self._holders.by_name(tx, account, allowed.target_account, request.target)
                demand(target, needed, request.target)

        return check

    async def _source(self, request: pb.CopyRequest) -> HeldRights:
        account, owner = session_account(), request.account
        if owner == account:
            return HeldRights(request.mailbox, ALL_RIGHTS)
        return await self._store.read(lambda reader: self._holders.by_id(reader, account, owner, request.mailbox))

    async def _target(self, owner: str, name: str) -> HeldRights:
        account = session_account()
        if owner == account:
            return HeldRights("own", ALL_RIGHTS)
        return await self._store.read(lambda reader: self._holders.by_name(reader, account, owner, name))
