"""Mails that can be distinguished, found again and compared: a token in the subject and a digest of the text."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass

TOKEN = re.compile(rb"^Subject: chaos ([a-z0-9.-]+)\r?$", re.MULTILINE)
_SMALL = (400, 16_000)
_BIG = (600_000, 2_500_000)
_BIG_SHARE = 0.01
_PATTERN = 40_000
_WORDS = tuple(
    "".join(random.Random(f"word {number}").choices("abcdefghijklmnoprstuvw", k=3 + number % 8))
    for number in range(3000)
)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """An attempt to send a mail. `accounts` are the accounts that it must reach exactly once."""

    token: str
    reverse_path: str
    recipients: tuple[str, ...]
    accounts: frozenset[str]
    remote: tuple[str, ...]
    """Recipients on other servers."""
    data: bytes
    """The mail in the form of RFC 5322, without the final dot; no line begins with a dot."""
    digest: str


def digest_of(text: bytes) -> str:
    """The digest of the text after the header."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def body(chance: random.Random) -> bytes:
    """A text of words, mostly a few hundred octets, at most some megabytes."""
    size = chance.randint(*(_BIG if chance.random() < _BIG_SHARE else _SMALL))
    lines = [" ".join(chance.choices(_WORDS, k=12)) for _ in range(max(1, min(size, _PATTERN) // 84))]
    text = ("\r\n".join([*lines, f"{chance.getrandbits(64):x}"]) + "\r\n").encode()
    return text * max(1, size // len(text))


def message(token: str, author: str, text: bytes) -> bytes:
    """A whole message."""
    header = (
        f"From: <{author}>\r\nTo: somebody\r\nSubject: chaos {token}\r\nMessage-ID: "
        f"<{token}@chaos.example>\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    )
    return header.encode() + b"\r\n" + text
