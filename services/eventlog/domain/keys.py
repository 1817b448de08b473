"""Keys: what events are found by, as 64-bit numbers, so that the index stays small. What a key finds is compared with
its text afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

_POSITION_BITS = 48


MAIL: Final = "m"
"""Keys that a trace begins with: a queue id, Message-ID, reference, entry or content id."""
WHO: Final = "w"
"""An address, an account, a user, a session, a host."""
LIFE: Final = "l"
"""A mailbox: finds what happened later to the messages in it."""


@lru_cache(maxsize=8192)
def key_of(kind: str, text: str) -> int:
    """The key of a text of a kind (MAIL, WHO, LIFE), without regard to case; the kinds do not mix."""
    digest = blake2b((kind + text.casefold()).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def key_of_event(origin: int, position: int) -> int:
    """The key of an event's own id: no text to be hashed."""
    return origin << _POSITION_BITS | position & (1 << _POSITION_BITS) - 1


def bare(message_id: str) -> str:
    """A Message-ID without its angle brackets (RFC 5322 3.6.4)."""
    return message_id.strip().removeprefix("<").removesuffix(">")
