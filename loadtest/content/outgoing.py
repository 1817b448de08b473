"""Mail that a user of the server sends to another server: one text, always of the same size."""

from __future__ import annotations

import random
from email.utils import formatdate

from loadtest.content import prose, vocabulary
from loadtest.content.entity import rendered_fields
from loadtest.content.mail import EPOCH, Mail

_SPARE = 600
"""Characters of text that are made beyond the size, because sentences vary in length."""


def outgoing(seed: int, number: int, author: str, recipient: str, size: int) -> Mail:
    """Mail `number` of `size` octets with its header; it always has the same bytes. Raises ValueError below 500."""
    if size < 500:
        raise ValueError("a mail of less than 500 octets has no room for its header and a line")
    chance = random.Random(f"outgoing {seed}:{number}")
    words = vocabulary.ordinary()
    at = EPOCH + number % 86_400
    header = rendered_fields(
        [
            (b"From", f"<{author}>".encode()),
            (b"To", f"<{recipient}>".encode()),
            (b"Subject", " ".join(words.draw(chance, 5)).capitalize().encode()),
            (b"Date", formatdate(at).encode()),
            (b"Message-ID", f"<{seed}.{number}.{chance.getrandbits(64):016x}@{author.partition('@')[2]}>".encode()),
            (b"MIME-Version", b"1.0"),
            (b"Content-Type", b"text/plain; charset=us-ascii"),
        ]
    )
    room = size - len(header) - len(b"\r\n\r\n")
    text = prose.plain(prose.paragraphs(chance, words, room + _SPARE)).encode()
    body = text[:room].replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")
    data = header + b"\r\n" + body + b"\r\n"
    return Mail(number, 0, author, recipient, data, spam=False, signed=False)
