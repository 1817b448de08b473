"""The state of a mailbox as a client knows it from the responses alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.integration.access.imap_client import ImapClient

_COUNT = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE)\Z")
_FETCH = re.compile(rb"\* ([0-9]+) FETCH \((.*)\)\Z", re.DOTALL)
_UID = re.compile(rb"UID ([0-9]+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_VANISHED = re.compile(rb"\* VANISHED ([0-9:,]+)\Z")

Flags = frozenset[bytes]


@dataclass
class Message:
    """One message; an attribute that is not yet known is None."""

    uid: int | None = None
    flags: Flags | None = None


@dataclass
class Mirror:
    """Applies responses in order, and fails on any that cannot be right."""

    client: ImapClient
    messages: list[Message] = field(default_factory=list)
    recent: set[int] = field(default_factory=set)
    """UIDs that were \\Recent since the mailbox was selected."""

    def select(self, mailbox: str) -> None:
        """Select this mailbox."""
        self.messages.clear()
        self.recent.clear()
        self.take(self.client.ok(f"SELECT {mailbox}"))
        self.learn()

    def ask(self, command: str) -> bytes:
        """Send a command; returns its response, after all responses were applied."""
        answer, reported = self.client.ask(command)
        self.take(reported)
        return answer

    def append(self, message: bytes, mailbox: str) -> None:
        """APPEND."""
        self.take(self.client.append(message, mailbox))

    def store(self, number: int, sign: str, flag: str, *, silent: bool) -> None:
        """STORE of one message; with .SILENT the client computes the flags itself."""
        known = self.messages[number - 1]
        before = known.flags
        answer = self.ask(f"STORE {number} {sign}FLAGS{'.SILENT' if silent else ''} ({flag})")
        assert answer.startswith((b"OK", b"NO [EXPUNGEISSUED]")), answer
        # The server sent the flags when they differ from what the client can compute.
        if silent and answer.startswith(b"OK") and known.flags is before and before is not None:
            entry = frozenset((flag.encode(),))
            known.flags = before | entry if sign == "+" else before - entry

    def learn(self) -> None:
        """Request what is not yet known."""
        first = next(
            (at for at, message in enumerate(self.messages, 1) if message.flags is None or message.uid is None), 0
        )
        if first:
            self.ask(f"FETCH {first}:* (UID FLAGS)")

    def take(self, reported: list[bytes]) -> None:
        """Apply responses in their order."""
        for line in reported:
            if count := _COUNT.match(line):
                self._counted(int(count[1]), count[2])
            elif fetched := _FETCH.match(line):
                self._fetched(int(fetched[1]), fetched[2])
            elif gone := _VANISHED.match(line):
                self._vanished(gone[1])

    def _counted(self, number: int, what: bytes) -> None:
        if what == b"EXPUNGE":
            assert 1 <= number <= len(self.messages), f"EXPUNGE {number} of {len(self.messages)}"
            del self.messages[number - 1]
            return
        assert number >= len(self.messages), f"EXISTS {number} after {len(self.messages)}"
        self.messages += [Message() for _ in range(number - len(self.messages))]

    def _fetched(self, number: int, items: bytes) -> None:
        assert number <= len(self.messages), f"FETCH {number} of {len(self.messages)}"
        message = self.messages[number - 1]
        if uid := _UID.search(items):
            assert message.uid in (None, int(uid[1])), f"{number} was UID {message.uid}, is {items!r}"
            message.uid = int(uid[1])
        if flags := _FLAGS.search(items):
            message.flags = frozenset(flags[1].split()) - {b"\\Recent"}
            if b"\\Recent" in flags[1] and message.uid:
                self.recent.add(message.uid)

    def _vanished(self, ranges: bytes) -> None:
        gone: set[int] = set()
        for word in ranges.split(b","):
            first, _, last = word.partition(b":")
            gone |= set(range(int(first), int(last or first) + 1))
        # RFC 7162 §3.2.10: each UID is one message less, even if the client never requested its UID.
        unknown = len(gone - {message.uid for message in self.messages})
        kept = [message for message in self.messages if message.uid not in gone]
        strangers = [at for at, message in enumerate(kept) if message.uid is None]
        assert unknown <= len(strangers), f"VANISHED {ranges!r} is not here"
        self.messages = [message for at, message in enumerate(kept) if at not in strangers[:unknown]]
