"""Search keys that contain no other keys (RFC 3501 §6.4.4, RFC 5032, RFC 7162, RFC 8474, RFC 8514,
RFC 5466)."""

import re
from collections.abc import Callable

from shared.protocol.imap.dates import parse_date
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.flags import ANSWERED, DELETED, DRAFT, FLAGGED, RECENT, SEEN, InvalidFlag, canonical_flag
from shared.protocol.imap.number_set import MAX_NUMBER
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.sets import sequence_set
from shared.protocol.imap.parse.strings import astring, atom, number64, nz_number
from shared.protocol.imap.search_key import (
    MAX_KEYS,
    All,
    And,
    Body,
    DateTest,
    EmailId,
    Flag,
    Header,
    InternalDate,
    Larger,
    Modseq,
    NamedFilter,
    Older,
    SavedDate,
    SearchKey,
    SentDate,
    Smaller,
    Text,
    ThreadId,
    Uid,
    Younger,
)
from shared.protocol.imap.sequence import SequenceSet

# date = date-text / DQUOTE date-text DQUOTE
_DATE = re.compile(rb'"[0-9A-Za-z-]+"|[0-9A-Za-z-]+')
# entry-name = DQUOTE "/flags/" attr-flag DQUOTE ; entry-type-req = "priv" / "shared" / "all"      ; RFC 7162 §3.1.5
_MODSEQ_ENTRY = re.compile(rb'"/flags/[^"\\\r\n\0]*(?:\\["\\][^"\\\r\n\0]*)*" (?:priv|shared|all) ', re.IGNORECASE)
# objectid = 1*255(ALPHA / DIGIT / "_" / "-")
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")


class SearchCursor(Cursor):
    """The cursor of one SEARCH, with its charset and its remaining limits."""

    __slots__ = ("codec", "depth", "keys_left")

    def __init__(self, cursor: Cursor, codec: str) -> None:
        super().__init__(cursor.data, cursor.pos, cursor.utf8)
        self.codec = codec
        self.depth = 0
        self.keys_left = MAX_KEYS


Reader = Callable[[SearchCursor], SearchKey]


def _text(cursor: SearchCursor) -> str:
    cursor.space()
    try:
        return astring(cursor).decode(cursor.codec)
    except UnicodeDecodeError:
        raise ImapSyntaxError("Text does not fit the charset") from None


def _constant(key: SearchKey) -> Reader:
    return lambda cursor: key


# "FROM" SP astring and the like
def _address(field: str) -> Reader:
    return lambda cursor: Header(field, _text(cursor))


# "BEFORE" SP date / "ON" SP date / "SINCE" SP date
def _internal_date(test: DateTest) -> Reader:
    return lambda cursor: InternalDate(test, parse_date(_date(cursor)))


# "SENTBEFORE" SP date / "SENTON" SP date / "SENTSINCE" SP date
def _sent_date(test: DateTest) -> Reader:
    return lambda cursor: SentDate(test, parse_date(_date(cursor)))


def _date(cursor: SearchCursor) -> bytes:
    cursor.space()
    return cursor.need(_DATE, "Expected a date").strip(b'"')


# "KEYWORD" SP flag-keyword / "UNKEYWORD" SP flag-keyword
def _keyword(is_set: bool) -> Reader:
    return lambda cursor: Flag(_flag_keyword(cursor), is_set)


def _flag_keyword(cursor: SearchCursor) -> str:
    cursor.space()
    try:
        return canonical_flag(atom(cursor).decode("ascii"))
    except InvalidFlag as error:
        raise ImapSyntaxError(str(error)) from None


# "HEADER" SP header-fld-name SP astring
def _header(cursor: SearchCursor) -> SearchKey:
    field = _text(cursor)
    return Header(field, _text(cursor))


# "SAVEDBEFORE" SP date / "SAVEDON" SP date / "SAVEDSINCE" SP date             ; RFC 8514 §5
def _saved_date(test: DateTest) -> Reader:
    return lambda cursor: SavedDate(test, parse_date(_date(cursor)))


