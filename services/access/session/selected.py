"""A session's view of the mailbox it has selected, and what its client must still be notified of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.access.adapters.mailstore import numbers
from services.access.session.recents import Recents
from shared.protocol.imap import response
from shared.protocol.imap.flags import RECENT, SETTABLE_SYSTEM_FLAGS
from shared.protocol.imap.number_set import NumberSet, Range
from shared.protocol.imap.response_code import permanentflags
from shared.protocol.imap.sequence import SequenceSet
from shared.protocol.imap.uid_runs import UidRuns
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns

_RANGES_A_PAGE = 1000
_A_RANGE = 4
"""What it costs to look up a range, in keys compared."""


class NoSuchMessage(Exception):
    """A sequence number above the count of messages."""


class Selected:
    """One mailbox as the client believes it to be. Sequence numbers change only when the client is notified (RFC 3501
    7.4.1).
    """

    def __init__(self, view: pb.MailboxView, runs: UidRuns, recents: Recents, *, read_only: bool) -> None:
        self.id = view.mailbox.id
        self.uid_validity = view.mailbox.uid_validity
        self.modseq = view.mailbox.highest_modseq
        self.read_only = read_only
        self.runs = runs
        self.uid_next = max(view.mailbox.uid_next, self.runs.largest + 1)
        self.version = view.version
        self._flags = dict.fromkeys((*SETTABLE_SYSTEM_FLAGS, *view.keywords))
        """What FLAGS said, in its order."""
        self._keyword_limit = view.keyword_limit
        self.recent = NumberSet()
        """UIDs of the messages that are \\Recent in this session; UIDs of the gaps between them may be among them."""
        self._recents = recents
        self._take_recent()
        self._reported_recent = self.recent_count
        self._reported_exists = len(self.runs)
        self._vanished: list[Range] = []
        """UIDs that are gone and still counted, in any order."""
        self._reported_version = self.version
        self._named_modseq = 0
        self._reported_flags: dict[int, int] = {}
        """MODSEQ of flags that answers carried, newer than `version`: `take` need not report them again."""

    # -- which messages a command means

    async def resolve(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet, turns: Turns) -> NumberSet:
        """The UIDs meant, of those in the view. Raises NoSuchMessage (RFC 3501 6.4.8: unknown UIDs are passed over).

        The ranges go over the gaps of the view, in which the store has no messages either: however many runs the view
        has, they are no more than the client wrote.
        """
        if not uid and (sequence.highest > len(self.runs) or (sequence.has_star and not self.runs)):
            raise NoSuchMessage
        return await self.matching(sequence, uid=uid, saved=saved, turns=turns)

    async def matching(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet, turns: Turns) -> NumberSet:
        """The same for a search key: a number that no message has matches no message."""
        ranges: list[Range] = []
        is_uids = uid or sequence.saved
        for page in self._named(sequence, uid=uid, saved=saved).pages(_RANGES_A_PAGE):
            await turns.spend(keys=_A_RANGE * len(page.ranges))
            ranges += (self.runs.hull(page) if is_uids else self.runs.hull_of_sequences(page)).ranges
        return NumberSet.of_sorted(ranges)

    async def count(self, uids: NumberSet, turns: Turns) -> int:
        """How many of the UIDs are in the view."""
        total = 0
        for page in uids.pages(_RANGES_A_PAGE):
            total += self.runs.count(page)
            await turns.spend(keys=_A_RANGE * len(page.ranges))
        return total

    def _named(self, sequence: SequenceSet, *, uid: bool, saved: NumberSet) -> NumberSet:
        if sequence.saved:
            return saved
        return sequence.resolve(self.runs.largest if uid else len(self.runs))

    # -- how far the client knows the mailbox

    @property
    def withholds_expunges(self) -> bool:
        """Whether messages are gone whose EXPUNGE could not be sent yet (RFC 3501 7.4.1)."""
        return bool(self._vanished)

    @property
    def known_version(self) -> int:
        """The version up to which the client was notified of every change."""
        return self._reported_version if self._vanished else self.version

    def name_modseq(self, modseq: int) -> None:
        """A response carries this MODSEQ: a QRESYNC client takes the highest one for the state that it knows."""
        self._named_modseq = max(self._named_modseq, modseq)

    @property
    def named_modseq(self) -> int:
        """The highest MODSEQ in responses since the last tagged one; 0 when there was none."""
        return self._named_modseq

    def corrected_modseq(self) -> int:
        """The HIGHESTMODSEQ that a tagged response must state, or 0. Called once for each tagged response.

        RFC 7162 6: without it the client takes the highest MODSEQ it has seen, which may lie behind an expunge that
        it was not notified of; when it comes back with that number, it never hears of the expunge.
        """
        named, self._named_modseq = self._named_modseq, 0
        return self.known_version if self._vanished or named > self.known_version else 0

    # -- what changes

    def note_reported(self, uid: int, modseq: int) -> None:
        """An answer carried the message's flags as of this MODSEQ."""
        if modseq > self.version:
            self._reported_flags[uid] = modseq

    def forward(self, *versions: int) -> None:
        """Writes of this session made these versions, ascending, and its answer reported everything: as far as nobody
        else wrote in between, the view is there.
        """
        before = self.version
        for version in versions:
            self.version += version == self.version + 1
        if self.version != before:
            self._reported_flags = {
                uid: modseq for uid, modseq in self._reported_flags.items() if modseq > self.version
            }

    async def take(self, changes: pb.ChangesReply, turns: Turns) -> list[pb.Changed]:
        """Bring the view forward; what is gone stays until it is reported. Returns the messages whose flags must be
        reported.
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
            await turns.spend(keys=2 * len(page.bounds))
        reported, self._reported_flags = self._reported_flags, {}
        self.version = changes.version
        if not reported:
            return list(changes.changed)
        return [change for change in changes.changed if reported.get(change.uid) != change.modseq]

    def _note_vanished(self, gone: NumberSet) -> None:
        """What the client never heard of goes without a word."""
        first_unreported = self.runs.uid_at(self._reported_exists + 1)
        if 0 < first_unreported <= gone.largest:
            unreported = gone.intersection(NumberSet(((first_unreported, gone.largest),)))
            gone = gone.difference(unreported)
            self.runs.remove_all(unreported)
        self._vanished += gone.ranges

    @property
    def recent_count(self) -> int:
        """How many messages are \\Recent in this session."""
        return self.runs.count(self.recent)

    def _take_recent(self) -> None:
        """The first session that is notified of a message gets it as \\Recent; EXAMINE takes nothing away (RFC 3501
        2.3.2, 6.3.2).
        """
        first = self._recents.first(self.id)
        if first >= self.uid_next:
            return
        if first <= self.runs.largest:
            self.recent = self.recent.union(NumberSet(((first, self.runs.largest),)))
        if not self.read_only:
            self._recents.claim(self.id, self.uid_next)

    def report_recent(self) -> bytes:
        """RECENT, if the client's count is not right. After `report_exists` and `report_expunges`."""
        count = self.recent_count
        if self._reported_recent == count:
            return b""
        self._reported_recent = count
        return response.recent(count)

    def recent_of(self, uids: Sequence[int]) -> frozenset[int]:
        """Those of the UIDs, ascending, that are \\Recent in this session."""
        if not uids or not self.recent or self.recent.largest < uids[0]:
            return frozenset()
        if len(self.recent.ranges) == 1:
            first, last = self.recent.ranges[0]
            return frozenset([uid for uid in uids if first <= uid <= last])
        return frozenset([uid for uid in uids if uid in self.recent])

    def shown_flags(self, uid: int, flags: Iterable[str]) -> tuple[str, ...]:
        """The flags of a message as this session sees them."""
        return (*flags, RECENT) if self.recent and uid in self.recent else tuple(flags)

    def report_exists(self) -> bytes:
        """EXISTS, if the client's count is not right."""
        if self._reported_exists == len(self.runs):
            return b""
        self._reported_exists = len(self.runs)
        return response.exists(self._reported_exists)

    def report_expunges(self, *, vanished: bool) -> Iterator[bytes]:
        """EXPUNGE (or VANISHED, once QRESYNC is enabled) of what is gone, in pieces; the numbers behind move up when
        the last piece is taken. Before `report_exists`: a message that moved within the mailbox is never counted twice.
        """
        if not self._vanished:
            return
        gone = NumberSet.of_ranges(self._vanished)
        if vanished:
            yield from response.vanished(gone)
        else:
            for page in reversed(list(gone.pages(response.NUMBERS_A_PIECE))):
                yield from response.expunges(self.runs.sequences_of(page))
        self._vanished = []
        self.runs.remove_all(gone)
        self._reported_exists -= len(gone)

    def report_keywords(self, flags: Iterable[str]) -> bytes:
        """FLAGS and PERMANENTFLAGS when there are keywords among the flags that were not reported yet: before a FETCH
        response shows them (RFC 3501 7.2.6).
        """
        fresh = [flag for flag in flags if flag not in self._flags]
        if not fresh:
            return b""
        self._flags.update(dict.fromkeys(fresh))
        return self.flags()

    @property
    def keywords(self) -> int:
        """How many keywords the client knows."""
        return len(self._flags) - len(SETTABLE_SYSTEM_FLAGS)

    def flags(self) -> bytes:
        """Which flags there are and which may be kept (RFC 3501 7.2.6)."""
        known = tuple(self._flags)
        kept = () if self.read_only else known
        # RFC 3501 7.1: without `\\*` the client knows that the mailbox takes no further keywords.
        takes_more = not self.read_only and self.keywords < self._keyword_limit
        return response.flags(known) + response.ok(
            response.UNTAGGED, "Flags permitted", permanentflags(kept, takes_more)
        )


async def runs_of(view: pb.MailboxView, turns: Turns) -> UidRuns:
    """The UIDs of a view."""
    runs = UidRuns()
    for page in view.uids:
        runs.extend(numbers(page))
        await turns.spend(keys=len(page.bounds))
    return runs
