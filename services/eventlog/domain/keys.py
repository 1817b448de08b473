"""Keys by which events are found: 64-bit hashes, so that the index stays small.

Events found by a key are compared with the text afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_POSITION_BITS = 48


MAIL: Final = "m"
"""The kind of keys with which a trace begins: a queue id, Message-ID, reference, entry id or content id."""
WHO: Final = "w"
"""The kind of keys for addresses, accounts, users, sessions and hosts."""
LIFE: Final = "l"
"""The kind of keys for mailboxes, by which the later events about their messages are found."""


@lru_cache(maxsize=8192)
def key_of(kind: str, text: str) -> int:
    """The key of a text, without regard to case; equal texts of different kinds have different keys."""
    digest = blake2b((kind + text.casefold()).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def key_of_event(origin: int, position: int) -> int:
    """The key of an event's own id, which is computed without hashing a text."""
    return origin << _POSITION_BITS | position & (1 << _POSITION_BITS) - 1


def bare(message_id: str) -> str:
    """A Message-ID without its angle brackets (RFC 5322 §3.6.4)."""
    return message_id.strip().removeprefix("<").removesuffix(">")
