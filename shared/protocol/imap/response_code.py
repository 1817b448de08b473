"""Response codes, the machine-readable part of status responses (RFC 3501 §7.1, RFC 5530, and the extensions named
below)."""

import re
from collections.abc import Iterable
from enum import Enum

from shared.protocol.imap.flags import flag_list
from shared.protocol.imap.number_set import NumberSet

_URL_SHOWN = 500
_NO_CODE_TEXT = re.compile(r'[^ -~]|[\]"\\]')


class Code(Enum):
    """Codes without an argument; the value is the wire text."""

    ALERT = b"ALERT"
    ALREADYEXISTS = b"ALREADYEXISTS"
    APPENDLIMIT = b"APPENDLIMIT"
    AUTHENTICATIONFAILED = b"AUTHENTICATIONFAILED"
    AUTHORIZATIONFAILED = b"AUTHORIZATIONFAILED"
    CANNOT = b"CANNOT"
    CLIENTBUG = b"CLIENTBUG"
    CLOSED = b"CLOSED"  # RFC 7162
    COMPRESSIONACTIVE = b"COMPRESSIONACTIVE"  # RFC 4978
    CONTACTADMIN = b"CONTACTADMIN"
    CORRUPTION = b"CORRUPTION"
    EXPIRED = b"EXPIRED"
    EXPUNGEISSUED = b"EXPUNGEISSUED"
    HASCHILDREN = b"HASCHILDREN"  # RFC 9051
    INUSE = b"INUSE"
    LIMIT = b"LIMIT"
    NOMODSEQ = b"NOMODSEQ"  # RFC 7162
    NONEXISTENT = b"NONEXISTENT"
    NOPERM = b"NOPERM"
    NOTIFICATIONOVERFLOW = b"NOTIFICATIONOVERFLOW"  # RFC 5465
    NOTSAVED = b"NOTSAVED"  # RFC 5182
    OVERQUOTA = b"OVERQUOTA"
    PARSE = b"PARSE"
    PRIVACYREQUIRED = b"PRIVACYREQUIRED"
    READ_ONLY = b"READ-ONLY"
    READ_WRITE = b"READ-WRITE"
    SERVERBUG = b"SERVERBUG"
    TOOBIG = b"TOOBIG"  # RFC 4469
    TRYCREATE = b"TRYCREATE"
    UIDNOTSTICKY = b"UIDNOTSTICKY"  # RFC 4315
    UIDREQUIRED = b"UIDREQUIRED"  # RFC 9586
    UNAVAILABLE = b"UNAVAILABLE"
    UNKNOWN_CTE = b"UNKNOWN-CTE"  # RFC 3516
    USEATTR = b"USEATTR"  # RFC 6154


# A code with an argument is text; there is a function for each production.


# "UIDNEXT" SP nz-number
def uidnext(uid: int) -> bytes:
    """UIDNEXT: the next UID will be at least this."""
    return b"UIDNEXT %d" % uid


# "UIDVALIDITY" SP nz-number
def uidvalidity(value: int) -> bytes:
    """UIDVALIDITY."""
    return b"UIDVALIDITY %d" % value


# "UNSEEN" SP nz-number
def unseen(sequence: int) -> bytes:
    """UNSEEN: the sequence number of the first unseen message."""
    return b"UNSEEN %d" % sequence


# "HIGHESTMODSEQ" SP mod-sequence-value             ; RFC 7162
def highestmodseq(modseq: int) -> bytes:
    """HIGHESTMODSEQ."""
    return b"HIGHESTMODSEQ %d" % modseq


# "MODIFIED" SP sequence-set                        ; RFC 7162
def modified(numbers: NumberSet) -> bytes:
    """MODIFIED: messages that a conditional STORE did not change, as UIDs or sequence numbers like the command.

    Not empty.
    """
    return b"MODIFIED " + numbers.wire()


# "PERMANENTFLAGS" SP "(" [flag-perm *(SP flag-perm)] ")"
def permanentflags(flags: Iterable[str], new_keywords: bool) -> bytes:
    r"""PERMANENTFLAGS; `new_keywords` adds `\*`, by which the client may create keywords."""
    return b"PERMANENTFLAGS " + flag_list([*flags, "\\*"] if new_keywords else flags)


# resp-code-apnd = "APPENDUID" SP nz-number SP append-uid            ; RFC 4315
def appenduid(validity: int, uids: NumberSet) -> bytes:
    """APPENDUID; the UIDs ascend in the order of the messages."""
    return b"APPENDUID %d %b" % (validity, uids.wire())


# resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set      ; RFC 4315
def copyuid(validity: int, source: NumberSet, destination: NumberSet) -> bytes:
    """COPYUID; the n-th UID of the source became the n-th of the destination, both ascending."""
    return b"COPYUID %d %b %b" % (validity, source.wire(), destination.wire())


# badurl-response-code = "BADURL" SP url-resp-text                   ; RFC 4469
def badurl(url: bytes) -> bytes:
    """BADURL: the URL of a CATENATE that could not be read; what no response code may hold is replaced."""
    shown = url[:_URL_SHOWN].decode("ascii", "replace").replace("\ufffd", "?")
    return b'BADURL "%b"' % _NO_CODE_TEXT.sub("?", shown).encode("ascii")


# "INPROGRESS" SP "(" (quoted / nil) SP (number / nil) SP (nz-number / nil) ")"         ; RFC 9585
def inprogress(tag: bytes) -> bytes:
    """INPROGRESS of a command of which nobody knows how much of it is done. A tag needs no escapes in quotes."""
    return b'INPROGRESS ("%b" NIL NIL)' % tag


# "MESSAGELIMIT" SP message-limit [SP uniqueid]       ; RFC 9738
def messagelimit(limit: int) -> bytes:
    """MESSAGELIMIT: the command concerns more messages, and nothing was done."""
    return b"MESSAGELIMIT %d" % limit


# "BADEVENT" SP "(" event-name *(SP event-name) ")"                  ; RFC 5465
def badevent(names: Iterable[bytes]) -> bytes:
    """BADEVENT: the events that NOTIFY may name."""
    return b"BADEVENT (%b)" % b" ".join(names)


# "MAILBOXID" SP "(" objectid ")"                   ; RFC 8474
def mailboxid(object_id: str) -> bytes:
    """MAILBOXID."""
    return f"MAILBOXID ({object_id})".encode()


# "METADATA" SP ("LONGENTRIES" SP number / "MAXSIZE" SP number / "TOOMANY" / "NOPRIVATE")   ; RFC 5464
def metadata_long_entries(octets: int) -> bytes:
    """METADATA LONGENTRIES: the longest value that MAXSIZE left out."""
    return b"METADATA LONGENTRIES %d" % octets


def metadata_refusal(condition: str) -> bytes:
    """METADATA with the reason for which SETMETADATA is refused: `TOOMANY`, `NOPRIVATE`, or `MAXSIZE` and the limit."""
    return b"METADATA " + condition.encode("ascii")


# capability-data as a response code
def capability_code(names: Iterable[str]) -> bytes:
    """CAPABILITY as a response code, which saves the client a round trip after log-in."""
    return f"CAPABILITY {' '.join(names)}".encode()


ResponseCode = Code | bytes
"""A code without an argument, or the text from one of the functions above."""


def code_text(code: ResponseCode) -> bytes:
    """The text between the brackets."""
    return code.value if isinstance(code, Code) else code
