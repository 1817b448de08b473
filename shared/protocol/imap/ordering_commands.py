"""SORT and THREAD (RFC 5256, RFC 5267 §3, RFC 5957), and CANCELUPDATE (RFC 5267 §4.3.5)."""

from enum import Enum

import msgspec

from shared.protocol.imap.commands import Command, PartialRange, SearchReturn
from shared.protocol.imap.search_key import SearchKey


class SortField(Enum):
    """What SORT compares (RFC 5256 §3; DISPLAYFROM and DISPLAYTO: RFC 5957 §2; RELEVANCY: RFC 6203 §6)."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    FROM = b"FROM"
    RELEVANCY = b"RELEVANCY"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


class SortCriterion(msgspec.Struct, frozen=True):
    """A field to compare, descending when `reverse`."""

    field: SortField
    reverse: bool = False


class Sort(Command, frozen=True):
    """SORT; `returns` is None for the old form, which is answered by `* SORT`.

    A field that is compared twice is named once: the second comparison would find equal messages only.
    """

    criteria: tuple[SortCriterion, ...]
    key: SearchKey
    uid: bool = False
    returns: frozenset[SearchReturn] | None = None
    partial: PartialRange | None = None


class ThreadAlgorithm(Enum):
    """How THREAD finds threads (RFC 5256 §3; REFS: draft-ietf-morg-inthread)."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
    REFS = b"REFS"


class Thread(Command, frozen=True):
    """THREAD."""

    algorithm: ThreadAlgorithm
    key: SearchKey
    uid: bool = False


class CancelUpdate(Command, frozen=True):
    """CANCELUPDATE with the tags of the commands whose updates end."""

    tags: tuple[bytes, ...]
