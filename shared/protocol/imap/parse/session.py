"""Commands on the connection: log-in, ID, ENABLE."""

from binascii import Error as Base64Error
from binascii import a2b_base64

from shared.protocol.imap.commands import Authenticate, Enable, Id, Login
from shared.protocol.imap.connection_commands import Compress
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import possibly_empty
from shared.protocol.imap.parse.strings import astring, keyword, nstring, string, utf8_text

# RFC 2971 §3.3 limits the contents of ID.
MAX_ID_FIELDS = 30
MAX_ID_NAME = 30
MAX_ID_VALUE = 1024


# login = "LOGIN" SP userid SP password          ; both astring
def login(cursor: Cursor, tag: bytes) -> Login:
    cursor.space()
    user = utf8_text(astring(cursor))
    cursor.space()
    return Login(tag, user, utf8_text(astring(cursor)))


# authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]       ; RFC 4959
def authenticate(cursor: Cursor, tag: bytes) -> Authenticate:
    cursor.space()
    mechanism = keyword(cursor).decode("ascii")
    if cursor.at_end():
        return Authenticate(tag, mechanism)
    cursor.space()
    response = cursor.data[cursor.pos :]
    cursor.pos = len(cursor.data)
    # initial-resp = base64 / "="                ; "=" is a response of no octets
    return Authenticate(tag, mechanism, b"" if response == b"=" else _base64(response))


def sasl_response(line: bytes) -> bytes | None:
    """A client's line during AUTHENTICATE, decoded; None when the client cancels with `*` (RFC 3501 §6.2.2).

    Raises ImapSyntaxError.
    """
    if line == b"*":
        return None
    return _base64(line) if line else b""


def ends_idle(line: bytes) -> bool:
    """Whether a client's line during IDLE is DONE; other lines are answered BAD (RFC 2177)."""
    return line.upper() == b"DONE"


# base64 = *(4base64-char) [base64-terminal]; never empty here: "=" stands for an empty response
def _base64(text: bytes) -> bytes:
    if not text:
        raise ImapSyntaxError("Invalid base64")
    try:
        return a2b_base64(text, strict_mode=True)
    except Base64Error:
        raise ImapSyntaxError("Invalid base64") from None


# id-params-list = "(" *(string SP nstring) ")" / nil        ; RFC 2971
def id_(cursor: Cursor, tag: bytes) -> Id:
    cursor.space()
    if not cursor.looking_at(b"("):
        if nstring(cursor) is not None:
            raise ImapSyntaxError("Expected a list or NIL")
        return Id(tag)
    return Id(tag, tuple(possibly_empty(cursor, _id_field, MAX_ID_FIELDS)))


def _id_field(cursor: Cursor) -> tuple[str, str | None]:
    name = string(cursor)
    cursor.space()
    value = nstring(cursor)
    if len(name) > MAX_ID_NAME or len(value or b"") > MAX_ID_VALUE:
        raise ImapSyntaxError("ID field is too long")
    return utf8_text(name), None if value is None else utf8_text(value)


# compress = "COMPRESS" SP algorithm              ; RFC 4978
def compress(cursor: Cursor, tag: bytes) -> Compress:
    cursor.space()
    return Compress(tag, keyword(cursor).decode("ascii"))


# enable = "ENABLE" 1*(SP capability)            ; RFC 5161
def enable(cursor: Cursor, tag: bytes) -> Enable:
    names: list[str] = []
    while not names or not cursor.at_end():
        cursor.space()
        names.append(keyword(cursor).decode("ascii"))
    return Enable(tag, tuple(dict.fromkeys(names)))