# "FILTER" SP filter-name ; filter-name = 1*<any ATOM-CHAR except "/">          ; RFC 5466 §4
def _named_filter(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    name = atom(cursor).decode("ascii")
    if "/" in name:
        raise ImapSyntaxError("The name of a filter has no /")
    return NamedFilter(name)


# "LARGER" SP number64
def _larger(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    return Larger(number64(cursor))


# "SMALLER" SP number64
def _smaller(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    return Smaller(number64(cursor))


# "OLDER" SP nz-number           ; RFC 5032
def _older(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    return Older(nz_number(cursor))


# "YOUNGER" SP nz-number         ; RFC 5032
def _younger(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    return Younger(nz_number(cursor))


# "UID" SP sequence-set
def _uid(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    return Uid(sequence_set(cursor))


# "UIDAFTER" SP uniqueid / "UIDBEFORE" SP uniqueid      ; RFC 9738
def _uid_after(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    uid = nz_number(cursor)
    return Uid(SequenceSet(((uid + 1, MAX_NUMBER),) if uid < MAX_NUMBER else ()))


def _uid_before(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    uid = nz_number(cursor)
    return Uid(SequenceSet(((1, uid - 1),) if uid > 1 else ()))


# search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-value       ; RFC 7162, may be 0
def _modseq(cursor: SearchCursor) -> SearchKey:
    cursor.space()
    cursor.match(_MODSEQ_ENTRY)
    return Modseq(number64(cursor))


def _object_id(cursor: SearchCursor) -> str:
    cursor.space()
    return cursor.need(_OBJECT_ID, "Expected an object id").decode("ascii")


LEAVES: dict[bytes, Reader] = {
    b"ALL": _constant(All()),
    b"ANSWERED": _constant(Flag(ANSWERED)),
    b"BCC": _address("Bcc"),
    b"BEFORE": _internal_date("BEFORE"),
    b"BODY": lambda cursor: Body(_text(cursor)),
    b"CC": _address("Cc"),
    b"DELETED": _constant(Flag(DELETED)),
    b"DRAFT": _constant(Flag(DRAFT)),
    b"EMAILID": lambda cursor: EmailId(_object_id(cursor)),
    b"FILTER": _named_filter,
    b"FLAGGED": _constant(Flag(FLAGGED)),
    b"FROM": _address("From"),
    b"HEADER": _header,
    b"KEYWORD": _keyword(True),
    b"LARGER": _larger,
    b"MODSEQ": _modseq,
    b"NEW": _constant(And((Flag(RECENT), Flag(SEEN, False)))),
    b"OLD": _constant(Flag(RECENT, False)),
    b"OLDER": _older,
    b"ON": _internal_date("ON"),
    b"RECENT": _constant(Flag(RECENT)),
    b"SAVEDATESUPPORTED": _constant(All()),
    b"SAVEDBEFORE": _saved_date("BEFORE"),
    b"SAVEDON": _saved_date("ON"),
    b"SAVEDSINCE": _saved_date("SINCE"),
    b"SEEN": _constant(Flag(SEEN)),
    b"SENTBEFORE": _sent_date("BEFORE"),
    b"SENTON": _sent_date("ON"),
    b"SENTSINCE": _sent_date("SINCE"),
    b"SINCE": _internal_date("SINCE"),
    b"SMALLER": _smaller,
    b"SUBJECT": _address("Subject"),
    b"TEXT": lambda cursor: Text(_text(cursor)),
    b"THREADID": lambda cursor: ThreadId(_object_id(cursor)),
    b"TO": _address("To"),
    b"UID": _uid,
    b"UIDAFTER": _uid_after,
    b"UIDBEFORE": _uid_before,
    b"UNANSWERED": _constant(Flag(ANSWERED, False)),
    b"UNDELETED": _constant(Flag(DELETED, False)),
    b"UNDRAFT": _constant(Flag(DRAFT, False)),
    b"UNFLAGGED": _constant(Flag(FLAGGED, False)),
    b"UNKEYWORD": _keyword(False),
    b"UNSEEN": _constant(Flag(SEEN, False)),
    b"YOUNGER": _younger,
}
"""The function for each key that contains no other keys."""
