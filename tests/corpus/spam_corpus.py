"""The messages of the SpamAssassin public corpus: without mbox lines, with CRLF, each body once."""

from __future__ import annotations

import hashlib
import random
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

ARCHIVE = Path("spam") / "spamassassin.tar.xz"


class RenderedMail(NamedTuple):
    """A message of the corpus. `kind` is its folder: easy_ham_1, easy_ham_2, hard_ham_1, spam_1, spam_2."""

    kind: str
    name: str
    body: bytes

    @property
    def is_spam(self) -> bool:
        """Whether the people who made the corpus called it spam."""
        return self.kind.startswith("spam")


class Labelled(Protocol):
    """An object that people have labelled as spam or ham."""

    @property
    def is_spam(self) -> bool: ...


T = TypeVar("T", bound=Labelled)


def split(corpus: Sequence[T], count: int, seed: int) -> tuple[list[T], list[T]]:
    """Choose `count` spam and `count` ham by a fixed seed, alternating, and return all others too.

    A smaller `count` gives the first of the lessons of a larger one.
    """
    order = list(corpus)
    random.Random(seed).shuffle(order)
    spam = [entry for entry in order if entry.is_spam]
    ham = [entry for entry in order if not entry.is_spam]
    lessons = [entry for two in zip(spam[:count], ham[:count], strict=True) for entry in two]
    return lessons, spam[count:] + ham[count:]


def mails(archive: Path) -> list[RenderedMail]:
    """The messages in a fixed order; of messages with the same body (except for white space) only the first."""
    unique: dict[bytes, RenderedMail] = {}
    for mail in sorted(_all(archive)):
        unique.setdefault(_body_key(mail.body), mail)
    return list(unique.values())


def _all(archive: Path) -> Iterator[RenderedMail]:
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                path = Path(member.name)
                yield RenderedMail(path.parent.name, path.name, _as_sent(file.read()))


def _as_sent(raw: bytes) -> bytes:
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _body_key(message: bytes) -> bytes:
    return hashlib.blake2b(b" ".join(message.partition(b"\r\n\r\n")[2].split()), digest_size=16).digest()
