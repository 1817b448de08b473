"""FETCH: data items, sections, modifiers (RFC 3501 §6.4.5, RFC 3516, RFC 7162)."""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.protocol.imap.commands import Fetch, PartialRange
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.fetch import (
    MACROS,
    BinarySection,
    BinarySize,
    BodySection,
    FetchAttribute,
    FetchItem,
    Partial,
    PreviewItem,
)
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.search_options import partial_range
from shared.protocol.imap.parse.section import section, section_binary
from shared.protocol.imap.parse.sets import sequence_set
from shared.protocol.imap.parse.strings import MAX_MODSEQ, keyword, mod_sequence_value
from shared.protocol.imap.section import WHOLE, SectionSpec

MAX_ITEMS = 500
_CACHED_LENGTH = 300

# preview-mod = SP "(" "LAZY" ")"                                       ; RFC 8970 §6
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)
_WORD = re.compile(rb"[A-Z0-9.]+", re.IGNORECASE)
# partial = "<" number "." nz-number ">"
_PARTIAL = re.compile(rb"<([0-9]{1,19})\.([1-9][0-9]{0,18})>")

_SIMPLE: dict[bytes, FetchItem] = {
    **{attribute.value: attribute for attribute in FetchAttribute},
    b"PREVIEW": PreviewItem(),
    b"RFC822": BodySection(WHOLE, b"RFC822"),
    b"RFC822.HEADER": BodySection(
        SectionSpec(text="HEADER"), b"RFC822.HEADER", peek=True
    ),  # RFC 3501 §6.4.5: does not set \Seen
    b"RFC822.TEXT": BodySection(SectionSpec(text="TEXT"), b"RFC822.TEXT"),
}


class _FetchTail(NamedTuple):
    items: tuple[FetchItem, ...]
    changed_since: int | None
    vanished: bool
    partial: PartialRange | None


# fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" ... ")") [fetch-modifiers]
def fetch(cursor: Cursor, tag: bytes) -> Fetch:
    return _fetch(cursor, tag, uid=False)


# uid = "UID" SP (copy / fetch / search / store)
def uid_fetch(cursor: Cursor, tag: bytes) -> Fetch:
    return _fetch(cursor, tag, uid=True)


def _fetch(cursor: Cursor, tag: bytes, uid: bool) -> Fetch:
    cursor.space()
    sequence = sequence_set(cursor)
    cursor.space()
    tail = cursor.data[cursor.pos :]
    cursor.pos = len(cursor.data)
    # Clients send the same few item lists again and again; most are parsed once.
    read = (_known_tail if len(tail) <= _CACHED_LENGTH else _fetch_tail)(tail, uid)
    return Fetch(tag, sequence, read.items, uid, read.changed_since, read.vanished, read.partial)


def _fetch_tail(text: bytes, uid: bool) -> _FetchTail:
    cursor = Cursor(text)
    items = _items(cursor)
    changed_since, vanished, partial = (None, False, None) if cursor.at_end() else _modifiers(cursor)
    cursor.end()
    if vanished and not uid:
        raise ImapSyntaxError("VANISHED needs UID FETCH")  # RFC 7162 §3.2.6
    implied: list[FetchItem] = [FetchAttribute.UID] if uid else []
    if changed_since is not None:
        implied.append(FetchAttribute.MODSEQ)  # RFC 7162 §3.1.4.1
    return _FetchTail(tuple(dict.fromkeys([*implied, *items])), changed_since, vanished, partial)


_known_tail = lru_cache(maxsize=1024)(_fetch_tail)


def _items(cursor: Cursor) -> tuple[FetchItem, ...]:
    if not cursor.looking_at(b"("):
        start = cursor.pos
        macro = MACROS.get(cursor.need(_WORD, "Expected a data item").upper())
        if macro is not None:
            return macro
        cursor.pos = start
        return (fetch_att(cursor),)
    return tuple(parenthesised(cursor, fetch_att, MAX_ITEMS))


