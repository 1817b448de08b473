"""Sequence sets and flags inside a command."""

import re

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.flags import InvalidFlag, canonical_flag
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import possibly_empty
from shared.protocol.imap.sequence import SequenceSet, parse_sequence_set

_SEQUENCE_SET = re.compile(rb"[0-9*][0-9*:,]*|\$")
_KNOWN_SET = re.compile(rb"[0-9][0-9:,]*")
# flag = "\Answered" / ... / flag-keyword / "\" atom
_FLAG = re.compile(rb"\\?[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")


# sequence-set = (seq-number / seq-range) ["," sequence-set] / seq-last-command
def sequence_set(cursor: Cursor) -> SequenceSet:
    return parse_sequence_set(cursor.need(_SEQUENCE_SET, "Expected a sequence set"))


# known-uids = sequence-set               ; RFC 7162: no "*"
def known_set(cursor: Cursor) -> SequenceSet:
    return parse_sequence_set(cursor.need(_KNOWN_SET, "Expected a set of known numbers"))


# flag-list = "(" [flag *(SP flag)] ")"
def flag_list(cursor: Cursor) -> tuple[str, ...]:
    return tuple(dict.fromkeys(possibly_empty(cursor, _flag)))


# flag *(SP flag)
def bare_flags(cursor: Cursor) -> tuple[str, ...]:
    flags = [_flag(cursor)]
    while cursor.accept(b" "):
        flags.append(_flag(cursor))
    return tuple(dict.fromkeys(flags))


def _flag(cursor: Cursor) -> str:
    text = cursor.need(_FLAG, "Expected a flag").decode("ascii")
    try:
        return canonical_flag(text)
    except InvalidFlag as error:
        raise ImapSyntaxError(str(error)) from None
