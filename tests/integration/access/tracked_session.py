"""A session that keeps a model of its mailbox from the responses alone, and fails on any that cannot be right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from tests.integration.access.imap_client import ImapClient
from tests.integration.access.mirror import Mirror

_MODSEQ = re.compile(rb"MODSEQ \(([0-9]+)\)")
_HIGHEST = re.compile(rb"\[HIGHESTMODSEQ ([0-9]+)\]")
_FLAGS_LINE = re.compile(rb"\* FLAGS \(([^)]*)\)\Z")
_FETCHED_FLAGS = re.compile(rb"\* [0-9]+ FETCH \(.*?FLAGS \(([^)]*)\)", re.DOTALL)
_COPYUID = re.compile(rb"COPYUID ([0-9]+) ([0-9:,]+) ([0-9:,]+)\]")
_SEARCHED = re.compile(rb"\* SEARCH((?: [0-9]+)*)(?: \(MODSEQ [0-9]+\))?\Z")
_ESEARCHED = re.compile(rb'\* ESEARCH \(TAG "(t[0-9]+)"\)( UID)?(?: ALL ([0-9:,]+))?(?: MODSEQ [0-9]+)?\Z')
_UIDS_STAY = ("FETCH", "STORE", "SEARCH")


class Mode(Enum):
    """What the client has enabled."""

    PLAIN = ""
    REV2 = "IMAP4rev2"
    QRESYNC = "QRESYNC"
    BOTH = "IMAP4rev2 QRESYNC"


def numbers_of(ranges: bytes) -> list[int]:
    """The numbers of a sequence-set, in its order."""
    numbers: list[int] = []
    for word in filter(None, ranges.split(b",")):
        first, _, last = word.partition(b":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@dataclass
class TrackedSession(Mirror):
    """Checks what a mode promises beyond what `Mirror` checks."""

    mode: Mode = Mode.PLAIN
    keywords: frozenset[bytes] = frozenset()
    highest: int = 0
    """The state that the client may remember: all changes up to here were received."""
    validity: int = 0
    name: str = ""
    found: list[int] | None = None
    """The result of the last search."""
    _seen_modseq: int = field(default=0, repr=False)

    @classmethod
    def begin(cls, client: ImapClient, mode: Mode) -> TrackedSession:
        """A session that has enabled its mode."""
        if mode.value:
            assert client.ok(f"ENABLE {mode.value}") == [f"* ENABLED {mode.value}".encode()]
        return cls(client, mode=mode)

    @property
    def _is_rev2(self) -> bool:
        return "IMAP4rev2" in self.mode.value

    @property
    def remembers(self) -> bool:
        """Whether the session may come back with what it remembers."""
        return "QRESYNC" in self.mode.value

    def select(self, mailbox: str) -> None:
        self.messages.clear()
        self.recent.clear()
        self.name = mailbox
        answer = self._ask(f"SELECT {mailbox}")
        assert answer.startswith(b"OK [READ-WRITE]"), answer
        self.learn()

    def come_back(self) -> None:
        """SELECT with QRESYNC: the model of before is corrected by VANISHED (EARLIER) and FETCH alone."""
        # A client remembers UIDs and flags; the numbers are those of the new view.
        before = {message.uid: message for message in self.messages if message.uid and message.flags is not None}
        answer, reported = self.client.ask(f"SELECT {self.name} (QRESYNC ({self.validity} {max(self.highest, 1)}))")
        assert answer.startswith(b"OK [READ-WRITE]"), answer
        gone = {uid for line in reported if b"(EARLIER)" in line for uid in numbers_of(line.rpartition(b" ")[2])}
        self.messages.clear()
        self._check(reported, "SELECT")
        Mirror.take(self, reported)
        count = len(self.messages)
        self.ask("FETCH 1:* (UID)") if count else None
        present = [message.uid for message in self.messages]
        assert not gone.intersection(present), "VANISHED buries a message that lives"
        assert not set(before) - set(present) - gone, "a message is gone without VANISHED"
        for message in self.messages:
            if message.flags is None and message.uid in before:
                message.flags = before[message.uid].flags
        # What the server did not name as changed must be as it was remembered.
        remembered = {message.uid: message.flags for message in self.messages}
        self.ask("FETCH 1:* (UID FLAGS)") if count else None
        for message in self.messages:
            was = remembered.get(message.uid)
            assert was is None or was == message.flags or not before, f"{message.uid}: {was} is {message.flags}"

    def ask(self, command: str) -> bytes:
        return self._ask(command)

    def search(self, command: str) -> list[int]:
        """The result of a SEARCH or UID SEARCH."""
        self.found = None
        assert self._ask(command).startswith(b"OK")
        assert self.found is not None, f"no answer to {command}"
        return self.found

    def take(self, reported: list[bytes]) -> None:
        self._check(reported, "")
        super().take(reported)

    def _ask(self, command: str) -> bytes:
        tag = self.client.begin(command)
        answer, reported = self.client.finish(tag)
        self._check(reported, command)
        Mirror.take(self, reported)
        self._note_highest(answer)
        if copied := _COPYUID.search(answer):
            assert len(numbers_of(copied[2])) == len(numbers_of(copied[3])), answer
        return answer

    def _check(self, reported: list[bytes], command: str) -> None:
        word = command.partition(" ")[0]
        moved = not any(b"COPYUID" in line for line in reported)
        for line in reported:
            is_expunge = line.endswith(b" EXPUNGE") or (line.startswith(b"* VANISHED ") and b"EARLIER" not in line)
            assert not (is_expunge and word in _UIDS_STAY), f"{line!r} during {command}"
            assert not (self.remembers and line.endswith(b" EXPUNGE")), line
            assert self.remembers or not line.startswith(b"* VANISHED"), line
            if self._is_rev2:
                assert not line.endswith(b" RECENT") and b"\\Recent" not in line, line
                assert not line.startswith(b"* SEARCH") and b"[UNSEEN" not in line, line
            if known := _FLAGS_LINE.match(line):
                self.keywords = frozenset(known[1].split())
            if shown := _FETCHED_FLAGS.match(line):
                assert frozenset(shown[1].split()) - {b"\\Recent"} <= self.keywords, f"{line!r} before its FLAGS"
            if word == "MOVE":
                assert not is_expunge or moved, f"{line!r} before COPYUID"
                moved = moved or b"COPYUID" in line
            self._note(line)

    def _note(self, line: bytes) -> None:
        if line.startswith(b"* OK [UIDVALIDITY "):
            self.validity = int(line.split()[3].rstrip(b"]"))
            self.highest = 0
        if modseq := _MODSEQ.search(line):
            self._seen_modseq = max(self._seen_modseq, int(modseq[1]))
        if highest := _HIGHEST.search(line):
            self.highest, self._seen_modseq = int(highest[1]), 0
        if searched := _SEARCHED.match(line):
            self.found = [int(number) for number in searched[1].split()]
        if searched := _ESEARCHED.match(line):
            self.found = numbers_of(searched[3] or b"")

    def _note_highest(self, answer: bytes) -> None:
        """RFC 7162 §6: what a tagged response states, or else the highest MODSEQ that was seen."""
        if highest := _HIGHEST.search(answer):
            self.highest = int(highest[1])
        else:
            self.highest = max(self.highest, self._seen_modseq)
        self._seen_modseq = 0
