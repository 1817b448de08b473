"""SEARCH for keys that the pages of the listing answer: whole pages are compared, and few rows in Python."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from services.mailstore.projections import changes, current
from services.mailstore.projections.changes import ChangedRange
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled
from services.mailstore.search.held import Answers, HeldAnswers
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import ranges
from shared.turns import Turns

ReadTexts = Callable[[list[EntryRow]], Awaitable[list[EntryRow]]]
"""Reads messages, and returns those that match."""
_PAGE = 1000
_KEYS = f"SELECT uid, blob, modseq FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ? ORDER BY uid LIMIT {_PAGE}"  # noqa: S608


class KeysPage(NamedTuple):
    """Messages of a mailbox, ascending, and the ranges among them whose flags were changed."""

    uids: list[int]
    blobs: list[str]
    modseqs: list[int]
    """Those with which they came."""
    changed: list[ChangedRange]

    def highest(self, uids: Sequence[int]) -> int:
        """The highest MODSEQ of some of these messages. A change is newer than every message that it changes."""
        chosen = set(uids)
        arrived = max((modseq for uid, modseq in zip(self.uids, self.modseqs, strict=True) if uid in chosen), default=0)
        changed = current.within(self.changed, ranges(uids), None) if self.changed else ()
        return max([arrived, *(run.modseq for run in changed)])

    def row(self, at: int) -> EntryRow:
        """A message about whose row nothing more is asked."""
        return EntryRow(self.uids[at], 0, "", self.modseqs[at], 0, 0, 0, 0, "", "", self.blobs[at])


def _read_keys(mailbox: str, after: int, last: int) -> Callable[[Reader], KeysPage]:
    """The page behind a UID."""

    def ask(reader: Reader) -> KeysPage:
        rows = reader.all(_KEYS, (mailbox, after, last))
        if not rows:
            return KeysPage([], [], [], [])
        uids, blobs, modseqs = (list(column) for column in zip(*rows, strict=True))
        return KeysPage(uids, blobs, modseqs, changes.overlapping(reader, mailbox, uids[0], uids[-1]))

    return ask


class PageVerdicts:
    """Decides by answers, once for each different set of them."""

    def __init__(self, compiled: Compiled, held: HeldAnswers) -> None:
        self.keys = compiled.keys
        self._compiled = compiled
        self._held = held
        self._verdicts: dict[int, tuple[Answers, bool | None]] = {}

    def of(self, page: KeysPage, at: int) -> tuple[list[int], list[int], int]:
        """From the message `at` on: the places of messages that match, of those to be read, and of the next message."""
        answers, messages = self._held.run(page.uids, page.blobs, at)
        end = at + messages
        if not answers:
            return [], [at], end
        numbers = list(map(id, answers))
        for number, answer in dict(zip(numbers, answers, strict=True)).items():
            if number not in self._verdicts:  # the answers are kept, so that no others get their number
                self._verdicts[number] = answer, self._verdict(page.row(at), answer)
        matching = self._places(numbers, at, verdict=True)
        return matching, self._places(numbers, at, verdict=None), end

    def take_octets(self) -> int:
        """The octets of pages that were read and compared since the last call."""
        return self._held.take_octets()

    def _places(self, numbers: list[int], at: int, *, verdict: bool | None) -> list[int]:
        """The places, from `at` on, of the answers with this verdict."""
        chosen = {number for number in set(numbers) if self._verdicts[number][1] is verdict}
        return [place for place, number in enumerate(numbers, at) if number in chosen] if chosen else []

    def _verdict(self, row: EntryRow, answers: Answers) -> bool | None:
        candidate = Candidate(row, None)
        candidate.answers.update(answers)
        return self._compiled.test(candidate)


async def matching_answers(
    store: EventStore, turns: Turns, mailbox: str, bounds: tuple[int, int], verdicts: PageVerdicts, read: ReadTexts
) -> AsyncIterator[tuple[list[int], int]]:
    """The matching messages page by page, and the highest MODSEQ among them; `read` decides where no page does."""
    (first, last), size = bounds, _PAGE
    after = first - 1
    while size == _PAGE:
        page = await store.read(_read_keys(mailbox, after, last))
        size, at = len(page.uids), 0
        await turns.spend(rows=size // 2)
        matching: list[int] = []
        unknown: list[EntryRow] = []
        while at < size:
            places, open_places, at = verdicts.of(page, at)
            matching += [page.uids[place] for place in places]
            unknown += [page.row(place) for place in open_places]
            await turns.spend(keys=verdicts.keys + 40, octets=verdicts.take_octets())
        if unknown:
            matching = sorted([*matching, *(row.uid for row in await read(unknown))])
        if matching:
            yield matching, page.highest(matching)
        after = page.uids[-1] if page.uids else last
