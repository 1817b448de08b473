"""A session's view of its selected mailbox, and the changes that its client must still be notified of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from services.access.adapters.mailstore import numbers
from services.access.session.recents import Recents
from services.access.session.updates import UpdatedSearch
from services.access.session.versions import Watch
from shared.long_sort import long_sorted
from shared.protocol.imap import fetch_response, response
from shared.protocol.imap.flags import RECENT, SETTABLE_SYSTEM_FLAGS
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ranges import Range
from shared.protocol.imap.response_code import permanentflags
from shared.protocol.imap.rights import ALL_RIGHTS, may_change, permitted_flags
from shared.protocol.imap.sequence import SequenceSet
from shared.protocol.imap.uid_runs import UidRuns
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns

_RANGES_A_PAGE = 1000
_SORTED_AT_ONCE = 10_000
"""Ranges that may be sorted on the event loop, which takes a few milliseconds."""
_FLAGS_A_PAGE = 200
"""Messages whose flags are sent at a time."""
_A_RANGE = 8
"""The cost of looking up a range, in keys compared."""


class NoSuchMessage(Exception):
    """A sequence number is higher than the number of messages."""


class Selected:
    """The mailbox as the client knows it.

    Sequence numbers change only when the client is notified (RFC 3501 §7.4.1).
    """

    def __init__(
        self, watch: Watch, view: pb.MailboxView, runs: UidRuns, recents: Recents | None, *, read_only: bool
    ) -> None:
        self.watch = watch
        """The watched version of the account that owns the mailbox."""
        self.account = watch.account
        """The account that owns the mailbox; that of the log-in unless the mailbox is shared."""
        self.id = view.mailbox.id
        self.uid_only = False
        """Whether the client knows no sequence numbers (UIDONLY, RFC 9586)."""
        self.name = view.mailbox.name
        """The name by which the client selected it."""
        self.uid_validity = view.mailbox.uid_validity
        self.modseq = view.mailbox.highest_modseq
        self.rights = view.rights or ALL_RIGHTS
        """The rights of the session's account (RFC 4314)."""
        self.read_only = read_only or not may_change(self.rights)
        self._has_own_seen = view.own_seen
        self.runs = runs
        self.uid_next = max(view.mailbox.uid_next, self.runs.largest + 1)
        self.version = view.version
        self._flags = dict.fromkeys((*SETTABLE_SYSTEM_FLAGS, *view.keywords))
        """The flags of the last FLAGS response, in its order."""
        self._keyword_limit = view.keyword_limit
        self.recent = NumberSet()
        """UIDs of the messages that are \\Recent in this session. UIDs in gaps between messages may be among them."""
        self._recents = recents  # None for a client of IMAP4rev2, which knows no \Recent (RFC 9051 Appendix E)
        self._take_recent()
        self._reported_recent = self.recent_count
        self._reported_exists = len(self.runs)
        self._vanished: list[Range] = []
        """UIDs of messages that are gone but that the client still counts, in any order."""
        self._gone: NumberSet | None = None
        """`_vanished` in order, once it was needed."""
        self._reported_version = self.version
        self._highest_sent_modseq = 0
        self.updated: dict[bytes, UpdatedSearch] = {}
        """The searches whose results the client follows, by their tags (RFC 5267 §4.3)."""
        self._reported_flags: dict[int, int] = {}
        """MODSEQs, newer than `version`, of flags that responses carried; `take` need not report these flags again."""

    # -- the messages that a command refers to

    async def resolve(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet, turns: Turns) -> NumberSet:
        """The UIDs in the view that a set refers to.

        Raises NoSuchMessage; unknown UIDs are skipped (RFC 3501 §6.4.8). The ranges extend over gaps in the view, in
        which the store has no messages either, so the result has no more ranges than the client wrote.
        """
        if not uid and (sequence.highest > len(self.runs) or (sequence.has_star and not self.runs)):
            raise NoSuchMessage
        return await self.matching(sequence, uid=uid, saved=saved, turns=turns)

    async def matching(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet, turns: Turns) -> NumberSet:
        """The same for a search key, where a sequence number without a message matches nothing."""
        ranges: list[Range] = []
        is_uids = uid or sequence.saved
        for page in self._numbers_of(sequence, uid=uid, saved=saved).pages(_RANGES_A_PAGE):
            await turns.spend(keys=_A_RANGE * len(page.ranges))
            ranges += (self.runs.hull(page) if is_uids else self.runs.hull_of_sequences(page)).ranges
        return NumberSet.of_sorted(ranges)

    async def count(self, uids: NumberSet, turns: Turns) -> int:
        """The number of these UIDs in the view."""
        total = 0
        for page in uids.pages(_RANGES_A_PAGE):
            total += self.runs.count(page)
            await turns.spend(keys=_A_RANGE * len(page.ranges))
        return total

    def _numbers_of(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet) -> NumberSet:
        if sequence.saved:
            return saved
        return sequence.resolve(self.runs.largest if uid else len(self.runs))

    def below_uid_next(self, uids: NumberSet) -> NumberSet:
        """Those of the UIDs that the client may know; one from UIDNEXT on belongs to a message that it never saw."""
        return uids.intersection(NumberSet(((1, self.uid_next - 1),))) if self.uid_next > 1 else NumberSet()

    # -- what the client knows of the mailbox

    @property
    def withholds_expunges(self) -> bool:
        """Whether messages are gone whose EXPUNGE could not be sent yet (RFC 3501 §7.4.1)."""
        return bool(self._vanished)

    @property
    def gone(self) -> NumberSet:
        """The UIDs of messages that are gone but that the client still counts."""
        if self._gone is None:
            self._gone = NumberSet.of_ranges(self._vanished)
        return self._gone

    async def order_gone(self) -> None:
        """Order the UIDs of `gone`; very many are ordered in pieces, beside the event loop."""
        if self._gone is None and len(self._vanished) > _SORTED_AT_ONCE:
            self._gone = await asyncio.to_thread(_in_order, tuple(self._vanished))

    @property
    def known_version(self) -> int:
        """The version up to which the client was notified of every change."""
        return self._reported_version if self._vanished else self.version

    def note_modseq(self, modseq: int) -> None:
        """Note that a response carries this MODSEQ; a QRESYNC client takes the highest as the state that it knows."""
        self._highest_sent_modseq = max(self._highest_sent_modseq, modseq)

    @property
    def highest_sent_modseq(self) -> int:
        """The highest MODSEQ in responses since the last tagged one, or 0."""
        return self._highest_sent_modseq

    def corrected_modseq(self) -> int:
        """The HIGHESTMODSEQ that a tagged response must state, or 0. Called once for each tagged response.

        Without it the client takes the highest MODSEQ it has seen (RFC 7162 §6). That may be higher than the MODSEQ of
        an expunge that was withheld; a client that reconnects with it would never be notified of the expunge.
        """
        named, self._highest_sent_modseq = self._highest_sent_modseq, 0
        return self.known_version if self._vanished or named > self.known_version else 0

    # -- changes of the mailbox

    def note_reported(self, uid: int, modseq: int) -> None:
        """Note that a response carried the message's flags at this MODSEQ."""
        if modseq > self.version:
            self._reported_flags[uid] = modseq

    def advance(self, *versions: int) -> None:
        """Advance over versions that this session's own writes made, ascending, when its response reported everything.

        The view advances as long as no other write came in between.
        """
        before = self.version
        for version in versions:
            self.version += version == self.version + 1
        if self.version != before:
            self._reported_flags = {
                uid: modseq for uid, modseq in self._reported_flags.items() if modseq > self.version
            }

    async def take(self, changes: pb.ChangesReply, turns: Turns) -> Iterator[Sequence[pb.Changed]]:
        """Apply changes to the view; returns the messages whose flags must be reported, in pages.

        Messages that are gone stay in the view until that is reported.
        """
        self._reported_version = self.known_version
        for page in changes.added:
            for first, last in numbers(page).ranges:
                self.runs.add(first, last)
            await turns.spend(keys=len(page.bounds))
        self.uid_next = max(changes.uid_next, self.runs.largest + 1)
        self._take_recent()
        for page in changes.vanished:
            self._note_vanished(self.runs.select_uids(numbers(page)))
            await turns.spend(keys=_A_RANGE * len(page.bounds) // 2)
        reported, self._reported_flags = self._reported_flags, {}
        self.version = changes.version
        return flag_pages(changes.changed, reported)

    def _note_vanished(self, gone: NumberSet) -> None:
        """Note vanished UIDs; those that the client never knew are dropped silently."""
        first_unreported = self.runs.uid_at(self._reported_exists + 1)
        if 0 < first_unreported <= gone.largest:
            unreported = gone.intersection(NumberSet(((first_unreported, gone.largest),)))
            gone = gone.difference(unreported)
            self.runs.remove_all(unreported)
        self._vanished += gone.ranges
        self._gone = None

    @property
    def recent_count(self) -> int:
        """The number of messages that are \\Recent in this session."""
        return self.runs.count(self.recent)

    def _take_recent(self) -> None:
        """Take the recent messages for this session, which is the first to be notified of them.

        EXAMINE takes none (RFC 3501 §2.3.2, §6.3.2).
        """
        if self._recents is None:
            return
        first = self._recents.first(self.id)
        if first >= self.uid_next:
            return
        if first <= self.runs.largest:
            self.recent = self.recent.union(NumberSet(((first, self.runs.largest),)))
        if not self.read_only:
            self._recents.claim(self.id, self.uid_next)

    def forget_recent(self) -> None:
        """Show no message as \\Recent any more."""
        self._recents, self.recent, self._reported_recent = None, NumberSet(), 0

    def report_recent(self) -> bytes:
        """The RECENT response if the client's number is wrong.

        To be called after `report_exists` and `report_expunges`.
        """
        count = self.recent_count
        if self._reported_recent == count:
            return b""
        self._reported_recent = count
        return response.recent(count)

    def recent_of(self, uids: Sequence[int]) -> frozenset[int]:
        """The recent ones among ascending UIDs."""
        if not uids or not self.recent or self.recent.largest < uids[0]:
            return frozenset()
        if len(self.recent.ranges) == 1:
            first, last = self.recent.ranges[0]
            return frozenset([uid for uid in uids if first <= uid <= last])
        return frozenset([uid for uid in uids if uid in self.recent])

    def shown_flags(self, uid: int, flags: Iterable[str]) -> tuple[str, ...]:
        """The flags of a message as this session shows them."""
        return (*flags, RECENT) if self.recent and uid in self.recent else tuple(flags)

    def fetch_line(self, number: int, uid: int, items: Sequence[bytes]) -> bytes:
        """The FETCH response with the UID and these items of a message, UIDFETCH for a client of UIDONLY."""
        if self.uid_only:
            return fetch_response.uid_fetch(uid, items)
        return fetch_response.fetch(number, [fetch_response.uid_item(uid), *items])

    def report_exists(self) -> bytes:
        """The EXISTS response if the client's number is wrong."""
        if self._reported_exists == len(self.runs):
            return b""
        self._reported_exists = len(self.runs)
        return response.exists(self._reported_exists)

    def report_expunges(self, *, vanished: bool) -> Iterator[bytes]:
        """The EXPUNGE responses (VANISHED once QRESYNC is enabled) for messages that are gone, in pieces.

        `forget_expunged` must follow.
        """
        gone = self.gone
        if vanished:
            yield from response.vanished(gone)
        else:
            for page in reversed(list(gone.pages(response.NUMBERS_A_PIECE))):
                yield from response.expunges(self.runs.sequences_of(page))

    async def forget_expunged(self, turns: Turns) -> None:
        """Take the messages whose EXPUNGE was reported out of the view; this changes the sequence numbers."""
        gone, self._vanished, self._gone = self.gone, [], None
        for page in gone.pages(_RANGES_A_PAGE):
            self.runs.remove_all(page)
            self._reported_exists -= len(page)
            await turns.spend(keys=_A_RANGE * len(page.ranges))

    def report_keywords(self, flags: Iterable[str]) -> bytes:
        """FLAGS and PERMANENTFLAGS when there are new keywords among the flags.

        They must precede a FETCH response with these keywords (RFC 3501 §7.2.6).
        """
        fresh = [flag for flag in flags if flag not in self._flags]
        if not fresh:
            return b""
        self._flags.update(dict.fromkeys(fresh))
        return self.flags()

    def report_rights(self, rights: str) -> bytes:
        """FLAGS and PERMANENTFLAGS when the rights are others than before, which decide which flags can be set."""
        rights = rights or self.rights
        if rights == self.rights:
            return b""
        self.rights = rights
        return self.flags()

    @property
    def is_called_read_only(self) -> bool:
        r"""Whether the client is told READ-ONLY: an own \Seen is no shared flag and may be set all the same (RFC 4314
        §5.2)."""
        return self.read_only or (self._has_own_seen and not may_change(self.rights.replace("s", "")))

    @property
    def keywords(self) -> int:
        """The number of keywords that the client knows."""
        return len(self._flags) - len(SETTABLE_SYSTEM_FLAGS)

    def flags(self) -> bytes:
        """The FLAGS and PERMANENTFLAGS responses (RFC 3501 §7.2.6)."""
        known = tuple(self._flags)
        kept = () if self.read_only else permitted_flags(known, self.rights)
        # RFC 3501 §7.1: without `\\*` the client knows that the mailbox takes no more keywords.
        takes_more = not self.read_only and "w" in self.rights and self.keywords < self._keyword_limit
        return response.flags(known) + response.ok(
            response.UNTAGGED, "Flags permitted", permanentflags(kept, takes_more)
        )


def _in_order(spans: Iterable[Range]) -> NumberSet:
    return NumberSet.of_sorted(long_sorted(spans, key=lambda span: span))


def flag_pages(
    changed: Sequence[pb.Changed], reported: Mapping[int, int] = MappingProxyType({})
) -> Iterator[Sequence[pb.Changed]]:
    """The messages of a reply, without those whose flags were reported at this MODSEQ, in pages.

    A page is made when it is taken: each message is an object for Python's collector, and with those of a large mailbox
    at once a single collection takes a tenth of a second.
    """
    for start in range(0, len(changed), _FLAGS_A_PAGE):
        page = changed[start : start + _FLAGS_A_PAGE]
        yield [change for change in page if reported.get(change.uid) != change.modseq] if reported else page


async def runs_of(view: pb.MailboxView, turns: Turns) -> UidRuns:
    """The UIDs of a view as runs."""
    runs = UidRuns()
    for page in view.uids:
        runs.extend(numbers(page))
        await turns.spend(keys=len(page.bounds))
    return runs