# fetch-att = "ENVELOPE" / "FLAGS" / ... / "BODY" section ["<" number "." nz-number ">"] / "BODY.PEEK" section [...]
#           / "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary          ; RFC 3516
#           / "SAVEDATE" / "PREVIEW" [SP "(" "LAZY" ")"]                                ; RFC 8514, RFC 8970
def fetch_att(cursor: Cursor) -> FetchItem:
    word = cursor.need(_WORD, "Expected a data item").upper()
    if word == b"PREVIEW" and cursor.match(_LAZY):
        return PreviewItem(is_lazy=True)
    if not cursor.looking_at(b"["):
        return _simple_item(word)
    match word:
        case b"BODY" | b"BODY.PEEK":
            spec, asked = _asked_section(cursor)
            partial, suffix = _partial(cursor)
            return BodySection(spec, b"BODY%b%b" % (asked, suffix), word == b"BODY.PEEK", partial)
        case b"BINARY" | b"BINARY.PEEK":
            part, path = section_binary(cursor)
            partial, suffix = _partial(cursor)
            return BinarySection(part, b"BINARY[%b]%b" % (path, suffix), word == b"BINARY.PEEK", partial)
        case b"BINARY.SIZE":
            part, path = section_binary(cursor)
            return BinarySize(part, b"BINARY.SIZE[%b]" % path)
        case _:
            raise ImapSyntaxError("Unknown data item")


def _asked_section(cursor: Cursor) -> tuple[SectionSpec, bytes]:
    """A section, and its octets as the client wrote them: some clients find the answer by them alone.

    A literal cannot be repeated within the label, so that its section is spelled anew.
    """
    start = cursor.pos
    spec = section(cursor)
    asked = cursor.data[start : cursor.pos]
    return spec, (b"[%b]" % spec.wire() if b"{" in asked else asked)


def _simple_item(word: bytes) -> FetchItem:
    item = _SIMPLE.get(word)
    if item is None:
        raise ImapSyntaxError("Unknown data item")
    return item


def _partial(cursor: Cursor) -> tuple[Partial | None, bytes]:
    """The partial, and the part of it in the response's label: only the start (RFC 3501 §7.4.2)."""
    if not cursor.looking_at(b"<"):
        return None, b""
    match = cursor.match(_PARTIAL)
    if match is None or max(int(match[1]), int(match[2])) > MAX_MODSEQ:
        raise ImapSyntaxError("Invalid partial")
    start = int(match[1])
    return Partial(start, int(match[2])), b"<%d>" % start


# fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"           ; RFC 4466
# fetch-modifier =/ "CHANGEDSINCE" SP mod-sequence-value / "VANISHED"        ; RFC 7162
#                 / "PARTIAL" SP partial-range                               ; RFC 9394
def _modifiers(cursor: Cursor) -> tuple[int | None, bool, PartialRange | None]:
    cursor.space()
    modifiers = parenthesised(cursor, _modifier)
    since = [modifier for modifier in modifiers if isinstance(modifier, int)]
    partial = [modifier for modifier in modifiers if isinstance(modifier, PartialRange)]
    if len(since) > 1 or len(partial) > 1:
        raise ImapSyntaxError("A FETCH modifier is given twice")
    if None in modifiers and not since:
        raise ImapSyntaxError("VANISHED needs CHANGEDSINCE")  # RFC 7162 §3.2.6
    return (since[0] if since else None), None in modifiers, (partial[0] if partial else None)


def _modifier(cursor: Cursor) -> int | PartialRange | None:
    """The mod-sequence of CHANGEDSINCE, the range of PARTIAL, or None for VANISHED."""
    match keyword(cursor):
        case b"CHANGEDSINCE":
            cursor.space()
            return mod_sequence_value(cursor)
        case b"PARTIAL":
            cursor.space()
            return partial_range(cursor)
        case b"VANISHED":
            return None
        case _:
            raise ImapSyntaxError("Unknown FETCH modifier")
