"""What a trial over the mail of a window remembers, in place of the account's own memories, which it never touches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from shared.protocol.sieve.actions import SieveAction, TrackDuplicateAction, VacationAction
from shared.protocol.srs.inner import inner_sender

_SECOND = 1_000_000
_MOST = 200_000
"""Memories that are kept; the oldest are dropped first."""


class WindowMemory:
    """The mails that were seen and the senders that had an answer, at the times at which the mails came."""

    def __init__(self, default_seconds: int, most: int = _MOST) -> None:
        """`default_seconds` is how long a mail is remembered when the script does not say it (RFC 7352 §3)."""
        self._default_seconds = default_seconds
        self._most = most
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def is_duplicate(self, memory: str, now: int) -> bool:
        """Whether an earlier mail of the window has left this memory, and it has not expired."""
        return self._holds(_key("seen", memory), now)

    def remember(self, actions: Iterable[SieveAction], now: int) -> int:
        """Remember what the actions on a mail leave; returns how many senders would get an answer."""
        answers = 0
        for action in actions:
            match action:
                case TrackDuplicateAction(memory, seconds, is_last):
                    key = _key("seen", memory)
                    if is_last or not self._holds(key, now):
                        self._keep(key, now, self._default_seconds if seconds is None else seconds)
                case VacationAction(recipient, _, _, memory, seconds):
                    key = _key("answered", f"{memory} {inner_sender(recipient).lower()}")
                    if not (seconds and self._holds(key, now)):
                        answers += 1
                        self._keep(key, now, seconds)
                case _:
                    pass
        return answers

    def _holds(self, key: bytes, now: int) -> bool:
        return self._until.get(key, 0) > now

    def _keep(self, key: bytes, now: int, seconds: int) -> None:
        self._until.pop(key, None)
        self._until[key] = now + seconds * _SECOND
        if len(self._until) > self._most:
            self._until.popitem(last=False)


def _key(kind: str, memory: str) -> bytes:
    return blake2b(f"{kind} {memory}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
