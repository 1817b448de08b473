"""SORT, THREAD and CANCELUPDATE (RFC 5256 §5, RFC 5957, RFC 5267 §5)."""

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.ordering_commands import (
    CancelUpdate,
    Sort,
    SortCriterion,
    SortField,
    Thread,
    ThreadAlgorithm,
)
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.search import search_criteria
from shared.protocol.imap.parse.search_options import return_options
from shared.protocol.imap.parse.strings import keyword, string

_FIELDS = {field.value: field for field in SortField}
_ALGORITHMS = {algorithm.value: algorithm for algorithm in ThreadAlgorithm}
_MOST_TAGS = 1000


# sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria
def sort(cursor: Cursor, tag: bytes) -> Sort:
    return _sort(cursor, tag, uid=False)


def uid_sort(cursor: Cursor, tag: bytes) -> Sort:
    return _sort(cursor, tag, uid=True)


def _sort(cursor: Cursor, tag: bytes, uid: bool) -> Sort:
    returns, partial = return_options(cursor)
    cursor.space()
    first: dict[SortField, SortCriterion] = {}
    for criterion in parenthesised(cursor, _criterion):
        first.setdefault(criterion.field, criterion)
    cursor.space()
    return Sort(tag, tuple(first.values()), search_criteria(cursor, returns), uid, returns, partial)


# sort-criterion = ["REVERSE" SP] sort-key
def _criterion(cursor: Cursor) -> SortCriterion:
    word = keyword(cursor)
    reverse = word == b"REVERSE"
    if reverse:
        cursor.space()
        word = keyword(cursor)
    field = _FIELDS.get(word)
    if field is None:
        raise ImapSyntaxError("Unknown sort criterion")
    return SortCriterion(field, reverse)


# thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
def thread(cursor: Cursor, tag: bytes) -> Thread:
    return _thread(cursor, tag, uid=False)


def uid_thread(cursor: Cursor, tag: bytes) -> Thread:
    return _thread(cursor, tag, uid=True)


def _thread(cursor: Cursor, tag: bytes, uid: bool) -> Thread:
    cursor.space()
    algorithm = _ALGORITHMS.get(keyword(cursor))
    if algorithm is None:
        raise ImapSyntaxError("Unknown threading algorithm")
    cursor.space()
    return Thread(tag, algorithm, search_criteria(cursor), uid)


# command-select =/ "CANCELUPDATE" 1*(SP quoted)
def cancel_update(cursor: Cursor, tag: bytes) -> CancelUpdate:
    tags: list[bytes] = []
    while not tags or not cursor.at_end():
        cursor.space()
        tags.append(string(cursor))
        if len(tags) > _MOST_TAGS:
            raise ImapSyntaxError("Too many tags")
    return CancelUpdate(tag, tuple(tags))
