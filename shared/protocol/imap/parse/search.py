"""SEARCH: its options and the tree of its keys (RFC 3501 §6.4.4, RFC 4731, RFC 5182, RFC 5267, RFC 9394)."""

import re

from shared.protocol.imap.commands import Search, SearchReturn
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.search_leaf import LEAVES, Reader, SearchCursor
from shared.protocol.imap.parse.search_options import return_options
from shared.protocol.imap.parse.sets import sequence_set
from shared.protocol.imap.parse.strings import astring, utf8_text
from shared.protocol.imap.search_key import MAX_DEPTH, And, Fuzzy, Not, Or, SearchKey, SeqSet

# RFC 3501 §6.4.4 requires US-ASCII. US-ASCII, and a missing charset, are read as UTF-8, which includes it (RFC 9051
# §6.4.4).
CHARSETS = {
    "UTF-8": "utf-8",
    "US-ASCII": "utf-8",
    "ISO-8859-1": "iso8859-1",
    "ISO-8859-2": "iso8859-2",
    "ISO-8859-15": "iso8859-15",
    "WINDOWS-1250": "cp1250",
    "WINDOWS-1251": "cp1251",
    "WINDOWS-1252": "cp1252",
    "KOI8-R": "koi8-r",
    "KOI8-U": "koi8-u",
    "ISO-2022-JP": "iso2022_jp",
    "SHIFT_JIS": "shift_jis",
    "EUC-JP": "euc_jp",
    "EUC-KR": "euc_kr",
    "GB2312": "gb2312",
    "GBK": "gbk",
    "GB18030": "gb18030",
    "BIG5": "big5",
}

_CHARSET_WORD = re.compile(rb" CHARSET ", re.IGNORECASE)
_KEY_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9]*")
_NOT = re.compile(rb"NOT ", re.IGNORECASE)
_FUZZY = re.compile(rb"FUZZY ", re.IGNORECASE)
_OR = re.compile(rb"OR ", re.IGNORECASE)


def search(cursor: Cursor, tag: bytes) -> Search:
    return _search(cursor, tag, uid=False)


# uid = "UID" SP (copy / fetch / search / store)
def uid_search(cursor: Cursor, tag: bytes) -> Search:
    return _search(cursor, tag, uid=True)


# search = "SEARCH" [search-return-opts] SP search-program
def _search(cursor: Cursor, tag: bytes, uid: bool) -> Search:
    returns, partial = return_options(cursor)
    return Search(tag, search_program(cursor, returns), uid, returns, partial)


# search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
def search_program(cursor: Cursor, returns: frozenset[SearchReturn] | None) -> SearchKey:
    """The keys after an optional charset. Raises ImapSyntaxError."""
    codec = _charset(cursor, returns) if cursor.match(_CHARSET_WORD) else "utf-8"
    cursor.space()
    return _keys(cursor, codec)


def stored_program(value: bytes) -> SearchKey:
    """The keys of a search that is stored as a filter (RFC 5466 §4). Raises ImapSyntaxError."""
    cursor = Cursor(b" " + value)
    key = search_program(cursor, None)
    cursor.end()
    return key


# search-criteria = charset 1*(SP search-key)           ; RFC 5256 §5
def search_criteria(cursor: Cursor, returns: frozenset[SearchReturn] | None = None) -> SearchKey:
    """The keys after a charset, which SORT and THREAD require. Raises ImapSyntaxError."""
    codec = _charset(cursor, returns)
    cursor.space()
    return _keys(cursor, codec)


def _keys(cursor: Cursor, codec: str) -> SearchKey:
    keys = SearchCursor(cursor, codec)
    key = _search_keys(keys)
    cursor.pos = keys.pos
    return key


def _charset(cursor: Cursor, returns: frozenset[SearchReturn] | None) -> str:
    codec = CHARSETS.get(utf8_text(astring(cursor)).upper())
    if codec is None:
        saves = returns is not None and SearchReturn.SAVE in returns
        code = f"BADCHARSET ({' '.join(CHARSETS)})".encode()
        raise ImapSyntaxError("Unknown charset", condition="NO", code=code, clears_saved=saves)  # RFC 3501 §6.4.4
    return codec


# search-key *(SP search-key)           ; all of them must match
def _search_keys(cursor: SearchCursor) -> SearchKey:
    keys = [_search_key(cursor)]
    while cursor.accept(b" "):
        keys.append(_search_key(cursor))
    return keys[0] if len(keys) == 1 else And(tuple(keys))


# search-key = "ALL" / ... / "NOT" SP search-key / "OR" SP search-key SP search-key
#            / sequence-set / "(" search-key *(SP search-key) ")" / "FUZZY" SP search-key      ; RFC 6203 §6
def _search_key(cursor: SearchCursor) -> SearchKey:
    # A chain of NOTs and FUZZYs is counted, not nested.
    negated = fuzzy = False
    while True:
        if cursor.match(_NOT):
            negated = not negated
        elif cursor.match(_FUZZY):
            fuzzy = True
        else:
            break
    key = _plain_key(cursor)
    key = Fuzzy(key) if fuzzy else key
    return Not(key) if negated else key


def _plain_key(cursor: SearchCursor) -> SearchKey:
    cursor.keys_left -= 1
    if cursor.keys_left < 0:
        raise ImapSyntaxError("Too many search keys")
    if cursor.accept(b"("):
        return _read_nested(cursor, _group)
    if cursor.match(_OR):
        return _read_nested(cursor, _or)
    word = cursor.match(_KEY_WORD)
    return _leaf(cursor, word[0].upper()) if word else SeqSet(sequence_set(cursor))


def _leaf(cursor: SearchCursor, word: bytes) -> SearchKey:
    reader = LEAVES.get(word)
    if reader is None:
        raise ImapSyntaxError("Unknown search key")
    return reader(cursor)


def _read_nested(cursor: SearchCursor, reader: Reader) -> SearchKey:
    cursor.depth += 1
    if cursor.depth > MAX_DEPTH:
        raise ImapSyntaxError("Search keys are nested too deep")
    key = reader(cursor)
    cursor.depth -= 1
    return key


# "(" search-key *(SP search-key) ")"
def _group(cursor: SearchCursor) -> SearchKey:
    key = _search_keys(cursor)
    cursor.expect(b")")
    return key


# "OR" SP search-key SP search-key
def _or(cursor: SearchCursor) -> SearchKey:
    keys = [_or_operand(cursor)]
    # An OR as the last operand of an OR continues the chain, so that long chains are not nested.
    while cursor.match(_OR):
        keys.append(_or_operand(cursor))
    keys.append(_search_key(cursor))
    return Or(tuple(keys))


def _or_operand(cursor: SearchCursor) -> SearchKey:
    key = _search_key(cursor)
    cursor.space()
    return key
