"""The unique ids of a former server, and the messages here that had them (RFC 1939 §7).

A list has a line for each message in the order of the former server's UIDL: the unique id, and, where messages are
known by it, the Message-ID or the size in octets. Empty lines and lines that begin with `#` are left out.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOST_LINES = 1_000_000


class KnownBy(enum.StrEnum):
    """What says which message is which."""

    MESSAGE_ID = "message-id"
    SIZE = "size"
    ORDER = "order"


class FormerIdError(ValueError):
    """The list cannot be used; the text says which line and why."""


class FormerId(NamedTuple):
    """A line of the list."""

    unique_id: str
    key: str
    """The Message-ID without angle brackets, or the size; empty where the order says it."""


class NumberedMessage(NamedTuple):
    """A message that is here, in the order of the mailbox."""

    uid: int
    entry: str
    unique_id: str
    message_id: str
    octets: int


class MatchedIds(NamedTuple):
    """What belongs together, and what nothing belongs to."""

    pairs: list[tuple[NumberedMessage, str]]
    """Messages with the unique ids that they had."""
    left_over: list[FormerId]


def read_former_ids(lines: Iterable[str], known_by: KnownBy) -> list[FormerId]:
    """The lines of a list. Raises FormerIdError."""
    former: list[FormerId] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        former.append(_line(number, words, known_by))
        if former[-1].unique_id in seen:
            raise FormerIdError(f"line {number}: the unique id {words[0]!r} is there twice")
        if len(former) > MOST_LINES:
            raise FormerIdError(f"a list has at most {MOST_LINES} lines")
        seen.add(words[0])
    return former


def match_former_ids(former: Sequence[FormerId], present: Sequence[NumberedMessage], known_by: KnownBy) -> MatchedIds:
    """Find the messages that had these unique ids. Raises FormerIdError when the order cannot say it.

    Of several messages with one Message-ID, or of one size, the first line means the first message, and so on.
    """
    if known_by is KnownBy.ORDER and len(former) != len(present):
        raise FormerIdError(
            f"the order says which message is which only where the numbers agree: the list has {len(former)} lines,"
            f" INBOX has {len(present)} messages"
        )
    waiting: defaultdict[str, list[NumberedMessage]] = defaultdict(list)
    for message in reversed(present):
        waiting[_key(message, known_by)].append(message)
    pairs, left_over = [], []
    for line in former:
        candidates = waiting.get(line.key)
        if candidates:
            pairs.append((candidates.pop(), line.unique_id))
        else:
            left_over.append(line)
    return MatchedIds(pairs, left_over)


def _line(number: int, words: Sequence[str], known_by: KnownBy) -> FormerId:
    unique_id = words[0]
    if not (1 <= len(unique_id) <= 70 and all("\x21" <= character <= "\x7e" for character in unique_id)):
        raise FormerIdError(f"line {number}: a unique id has 1 to 70 visible ASCII characters")
    if known_by is KnownBy.ORDER:
        if len(words) > 1:
            raise FormerIdError(f"line {number}: a unique id alone is expected, where the order counts")
        return FormerId(unique_id, "")
    if len(words) != 2:
        raise FormerIdError(f"line {number}: a unique id and a {known_by.value} are expected")
    key = words[1].removeprefix("<").removesuffix(">") if known_by is KnownBy.MESSAGE_ID else words[1]
    if known_by is KnownBy.SIZE and not (key.isascii() and key.isdigit()):
        raise FormerIdError(f"line {number}: {key!r} is no size in octets")
    return FormerId(unique_id, key.lstrip("0") or "0" if known_by is KnownBy.SIZE else key)


def _key(message: NumberedMessage, known_by: KnownBy) -> str:
    match known_by:
        case KnownBy.MESSAGE_ID:
            return message.message_id
        case KnownBy.SIZE:
            return str(message.octets)
        case KnownBy.ORDER:
            return ""
