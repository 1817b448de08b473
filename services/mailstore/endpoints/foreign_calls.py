"""The rules for calls of a session about mailboxes of other accounts: which right each needs (RFC 4314 §4).

Rights are read at each call, so that a right that was taken away counts no more. What lacks `l` is answered like what
does not exist (RFC 4314 §6).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, TypeVar

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints import wire
from services.mailstore.endpoints.foreign_annotations import ForeignAnnotations
from services.mailstore.endpoints.foreign_flags import ForeignStore
from services.mailstore.endpoints.foreign_placing import ForeignPlacing
from services.mailstore.endpoints.own_seen import OwnSeenAnswers
from services.mailstore.endpoints.own_seen_store import OwnSeenStore
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.session_guard import Behaviour
from services.mailstore.handlers import queries
from services.mailstore.handlers.access_lists import NOT_PERMITTED, demand
from services.mailstore.handlers.checked_store import Check, adding, checking
from services.mailstore.handlers.held_rights import HeldRights, Holders
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import session_account
from shared.grpc.errors import AlreadyExists, Denied
from shared.protocol.imap.mailbox_name import INBOX, canonical_name
from shared.protocol.imap.rights import ALL_RIGHTS, permitted_flags, right_for_flag
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

T = TypeVar("T")
R = TypeVar("R")
_WITH_LIST = ("GetAcl", "SetAcl", "ListRights", "MyRights", "FindOwner", "ListShared")
"""Methods that look at the rights by themselves."""


class ForeignMailboxes:
    """One method for each call that is permitted."""

    def __init__(
        self,
        store: EventStore,
        holders: Holders,
        placing: ForeignPlacing,
        annotations: ForeignAnnotations,
        flags: ForeignStore,
        own_seen_flags: OwnSeenStore,
        own_seen: OwnSeenAnswers,
    ) -> None:
        self._store = store
        self._holders = holders
        self._placing = placing
        self._store_flags = flags
        self._store_own_seen = own_seen_flags
        self._own_seen = own_seen
        self._unary: dict[str, Callable[[Any, Behaviour], Awaitable[Any]]] = {
            "OpenAccount": self.open_account,
            "ListMailboxes": self.mailbox,
            "CreateMailbox": self.create,
            "DeleteMailbox": self.delete,
            "RenameMailbox": self.rename,
            "ViewMailbox": self.view,
            "Changes": self.changes,
            "Store": self.flags,
            "Append": self.append,
            "Replace": self.replace,
            "Copy": placing.copy,
            "Move": placing.move,
            "Expunge": self.expunge,
            "Quota": self.quota,
            "ListAnnotations": annotations.listed,
            "SetAnnotations": annotations.change,
            "ListAnnotationChanges": annotations.changed,
            "Search": self.search,
            "DeletedSize": self.read,
            **dict.fromkeys(_WITH_LIST, self.with_list),
        }
        self._streams: dict[str, Callable[[Any, Behaviour], AsyncIterator[Any]]] = {
            "Fetch": self.fetch,
            "Sort": self.order,
            "Thread": self.order,
        }

    def unary(self, method: str) -> Callable[[Any, Behaviour], Awaitable[Any]] | None:
        """The rule of a method; None: it is refused."""
        return self._unary.get(method)

    def stream(self, method: str) -> Callable[[Any, Behaviour], AsyncIterator[Any]] | None:
        """The rule of a method that streams."""
        return self._streams.get(method)

    async def with_list(self, request: Any, behaviour: Behaviour) -> Any:
        """A method that looks at the rights by itself."""
        return await behaviour(request, None)

    async def open_account(self, request: pb.OpenAccountRequest, behaviour: Behaviour) -> pb.OpenAccountReply:
        """The version of an account that shares something."""
        account, owner = session_account(), request.account
        if not await self._ask(lambda reader: self._holders.has_any(reader, account, owner)):
            raise Denied(NOT_PERMITTED, "NOPERM")
        return pb.OpenAccountReply(version=await self._ask(lambda reader: queries.version_of(reader, owner)))

    async def mailbox(self, request: pb.ListMailboxesRequest, behaviour: Behaviour) -> pb.MailboxList:
        """A single mailbox with its counters, and with the rights, by which the session decides what it shows."""
        if not (request.id or request.name):
            raise Denied(NOT_PERMITTED, "NOPERM")
        held = await (self._by_id if request.id else self._by_name)(request.account, request.id or request.name)
        if not held.rights:
            return pb.MailboxList()
        listed = _with_rights(await behaviour(request, None), held.rights)
        for mailbox in listed.mailboxes if held.has_own_seen else ():
            await self._own_seen.count(mailbox)
        return listed

    async def create(self, request: pb.CreateMailboxRequest, behaviour: Behaviour) -> Any:
        """CREATE needs `k` for the mailbox above. What exists unseen is refused as a right that is missing."""
        await self._below(request.account, request.name.removesuffix("/"))
        if request.special_use:
            raise Denied("a mailbox of another account has no special use", "USEATTR")
        with checking(self._above_check(request.account, request.name.removesuffix("/"))):
            return await self._unseen(request.account, request.name.removesuffix("/"), request, behaviour)

    async def delete(self, request: pb.MailboxNameRequest, behaviour: Behaviour) -> Any:
        """DELETE needs `x`."""
        await self._need(request.account, request.name, "x")
        with checking(self._name_check(request.account, request.name, "x")):
            return await behaviour(request, None)

    async def rename(self, request: pb.RenameMailboxRequest, behaviour: Behaviour) -> Any:
        """RENAME needs `x`, and `k` for the mailbox above the new name. INBOX stays the owner's."""
        await self._need(request.account, request.name, "x")
        new_name = request.new_name.removesuffix("/")
        await self._below(request.account, new_name)
        if canonical_name(request.name) == INBOX:
            raise Denied("the INBOX of another account cannot be renamed", "NOPERM")
        checks = self._name_check(request.account, request.name, "x"), self._above_check(request.account, new_name)
        with checking(*checks):
            return await self._unseen(request.account, new_name, request, behaviour)

    async def view(self, request: pb.MailboxNameRequest, behaviour: Behaviour) -> pb.MailboxView:
        """SELECT and EXAMINE need `r`."""
        held = await self._need(request.account, request.name, "r")
        view: pb.MailboxView = await behaviour(request, None)
        view.rights = held.rights
        view.mailbox.special_use = ""
        if held.has_own_seen:
            await self._own_seen.view(view)
        return view

    async def changes(self, request: pb.ChangesRequest, behaviour: Behaviour) -> pb.ChangesReply:
        """What changed in a selected mailbox; without `r` it is gone."""
        held = await self._selected(request.account, request.mailbox, "")
        reply: pb.ChangesReply = await behaviour(request, None)
        reply.rights = held.rights
        if held.has_own_seen:
            await self._own_seen.changes(request, reply)
        return reply

    async def read(self, request: Any, behaviour: Behaviour) -> Any:
        """Questions about a selected mailbox."""
        await self._selected(request.account, request.mailbox, "")
        return await behaviour(request, None)

    async def search(self, request: pb.SearchRequest, behaviour: Behaviour) -> pb.SearchReply:
        """SEARCH."""
        held = await self._selected(request.account, request.mailbox, "")
        if not held.has_own_seen:
            return await behaviour(request, None)  # type: ignore[no-any-return]
        replaced, asks_modseq = await self._own_seen.searched(request)
        reply: pb.SearchReply = await behaviour(replaced, None)
        if asks_modseq:
            uids = tuple(span for page in reply.uids for span in wire.ranges(page))
            reply.highest_modseq = await self._own_seen.highest(request.mailbox, uids, reply.highest_modseq)
        return reply

    async def order(self, request: Any, behaviour: Behaviour) -> AsyncGenerator[Any, None]:
        """SORT and THREAD."""
        held = await self._selected(request.account, request.mailbox, "")
        if held.has_own_seen:
            request, _ = await self._own_seen.searched(request)
        async with aclosing(self.read_stream(request, behaviour)) as parts:
            async for part in parts:
                yield part

    async def read_stream(self, request: Any, behaviour: Behaviour) -> AsyncGenerator[Any, None]:
        """Long answers about a selected mailbox; rights are looked at again before each part."""
        await self._selected(request.account, request.mailbox, "")
        async with aclosing(behaviour(request, None)) as parts:
            async for part in parts:
                await self._selected(request.account, request.mailbox, "")
                yield part

    async def fetch(self, request: pb.FetchRequest, behaviour: Behaviour) -> AsyncIterator[pb.FetchBatch]:
        """FETCH; without `s` it sets no \\Seen."""
        held = await self._selected(request.account, request.mailbox, "")
        if request.mark_seen and "s" not in held.rights:
            request = _copy_of(request)
            request.mark_seen = False
        with checking(self._id_check(request.account, request.mailbox, "rs")):
            batches = (
                self._own_seen.fetch(
                    request, lambda some: self.read_stream(some, behaviour), may_set="s" in held.rights
                )
                if held.has_own_seen
                else self.read_stream(request, behaviour)
            )
            async with aclosing(batches):
                async for batch in batches:
                    yield batch

    async def flags(self, request: pb.StoreRequest, behaviour: Behaviour) -> pb.StoreReply:
        """STORE of those flags for which there is a right; it fails only when there is none (RFC 4314 §4)."""
        held = await self._selected(request.account, request.mailbox, "")
        needed = {right_for_flag(flag) for flag in request.flags} & set(held.rights)
        if request.mode == pb.StoreRequest.REPLACE:
            needed = set(held.rights) & set("swt")
        with checking(self._id_check(request.account, request.mailbox, "r" + "".join(needed))):
            flags = self._store_own_seen if held.has_own_seen else self._store_flags
            return await flags.store(request, held.rights, behaviour)

    async def append(self, request: pb.AppendRequest, behaviour: Behaviour) -> pb.AppendReply:
        """APPEND needs `i`; flags without a right are left out. Who may not read learns no UID (RFC 4315 §3)."""
        held = await self._need(request.account, request.mailbox, "i")
        allowed = _copy_of(request)
        for message in allowed.messages:
            message.flags[:] = permitted_flags(message.flags, held.rights)
        needed = {right_for_flag(flag) for message in allowed.messages for flag in message.flags}
        with (
            checking(self._name_check(request.account, request.mailbox, "i" + "".join(needed))),
            self._with_own_seen(held, request.account, allowed.messages),
        ):
            reply: pb.AppendReply = await behaviour(allowed, None)
        return reply if "r" in held.rights else pb.AppendReply(version=reply.version, mailbox=reply.mailbox)

    async def replace(self, request: pb.ReplaceRequest, behaviour: Behaviour) -> pb.AppendReply:
        """REPLACE needs `r`, `t` and `e` of the source and `i` of the target (RFC 8508 §3); of the own account all is
        permitted."""
        owner, account = request.target_account or request.account, session_account()
        checks: list[Check] = []
        if request.account != account:
            await self._selected(request.account, request.mailbox, "te")
            checks.append(self._id_check(request.account, request.mailbox, "rte"))
        held = HeldRights("own", ALL_RIGHTS)
        allowed = _copy_of(request)
        if owner != account:
            held = await self._need(owner, request.target, "i")
            allowed.message.flags[:] = permitted_flags(request.message.flags, held.rights)
            needed = "i" + "".join({right_for_flag(flag) for flag in allowed.message.flags})
            checks.append(self._name_check(owner, request.target, needed))
        with checking(*checks), self._with_own_seen(held, owner, [allowed.message]):
            reply: pb.AppendReply = await behaviour(allowed, None)
        if "r" not in held.rights:
            reply.ClearField("uid_validity")
            reply.ClearField("uids")
        return reply

    async def expunge(self, request: pb.ExpungeRequest, behaviour: Behaviour) -> Any:
        """EXPUNGE needs `e`."""
        await self._selected(request.account, request.mailbox, "e")
        with checking(self._id_check(request.account, request.mailbox, "re")):
            return await behaviour(request, None)

    async def quota(self, request: pb.QuotaRequest, behaviour: Behaviour) -> Any:
        """The owner's quota, for who may read or fill one of the mailboxes."""
        account, owner = session_account(), request.account
        shared = await self._ask(lambda reader: self._holders.of_mailboxes(reader, account, owner))
        if all({"r", "i"}.isdisjoint(mailbox.rights) for mailbox in shared):
            raise Denied(NOT_PERMITTED, "NOPERM")
        return await behaviour(request, None)

    def _with_own_seen(
        self, held: HeldRights, owner: str, messages: Sequence[pb.AppendMessage]
    ) -> AbstractContextManager[None]:
        r"""Where \Seen is each user's own, store new messages without it, and set the user's in the same commit."""
        if not held.has_own_seen:
            return nullcontext()
        return adding(self._own_seen.noting(owner, self._own_seen.taken(messages)))

    def _name_check(self, owner: str, name: str, rights: str) -> Check:
        account = session_account()
        return lambda tx: demand(self._holders.by_name(tx, account, owner, name), rights, name)

    def _id_check(self, owner: str, mailbox: str, rights: str) -> Check:
        account = session_account()
        return lambda tx: demand(self._holders.by_id(tx, account, owner, mailbox), rights, "")

    def _above_check(self, owner: str, name: str) -> Check:
        account = session_account()

        def check(tx: Transaction) -> None:
            if "k" not in self._holders.above(tx, account, owner, name):
                raise MailboxRefused("NOPERM", NOT_PERMITTED)

        return check

    async def _need(self, owner: str, name: str, rights: str) -> HeldRights:
        held = await self._by_name(owner, name)
        with as_contract_errors():
            return demand(held, rights, name)

    async def _selected(self, owner: str, mailbox: str, rights: str) -> HeldRights:
        """The rights to a selected mailbox, which without `r` is answered like a deleted one."""
        held = await self._by_id(owner, mailbox)
        with as_contract_errors():
            if not held.mailbox or "r" not in held.rights:
                raise MailboxRefused("NONEXISTENT", "the mailbox is gone")
            return demand(held, rights, "")

    async def _below(self, owner: str, name: str) -> None:
        """Check that a mailbox of this name may be made."""
        account = session_account()
        if "k" not in await self._ask(lambda reader: self._holders.above(reader, account, owner, name)):
            raise Denied(NOT_PERMITTED, "NOPERM")

    async def _unseen(self, owner: str, name: str, request: Any, behaviour: Behaviour) -> Any:
        """Make a name. Raises Denied instead of AlreadyExists for one that is not seen."""
        try:
            return await behaviour(request, None)
        except AlreadyExists:
            if "l" in (await self._by_name(owner, name)).rights:
                raise
            raise Denied(NOT_PERMITTED, "NOPERM") from None

    async def _by_name(self, owner: str, name: str) -> HeldRights:
        account = session_account()
        return await self._ask(lambda reader: self._holders.by_name(reader, account, owner, name))

    async def _by_id(self, owner: str, mailbox: str) -> HeldRights:
        account = session_account()
        return await self._ask(lambda reader: self._holders.by_id(reader, account, owner, mailbox))

    async def _ask(self, ask: Callable[[Reader], T]) -> T:
        with as_contract_errors():
            return await self._store.read(ask)


def _copy_of(request: R) -> R:
    """A copy that may be changed; messages of a call may not."""
    copied = type(request)()
    copied.CopyFrom(request)  # type: ignore[attr-defined]
    return copied


def _with_rights(reply: pb.MailboxList, rights: str) -> pb.MailboxList:
    for mailbox in reply.mailboxes:
        mailbox.rights = rights
        mailbox.special_use = ""
    return reply
