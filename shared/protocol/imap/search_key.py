"""The criteria of a SEARCH, as a tree of values (RFC 3501 §6.4.4)."""

from collections.abc import Callable
from datetime import date
from typing import Literal

import msgspec

from shared.protocol.imap.sequence import SequenceSet

MAX_DEPTH = 40
"""How deep keys may be nested; chains of OR and of NOT are flattened and do not count."""
MAX_KEYS = 2000
"""How many keys one SEARCH may contain."""

DateTest = Literal["BEFORE", "ON", "SINCE"]


class All(msgspec.Struct, frozen=True):
    """Every message."""


class And(msgspec.Struct, frozen=True):
    """All of these keys match; there are at least two."""

    keys: "tuple[SearchKey, ...]"


class Or(msgspec.Struct, frozen=True):
    """Any of these keys matches; there are at least two (`OR a OR b c` is one Or of three)."""

    keys: "tuple[SearchKey, ...]"


class Not(msgspec.Struct, frozen=True):
    """The key does not match."""

    key: "SearchKey"


class Fuzzy(msgspec.Struct, frozen=True):
    """The key matches fuzzily (RFC 6203 §3): its texts are compared by words."""

    key: "SearchKey"


class Flag(msgspec.Struct, frozen=True):
    """The flag is set, or is not: SEEN, UNSEEN, RECENT, OLD, KEYWORD, UNKEYWORD ..."""

    flag: str
    is_set: bool = True


class Header(msgspec.Struct, frozen=True):
    """A header field contains the text, without regard to case; an empty text asks whether the field exists.

    FROM, TO, CC, BCC and SUBJECT are such keys as well.
    """

    field: str
    text: str


class Body(msgspec.Struct, frozen=True):
    """The body contains the text."""

    text: str


class Text(msgspec.Struct, frozen=True):
    """Header or body contain the text."""

    text: str


class Uid(msgspec.Struct, frozen=True):
    """The UID is in the set."""

    uids: SequenceSet


class SeqSet(msgspec.Struct, frozen=True):
    """The sequence number is in the set, or the message is in the saved result `$`."""

    numbers: SequenceSet


class InternalDate(msgspec.Struct, frozen=True):
    """The internal date, without regard to time and zone."""

    test: DateTest
    day: date


class SentDate(msgspec.Struct, frozen=True):
    """The Date field, without regard to time and zone."""

    test: DateTest
    day: date


class SavedDate(msgspec.Struct, frozen=True):
    """The date on which the message came into this mailbox, without regard to time and zone (RFC 8514 §4.3)."""

    test: DateTest
    day: date


class NamedFilter(msgspec.Struct, frozen=True):
    """The search that is stored by this name (RFC 5466); the session replaces it before it searches."""

    name: str


class Larger(msgspec.Struct, frozen=True):
    """RFC822.SIZE above this many octets."""

    octets: int


class Smaller(msgspec.Struct, frozen=True):
    """RFC822.SIZE below this many octets."""

    octets: int


class Older(msgspec.Struct, frozen=True):
    """Internal date at least this many seconds ago (RFC 5032)."""

    seconds: int


class Younger(msgspec.Struct, frozen=True):
    """Internal date at most this many seconds ago (RFC 5032)."""

    seconds: int


class Modseq(msgspec.Struct, frozen=True):
    """The message changed at this MODSEQ or later (RFC 7162 §3.1.5).

    Entry name and type are accepted and ignored, as the RFC allows.
    """

    modseq: int


class EmailId(msgspec.Struct, frozen=True):
    """The content has this id (RFC 8474)."""

    email_id: str


class ThreadId(msgspec.Struct, frozen=True):
    """The message belongs to this thread (RFC 8474)."""

    thread_id: str


SearchKey = (
    All
    | And
    | Or
    | Not
    | Fuzzy
    | Flag
    | Header
    | Body
    | Text
    | Uid
    | SeqSet
    | InternalDate
    | SentDate
    | SavedDate
    | NamedFilter
    | Larger
    | Smaller
    | Older
    | Younger
    | Modseq
    | EmailId
    | ThreadId
)


def uses_numbers(key: SearchKey) -> bool:
    """Whether any key is a set of sequence numbers, or `$`."""
    return _any(key, lambda leaf: isinstance(leaf, SeqSet) or (isinstance(leaf, Uid) and leaf.uids.saved))


def uses_filters(key: SearchKey) -> bool:
    """Whether any key is the name of a stored search."""
    return _any(key, lambda leaf: isinstance(leaf, NamedFilter))


def uses_modseq(key: SearchKey) -> bool:
    """Whether any key is MODSEQ; the response then contains the highest MODSEQ (RFC 7162 §3.1.5)."""
    return _any(key, lambda leaf: isinstance(leaf, Modseq))


def uses_fuzzy(key: SearchKey) -> bool:
    """Whether any key is FUZZY, so that there are relevancy scores (RFC 6203 §4)."""
    return _any(key, lambda leaf: isinstance(leaf, Fuzzy))


def names_numbers(key: SearchKey) -> bool:
    """Whether any key is a set of sequence numbers; `$` is none."""
    return _any(key, lambda leaf: isinstance(leaf, SeqSet) and not leaf.numbers.saved)


def _any(key: SearchKey, holds: Callable[[SearchKey], bool]) -> bool:
    """Whether something holds for the key or for one in it."""
    if holds(key):
        return True
    match key:
        case And(keys) | Or(keys):
            return any(_any(inner, holds) for inner in keys)
        case Not(inner) | Fuzzy(inner):
            return _any(inner, holds)
        case _:
            return False
