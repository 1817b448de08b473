"""Keys: what facts are found by, as 64-bit numbers, so that the index stays small. What a key finds is compared with its text afterwards."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b


class Kind(StrEnum):
    """What a key stands for; the kinds do not mix."""

    MAIL = "m"
    """What a trace begins with: a queue id, Message-ID, reference, entry or content id."""
    WHO = "w"
    """An address, an account, a user, a session, a host."""
    LIFE = "l"
    """A mailbox: finds what happened later to the messages in it."""


def key_of(kind: Kind, text: str) -> int:
    """The key of a text, without regard to case."""
    digest = blake2b((kind.value + text.casefold()).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def bare(message_id: str) -> str:
    """A Message-ID without its angle brackets (RFC 5322 3.6.4)."""
    return message_id.strip().removeprefix("<").removesuffix(">")
