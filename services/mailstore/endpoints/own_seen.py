r"""Answers calls about a mailbox of another account in which \Seen is each user's own, for the user who asks.

The answers are those about the mailbox as its owner sees it, with the user's \Seen put in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from services.mailstore.endpoints import wire
from services.mailstore.endpoints.own_seen_search import OwnSeenKeys, asks_modseq
from services.mailstore.endpoints.own_seen_shown import show_in_batch, show_set, shown_changes, uids_of
from services.mailstore.endpoints.own_seen_store import OwnSeenStore
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers import queries
from services.mailstore.handlers.own_seen import OwnSeen, note_seen
from services.mailstore.handlers.views import FLAGS_A_PAGE, Views
from services.mailstore.projections.own_seen_rows import seen_of
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance, session_account
from shared.protocol.imap.flags import SEEN
from shared.protocol.imap.ranges import Ranges, common, joined, pages, ranges, without
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

Batches = Callable[[pb.FetchRequest], AsyncIterator[pb.FetchBatch]]


class OwnSeenAnswers:
    """One method for each kind of answer."""

    def __init__(self, own: OwnSeen, views: Views, flags: OwnSeenStore) -> None:
        self._own = own
        self._views = views
        self._flags = flags

    async def count(self, mailbox: pb.Mailbox) -> None:
        """The counters of a mailbox."""
        seen, modseq = await self._own.counted(mailbox.id, session_account())
        mailbox.unseen = max(0, mailbox.messages - seen)
        mailbox.highest_modseq = max(mailbox.highest_modseq, modseq)

    async def view(self, view: pb.MailboxView) -> None:
        """SELECT and EXAMINE."""
        await self.count(view.mailbox)
        view.own_seen = True
        view.first_unseen_uid = 0
        uids = joined(sorted(span for page in view.uids for span in wire.ranges(page)))
        for page in pages(uids, queries.PAGE) if view.mailbox.unseen else ():
            seen = await self._own.messages(view.mailbox.id, session_account(), page)
            unseen = without(page, seen_of(run for span in page for run in seen.split(*span)))
            if unseen:
                view.first_unseen_uid = unseen[0][0]
                return

    async def changes(self, request: pb.ChangesRequest, reply: pb.ChangesReply) -> None:
        r"""What changed in a selected mailbox: the flags of all, and the user's own \Seen."""
        mailbox, account = request.mailbox, session_account()
        own = await self._own.changed(mailbox, account, request.since, reply.version)
        changed = list(reply.changed)
        if own:
            known = ranges(sorted(change.uid for change in changed))
            left = without(common(own, ((1, max(1, request.uid_next - 1)),)), known)
            async for page in self._views.flags(mailbox, left, reply.version):
                changed += wire.changed(page)
            changed.sort(key=lambda change: change.uid)
        del reply.changed[:]
        for start in range(0, len(changed), FLAGS_A_PAGE):
            some = changed[start : start + FLAGS_A_PAGE]
            seen = await self._own.messages(mailbox, account, ranges(change.uid for change in some))
            reply.changed.extend(shown_changes(some, seen))

    async def fetch(
        self, request: pb.FetchRequest, batches: Batches, *, may_set: bool
    ) -> AsyncGenerator[pb.FetchBatch, None]:
        r"""FETCH; when it sets \Seen, it sets the user's own."""
        marks = request.mark_seen and may_set
        plain = pb.FetchRequest()
        plain.CopyFrom(request)
        plain.mark_seen, plain.without_flags = False, request.without_flags and not marks
        plain.flag_runs = request.flag_runs and not request.changed_since  # each message has a MODSEQ of its own
        shown: list[tuple[int, int]] = []
        async with aclosing(self._shown(plain, batches, marks=marks)) as replies:
            async for batch in replies:
                shown += uids_of(batch) if request.changed_since else ()
                yield batch
        if request.changed_since:
            changed = await self._own.changed(request.mailbox, session_account(), request.changed_since)
            left = without(common(wire.ranges(request.uids), changed), joined(sorted(shown)))
            if not left:
                return
            plain.changed_since, plain.vanished = 0, False
            plain.uids.CopyFrom(wire.uid_set(left))
            async with aclosing(self._shown(plain, batches, marks=marks)) as replies:
                async for batch in replies:
                    yield batch

    async def _shown(
        self, request: pb.FetchRequest, batches: Batches, *, marks: bool
    ) -> AsyncGenerator[pb.FetchBatch, None]:
        async with aclosing(batches(request)) as replies:  # type: ignore[type-var]
            async for batch in replies:
                uids = uids_of(batch)
                if uids and (batch.flags or batch.runs):
                    seen = await self._own.messages(request.mailbox, session_account(), uids)
                    unseen = show_in_batch(batch, seen)
                    if marks and unseen:
                        await self._mark(request, batch, unseen)
                yield batch

    async def _mark(self, request: pb.FetchRequest, batch: pb.FetchBatch, unseen: list[int]) -> None:
        """Each batch is a command of its own."""
        by = current_provenance().of_part(str(unseen[0]))
        for done in await self._flags.set(request.account, request.mailbox, ranges(unseen), True, None, by):
            if done.made:
                show_set(batch, unseen, done.made)

    async def searched(self, request: Any) -> tuple[Any, bool]:
        """A search, SORT or THREAD for the user; and whether it asks for MODSEQs. Raises NotNow LIMIT."""
        keys = OwnSeenKeys(self._own, request.mailbox, session_account())
        with as_contract_errors():
            key = await keys.replaced(request.key)
        copied = type(request)()
        copied.CopyFrom(request)
        copied.key.CopyFrom(key)
        return copied, asks_modseq(request.key)

    async def highest(self, mailbox: str, uids: Ranges, least: int) -> int:
        r"""The highest MODSEQ of messages, of which `least` is that of their flags."""
        for page in pages(uids, queries.PAGE):
            seen = await self._own.messages(mailbox, session_account(), page)
            least = max([least, *(run.modseq for span in page for run in seen.split(*span))])
        return least

    def taken(self, messages: Sequence[pb.AppendMessage]) -> list[bool]:
        r"""Take \Seen out of messages that are put into the mailbox; returns which of them had it."""
        had = [any(flag.lower() == SEEN.lower() for flag in message.flags) for message in messages]
        for message in messages:
            message.flags[:] = [flag for flag in message.flags if flag.lower() != SEEN.lower()]
        return had

    def noting(self, owner: str, had: list[bool]) -> Callable[[Transaction, Any], None]:
        r"""What sets the user's \Seen on those messages, in the commit that stores them."""
        account, provenance = session_account(), current_provenance()

        def note(tx: Transaction, result: Any) -> None:
            mailbox, uids, _ = result[0] if isinstance(result[0], tuple) else result  # REPLACE has more to tell
            seen = ranges(uid for uid, is_seen in zip(uids, had, strict=True) if is_seen)
            note_seen(tx, owner, mailbox.id, account, seen, provenance)

        return note
