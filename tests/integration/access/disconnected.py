"""An offline client: it keeps a cache of a mailbox, and updates it with QRESYNC when it reconnects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.integration.access.imap_client import ImapClient

Flags = frozenset[bytes]

_COUNT = re.compile(rb"\* ([0-9]+) EXISTS\Z")
_CODE = re.compile(rb"(?:\* )?OK \[(HIGHESTMODSEQ|UIDVALIDITY|UIDNEXT) ([0-9]+)\]")
_FETCH = re.compile(rb"\* ([0-9]+) FETCH \((.*)\)\Z", re.DOTALL)
_UID = re.compile(rb"UID ([0-9]+)")
_MODSEQ = re.compile(rb"MODSEQ \(([0-9]+)\)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_VANISHED = re.compile(rb"\* VANISHED (\(EARLIER\) )?([0-9:,]+)\Z")


def ranges(text: bytes) -> Iterator[int]:
    """Every number of a sequence-set without `*`."""
    for element in text.split(b","):
        first, _, last = element.partition(b":")
        yield from range(int(first), int(last or first) + 1)


class DisconnectedClient:
    """Believes only what the responses say; its MODSEQ follows RFC 7162 §6 exactly."""

    def __init__(self, connect: Callable[[], ImapClient]) -> None:
        self._connect = connect
        self.cache: dict[int, Flags] = {}
        self.validity = 0
        self.modseq = 0
        self._asked = 0
        """The UID up to which every message was requested; a FETCH response about a later one may come before its
        neighbours."""
        self._client: ImapClient | None = None
        self._codes: dict[bytes, int] = {}
        self._modseqs: list[int] = []
        self.exists = 0

    # -- connections

    def come_back(self, *, with_known_uids: bool) -> None:
        """Connect again; the cache equals the mailbox when this returns."""
        self._client = self._connect()
        self._client.ok("ENABLE QRESYNC")
        self._codes, self._modseqs, self.exists = {}, [], 0
        parameter = ""
        if self.modseq:
            known = f" 1:{max(self.cache)}" if with_known_uids and self.cache else ""
            parameter = f" (QRESYNC ({self.validity} {self.modseq}{known}))"
        self.ask(f"SELECT INBOX{parameter}")
        self.learn()

    def drop(self) -> None:
        """Close the connection without LOGOUT."""
        assert self._client is not None
        self._client.close()
        self._client = None

    @property
    def client(self) -> ImapClient:
        """The connection."""
        assert self._client is not None
        return self._client

    def learn(self) -> None:
        """Request the messages that have arrived."""
        if len(self.cache) < self.exists:
            self.ask(f"UID FETCH {self._asked + 1}:* (FLAGS)")
        self._asked = max([self._asked, *self.cache])

    # -- commands

    def ask(self, command: str) -> bytes:
        """Send a command; returns the tagged response, after the cache took in all responses."""
        return self.finish(self.client.begin(command))

    def finish(self, tag: bytes) -> bytes:
        """The same for a command that was already sent."""
        answer, untagged = self.client.finish(tag)
        for line in untagged:
            self._take(line)
        self._take_code(answer)
        self._reckon()
        return answer

    def store(self, uid: int, sign: str, flag: bytes, *, by_uid: bool, silent: bool) -> None:
        """STORE of one message; with .SILENT the client computes the flags itself."""
        before = self.cache[uid]
        number = uid if by_uid else self.number(uid)
        silence = ".SILENT" if silent else ""
        answer = self.ask(f"{'UID ' if by_uid else ''}STORE {number} {sign}FLAGS{silence} ({flag.decode()})")
        if silent and answer.startswith(b"OK") and self.cache.get(uid) is before:
            self.cache[uid] = before | {flag} if sign == "+" else before - {flag}

    def number(self, uid: int) -> int:
        """The sequence number of a cached message."""
        return sorted(self.cache).index(uid) + 1

    # -- responses

    def _take(self, line: bytes) -> None:
        if count := _COUNT.match(line):
            self.exists = int(count[1])
        elif fetched := _FETCH.match(line):
            self._fetched(fetched[2])
        elif gone := _VANISHED.match(line):
            self._vanished(list(ranges(gone[2])), earlier=bool(gone[1]))
        else:
            self._take_code(line)

    def _take_code(self, line: bytes) -> None:
        if code := _CODE.match(line):
            self._codes[code[1]] = int(code[2])
            if code[1] == b"UIDVALIDITY":
                self._valid_for(int(code[2]))

    def _valid_for(self, validity: int) -> None:
        if self.validity not in (0, validity):
            self.cache.clear()
        self.validity = validity

    def _fetched(self, items: bytes) -> None:
        modseq, uid, flags = _MODSEQ.search(items), _UID.search(items), _FLAGS.search(items)
        if modseq:
            self._modseqs.append(int(modseq[1]))
        if uid and flags:
            self.cache[int(uid[1])] = frozenset(flags[1].split()) - {b"\\Recent"}

    def _vanished(self, uids: list[int], *, earlier: bool) -> None:
        for uid in uids:
            self.cache.pop(uid, None)
        if not earlier:
            self.exists -= len(uids)

    def _reckon(self) -> None:
        """RFC 7162 §6: a HIGHESTMODSEQ code counts even when a higher MODSEQ was seen."""
        highest = self._codes.pop(b"HIGHESTMODSEQ", 0)
        self.modseq = highest or max([self.modseq, *self._modseqs])
        self._modseqs.clear()
