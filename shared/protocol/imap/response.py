"""Responses as bytes: status responses, and the untagged data of each command (RFC 3501 §7)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from shared.protocol.imap.commands import StatusItem
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.flags import flag_list
from shared.protocol.imap.frame_event import RefusedFrame
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.response_code import ResponseCode, code_text
from shared.protocol.imap.wire_string import literal8, wire_astring, wire_mailbox, wire_nstring, wire_string

NUMBERS_A_PIECE = 500
"""Numbers, or ranges, in one piece of a long response."""
_UNSAFE = re.compile("[\r\n\0]")


def _status(tag: bytes, condition: bytes, text: str, code: ResponseCode | None) -> bytes:
    """A status response; the text cannot break the line, whatever its origin."""
    safe = _UNSAFE.sub(" ", text).encode("ascii", "replace") or b" "
    if code is None or code == b"":
        return b"%b %b %b\r\n" % (tag, condition, safe)
    return b"%b %b [%b] %b\r\n" % (tag, condition, code_text(code), safe)


# response-tagged = tag SP resp-cond-state CRLF         ; tag "*" makes it untagged
def ok(tag: bytes, text: str, code: ResponseCode | None = None) -> bytes:
    """OK: the command was carried out."""
    return _status(tag, b"OK", text, code)


def no(tag: bytes, text: str, code: ResponseCode | None = None) -> bytes:
    """NO: the command was understood but not carried out."""
    return _status(tag, b"NO", text, code)


def bad(tag: bytes, text: str, code: ResponseCode | None = None) -> bytes:
    """BAD: the command was not understood."""
    return _status(tag or b"*", b"BAD", text, code)


def refusal(tag: bytes, condition: str, text: str, code: ResponseCode | None = None) -> bytes:
    """NO or BAD, as `condition` says."""
    return _status(tag, condition.encode(), text, code)


UNTAGGED = b"*"


def with_code(answer: bytes, code: ResponseCode, text: str) -> bytes:
    """A tagged response with an additional code.

    A response has room for one code; when it is taken, the code is sent before it in an untagged OK with `text`.
    """
    tag, _, rest = answer.partition(b" OK ")
    if rest and b" " not in tag and not rest.startswith(b"["):
        return b"%b OK [%b] %b" % (tag, code_text(code), rest)
    return ok(UNTAGGED, text, code) + answer


# resp-cond-bye = "BYE" SP resp-text
def bye(text: str, code: ResponseCode | None = None) -> bytes:
    """BYE: the connection is about to be closed."""
    return _status(UNTAGGED, b"BYE", text, code)


def syntax_error(error: ImapSyntaxError) -> bytes:
    """The response to a command that the grammar refused; untagged when it had no tag."""
    return _status(error.tag or UNTAGGED, error.condition.encode() if error.tag else b"BAD", error.text, error.code)


def refused(event: RefusedFrame) -> bytes:
    """The response to what the framer refused."""
    tag = UNTAGGED if event.condition == "BYE" else event.tag
    condition = event.condition.encode() if tag else b"BAD"
    return _status(tag or UNTAGGED, condition, event.text, event.code)


# continue-req = "+" SP (resp-text / base64) CRLF
def continuation(text: bytes = b"OK") -> bytes:
    """`+`: the client may continue. During AUTHENTICATE `text` is base64 and may be empty."""
    return b"+ %b\r\n" % text


def exists(count: int) -> bytes:
    """EXISTS: the number of messages."""
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """RECENT: the number of recent messages."""
    return b"* %d RECENT\r\n" % count


def expunges(sequences: NumberSet) -> Iterator[bytes]:
    """EXPUNGE for each of these sequence numbers, in pieces of some lines.

    The numbers are those before the first EXPUNGE; they are sent from the highest down, so that none changes another.
    """
    numbers = (number for first, last in reversed(sequences.ranges) for number in range(last, first - 1, -1))
    while piece := [b"* %d EXPUNGE\r\n" % number for number in islice(numbers, NUMBERS_A_PIECE)]:
        yield b"".join(piece)


# expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids             ; RFC 7162
def vanished(uids: NumberSet, earlier: bool = False) -> Iterator[bytes]:
    """VANISHED, which replaces EXPUNGE once QRESYNC is enabled; nothing for no UIDs. In pieces of one response."""
    if uids:
        yield b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
        yield from set_pieces(uids)
        yield b"\r\n"


def flags(names: Iterable[str]) -> bytes:
    """FLAGS: the flags in use in the mailbox."""
    return b"* FLAGS %b\r\n" % flag_list(names)


def capability(names: Iterable[str]) -> bytes:
    """CAPABILITY."""
    return f"* CAPABILITY {' '.join(names)}\r\n".encode()


def enabled(names: Sequence[str]) -> bytes:
    """ENABLED (RFC 5161)."""
    return f"* ENABLED{''.join([' ' + name for name in names])}\r\n".encode()


# mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
def list_(
    name: str,
    attributes: Iterable[str] = (),
    *,
    utf8: bool = False,
    child_info: Iterable[str] = (),
    old_name: str = "",
    verb: bytes = b"LIST",
) -> bytes:
    """A LIST line for one mailbox, or LSUB by `verb`.

    `child_info` has the selection options that children match (RFC 5258 §3.5), `old_name` the name that the mailbox had
    before (RFC 9051 §6.3.9.7).
    """
    options = b" ".join([wire_string(option.encode()) for option in child_info])
    items = [b'"CHILDINFO" (%b)' % options] if options else []
    items += [b'"OLDNAME" (%b)' % wire_mailbox(old_name, utf8)] if old_name else []
    tail = b" (%b)" % b" ".join(items) if items else b""
    return b'* %b %b "/" %b%b\r\n' % (verb, flag_list(attributes), wire_mailbox(name, utf8), tail)


LIST_DELIMITER = b'* LIST (\\Noselect) "/" ""\r\n'
"""The response to LIST with an empty pattern: the hierarchy delimiter (RFC 3501 §6.3.8)."""


# status-att-list = status-att-val *(SP status-att-val)
def status(name: str, values: Mapping[StatusItem, int | str], *, utf8: bool = False) -> bytes:
    """STATUS; a text value is an object id, which is put into parentheses (RFC 8474 §4.3)."""
    pairs = [
        f"{item.value.decode()} {value if isinstance(value, int) else f'({value})'}" for item, value in values.items()
    ]
    return b"* STATUS %b (%b)\r\n" % (wire_mailbox(name, utf8), " ".join(pairs).encode())


# mailbox-data = "SEARCH" *(SP nz-number) [SP search-sort-mod-seq]      ; RFC 7162
def search(numbers: NumberSet, modseq: int = 0) -> Iterator[bytes]:
    """SEARCH in the old form, with each number written out, in pieces of one response.

    It ends with the highest MODSEQ when the client asked for MODSEQ.
    """
    iterator = iter(numbers)
    yield b"* SEARCH"
    while piece := "".join([f" {number}" for number in islice(iterator, NUMBERS_A_PIECE)]):
        yield piece.encode()
    yield f" (MODSEQ {modseq})\r\n".encode() if modseq and numbers else b"\r\n"


def set_pieces(numbers: NumberSet) -> Iterator[bytes]:
    """A sequence-set of any length."""
    comma = b""
    for page in numbers.pages(NUMBERS_A_PIECE):
        yield comma + page.wire()
        comma = b","


def _namespaces(names: Sequence[tuple[str, str]], utf8: bool) -> bytes:
    shown = [b"(%b %b)" % (wire_mailbox(prefix, utf8), wire_string(separator.encode())) for prefix, separator in names]
    return b"(%b)" % b"".join(shown) if names else b"NIL"


# namespace-response = "*" SP "NAMESPACE" SP namespace SP namespace SP namespace                ; RFC 2342
def namespace(
    personal: Sequence[tuple[str, str]],
    other_users: Sequence[tuple[str, str]] = (),
    shared: Sequence[tuple[str, str]] = (),
    *,
    utf8: bool = False,
) -> bytes:
    """NAMESPACE: (prefix, separator) pairs of the personal, other users' and shared namespaces."""
    return b"* NAMESPACE %b\r\n" % b" ".join([_namespaces(names, utf8) for names in (personal, other_users, shared)])


