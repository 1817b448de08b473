"""The URLs that name octets of a stored message for CATENATE (RFC 4469 §5, RFC 5092)."""

import re
from urllib.parse import unquote_to_bytes

import msgspec

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.fetch import Partial
from shared.protocol.imap.mailbox_name import canonical_name
from shared.protocol.imap.number_set import MAX_NUMBER
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.section import section
from shared.protocol.imap.section import WHOLE, SectionSpec

MAX_URL = 4000
"""Octets of a URL: a mailbox name of the greatest length, each octet as three, and a section."""

# ipath-query = "/" enc-mailbox [";UIDVALIDITY=" nz-number] "/;UID=" nz-number ["/;SECTION=" enc-section]
#               ["/;PARTIAL=" number ["." nz-number]]     ; clients also leave out the slash before a parameter
_URL = re.compile(
    rb"/(?P<mailbox>[^;]+?)(?:;UIDVALIDITY=(?P<validity>[1-9][0-9]{0,9}))?/;UID=(?P<uid>[1-9][0-9]{0,9})/?"
    rb"(?:/?;SECTION=(?P<section>[^;]*?)/?)?(?:/?;PARTIAL=(?P<start>[0-9]{1,18})(?:\.(?P<count>[1-9][0-9]{0,17}))?)?",
    re.IGNORECASE,
)
_TO_THE_END = 2**62


class InvalidUrl(ValueError):
    """A URL that names no octets of this server; the text says why."""


class MessageUrl(msgspec.Struct, frozen=True):
    """A message, or a section of it. `uid_validity` is None when the URL does not name it."""

    mailbox: str
    uid: int
    uid_validity: int | None = None
    section: SectionSpec = WHOLE
    partial: Partial | None = None


def parse_message_url(url: bytes) -> MessageUrl:
    """Read a URL that is relative to this server. Raises InvalidUrl."""
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None or int(match["uid"]) > MAX_NUMBER:
        raise InvalidUrl("The URL must name a message of this server: /mailbox/;UID=number")
    try:
        mailbox = canonical_name(unquote_to_bytes(match["mailbox"]).decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidUrl("The mailbox name in the URL is not UTF-8") from None
    validity = int(match["validity"]) if match["validity"] else None
    return MessageUrl(mailbox, int(match["uid"]), validity, _section(match["section"]), _partial(match))


def _section(encoded: bytes | None) -> SectionSpec:
    if not encoded:
        return WHOLE
    cursor = Cursor(b"[%b]" % unquote_to_bytes(encoded))
    try:
        spec = section(cursor)
        cursor.end()
    except ImapSyntaxError as error:
        raise InvalidUrl(f"The section in the URL is wrong: {error.text}") from None
    return spec


def _partial(match: re.Match[bytes]) -> Partial | None:
    if match["start"] is None:
        return None
    return Partial(int(match["start"]), int(match["count"] or _TO_THE_END))