# id-response = "ID" SP id-params-list                  ; RFC 2971
def id_(fields: Mapping[str, str | None]) -> bytes:
    """ID: the server's description of itself."""
    pairs = [
        b"%b %b" % (wire_string(k.encode()), wire_nstring(None if v is None else v.encode())) for k, v in fields.items()
    ]
    return b"* ID %b\r\n" % (b"(%b)" % b" ".join(pairs) if pairs else b"NIL")


# quota-response = "QUOTA" SP quota-root-name SP quota-list             ; RFC 9208
def quota(root: str, resources: Iterable[tuple[str, int, int]]) -> bytes:
    """QUOTA: (resource name, usage, limit); STORAGE counts units of 1024 octets."""
    shown = " ".join([f"{name} {usage} {limit}" for name, usage, limit in resources])
    return b"* QUOTA %b (%b)\r\n" % (wire_string(root.encode()), shown.encode())


# quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)     ; RFC 9208
def quotaroot(mailbox: str, roots: Iterable[str], *, utf8: bool = False) -> bytes:
    """QUOTAROOT."""
    return b"* QUOTAROOT %b%b\r\n" % (
        wire_mailbox(mailbox, utf8),
        b"".join([b" " + wire_string(root.encode()) for root in roots]),
    )


# metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)       ; RFC 5464
def metadata(mailbox: str, annotations: Iterable[tuple[str, bytes | None]], *, utf8: bool = False) -> Iterator[bytes]:
    """METADATA with values, in pieces of one response; None becomes NIL."""
    separator = b"* METADATA %b (" % wire_mailbox(mailbox, utf8)
    for entry, value in annotations:
        yield b"%b%b %b" % (separator, wire_astring(entry.encode("ascii")), _metadata_value(value))
        separator = b" "
    yield b")\r\n"


def metadata_changed(mailbox: str, entries: Iterable[str], *, utf8: bool = False) -> bytes:
    """METADATA without values: these entries have changed (RFC 5464 §4.4.2)."""
    names = b" ".join([wire_astring(entry.encode("ascii")) for entry in entries])
    return b"* METADATA %b %b\r\n" % (wire_mailbox(mailbox, utf8), names)


# value = nstring / literal8
def _metadata_value(value: bytes | None) -> bytes:
    return literal8(value) if value is not None and b"\0" in value else wire_nstring(value)
