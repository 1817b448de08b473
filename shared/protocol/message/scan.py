"""The scan of a message: its parts with their offsets, and ENVELOPE and BODYSTRUCTURE in their wire form.

It runs once, while the bytes arrive, and its result is stored behind the body. Offsets count from the first byte of the
blob's body; the prefix that delivery adds is not included (see `sections`).
"""

import msgspec

from shared.protocol.message.addresses import display_pairs
from shared.protocol.message.bodystructure import body_structures
from shared.protocol.message.content import Pairs
from shared.protocol.message.dates import parse_date
from shared.protocol.message.envelope import message_ids, read_envelope, wire_envelope
from shared.protocol.message.finder import DEFAULT_LIMITS, PartFinder, ScanLimits
from shared.protocol.message.headers import unfold
from shared.protocol.message.plain_part import PlainPart
from shared.protocol.message.tree import Draft, numbers
from shared.protocol.message.words import decode_parameters, decode_words, without_controls

# Raised whenever the same bytes would give another Scan; stored scans of a smaller version are made again.
SCANNER_VERSION = 2

_COSTLY_HEADERS = 32 * 1024

DisplayAddress = tuple[str, str]
Parameters = tuple[tuple[str, str], ...]


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One part.

    Types, subtype, encoding, disposition and parameter names are in lower case; texts are decoded; "" means absent.
    `number` is the number in BODY[number] (RFC 3501 §6.4.5): "" for a multipart that is the whole message, "1" for the
    only part of another message. `parent` is an index into `Scan.parts`, -1 for the root. The part's own header is
    [header_start, body_start), its body as transferred is [body_start, body_end). `lines` is the number of line breaks
    in the body. `envelope` is the ENVELOPE of the message in a message/rfc822 part, in wire form.
    """

    number: str
    parent: int
    media_type: str
    subtype: str
    parameters: Parameters
    encoding: str
    disposition: str
    disposition_parameters: Parameters
    filename: str
    content_id: str
    description: str
    language: tuple[str, ...]
    location: str
    md5: str
    header_start: int
    body_start: int
    body_end: int
    lines: int
    envelope: bytes

    @property
    def content_type(self) -> str:
        """`type/subtype`."""
        return f"{self.media_type}/{self.subtype}"

    @property
    def size(self) -> int:
        """The octets of the body as transferred."""
        return self.body_end - self.body_start

    @property
    def charset(self) -> str:
        """The value of the charset parameter, or ""."""
        return self.parameter("charset")

    def parameter(self, name: str) -> str:
        """The value of the Content-Type parameter with this lower-case name, or ""."""
        return next((value for key, value in self.parameters if key == name), "")


class Scan(msgspec.Struct, frozen=True, array_like=True):
    """Everything that services need to know about a message without reading it again.

    `parts` are in the order of appearance, parents before children, the root first. `header_end` is the offset of the
    body, after the blank line. `truncated`: a limit was reached, so something was not examined. `date` is in
    microseconds since 1970. Message ids have no angle brackets. Addresses are (decoded display name, local@domain),
    with groups dissolved. `envelope`, `body` and `bodystructure` may contain literals (`{n}` CR LF …) with raw 8-bit
    bytes.
    """

    version: int
    size: int
    header_end: int
    truncated: bool
    has_attachments: bool
    parts: tuple[Part, ...]
    envelope: bytes
    body: bytes
    bodystructure: bytes
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    date: int | None
    from_: tuple[DisplayAddress, ...]
    sender: tuple[DisplayAddress, ...]
    reply_to: tuple[DisplayAddress, ...]
    to: tuple[DisplayAddress, ...]
    cc: tuple[DisplayAddress, ...]
    bcc: tuple[DisplayAddress, ...]

    @property
    def root(self) -> Part:
        """The message itself, as a part."""
        return self.parts[0]

    def children(self, index: int) -> tuple[int, ...]:
        """The indexes of the direct children of part `index`."""
        return tuple(child for child, part in enumerate(self.parts) if part.parent == index)

    def find(self, number: str) -> Part | None:
        """The part of BODY[number], or None; "" is the whole message."""
        return self.root if not number else next((part for part in self.parts if part.number == number), None)


class Scanner:
    """Scans a message while it is received. The Scan does not depend on the pieces; no bytes make it raise.

    After an unforeseen error the message becomes one plain part; `failure` is the error, for the caller to report.
    """

    def __init__(self, limits: ScanLimits = DEFAULT_LIMITS) -> None:
        self._finder: PartFinder | PlainPart = PartFinder(limits)
        self._fed = 0
        self.failure: Exception | None = None

    @property
    def is_costly(self) -> bool:
        """Whether `finish` may take long, because there are many header lines."""
        return self._finder.header_bytes > _COSTLY_HEADERS

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the message."""
        self._fed += len(chunk)
        try:
            self._finder.feed(chunk)
        except Exception as error:
            finder = self._degrade(error)
            finder.feed(chunk[len(chunk) - (self._fed - finder.size) :])

    def finish(self) -> Scan:
        """End the message; to be called once."""
        try:
            self._finder.finish()
            return _scan_of(self._finder)
        except Exception as error:
            return _plain_scan(self._degrade(error))

    def _degrade(self, error: Exception) -> PlainPart:
        self.failure = self.failure or error
        if isinstance(self._finder, PartFinder):
            self._finder = PlainPart(self._finder)
        return self._finder


def _plain_scan(part: PlainPart) -> Scan:
    """The scan of one plain part, with the envelope if it can be read."""
    try:
        part.finish()
        return _scan_of(part)
    except Exception:
        part.forget_fields()
        return _scan_of(part)


def scan(data: bytes, limits: ScanLimits = DEFAULT_LIMITS) -> Scan:
    """Scan a complete message."""
    scanner = Scanner(limits)
    scanner.feed(data)
    return scanner.finish()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Scan)


def encode_scan(scan: Scan) -> bytes:
    """The stored form of a scan."""
    return _encoder.encode(scan)


def decode_scan(stored: bytes) -> Scan:
    """The scan from its stored form.

    Raises msgspec.DecodeError for other bytes, or those of another version; `shared.scans` then scans again.
    """
    return _decoder.decode(stored)


class _Opening(msgspec.Struct, frozen=True, array_like=True):
    """The first fields of a stored scan."""

    version: int
    size: int
    header_end: int


_opening = msgspec.msgpack.Decoder(_Opening)


def header_end(stored: bytes) -> int:
    """`Scan.header_end` from the stored form.

    The parts are skipped, which would be most of the work. Raises msgspec.DecodeError.
    """
    return _opening.decode(stored).header_end


def stored_version(stored: bytes) -> int:
    """The version of a stored scan of any shape; -1 when it is no scan."""
    try:
        return _opening.decode(stored).version
    except msgspec.DecodeError:
        return -1


def _scan_of(finder: PartFinder | PlainPart) -> Scan:
    drafts = finder.drafts
    envelope = drafts[0].envelope or read_envelope({})
    body, bodystructure = body_structures(drafts)
    references = drafts[0].fields.get(b"references")
    return Scan(
        version=SCANNER_VERSION,
        size=finder.size,
        header_end=drafts[0].body_start,
        truncated=finder.truncated,
        has_attachments=any(_is_attachment(draft, drafts) for draft in drafts),
        parts=tuple(
            _part(draft, number, drafts, index)
            for index, (draft, number) in enumerate(zip(drafts, numbers(drafts), strict=True))
        ),
        envelope=wire_envelope(envelope),
        body=body,
        bodystructure=bodystructure,
        message_id=_message_id(envelope.message_id),
        in_reply_to=message_ids(envelope.in_reply_to),
        references=message_ids(unfold(references[0])) if references else (),
        subject=decode_words(envelope.subject or b""),
        date=parse_date(envelope.date) if envelope.date else None,
        from_=display_pairs(envelope.from_),
        sender=display_pairs(envelope.sender),
        reply_to=display_pairs(envelope.reply_to),
        to=display_pairs(envelope.to),
        cc=display_pairs(envelope.cc),
        bcc=display_pairs(envelope.bcc),
    )


def _message_id(value: bytes | None) -> str:
    return next(iter(message_ids(value)), _text(value.strip(b"<>"))) if value else ""


def _part(draft: Draft, number: str, drafts: list[Draft], index: int) -> Part:
    kind, content = draft.type, draft.content
    parameters = _parameters(kind.parameters)
    disposition_parameters = _parameters(content.disposition_parameters)
    return Part(
        number,
        draft.parent,
        _text(kind.media_type),
        _text(kind.subtype),
        parameters,
        _text(kind.encoding),
        _text(content.disposition),
        disposition_parameters,
        dict(disposition_parameters).get("filename") or dict(parameters).get("name", ""),
        _text(content.content_id).strip("<>"),
        decode_words(content.description or b""),
        tuple(map(_text, content.language)),
        _text(content.location),
        _text(content.md5),
        draft.header_start,
        draft.body_start,
        draft.body_end,
        draft.lines,
        _inner_envelope(draft, drafts, index),
    )


def _inner_envelope(draft: Draft, drafts: list[Draft], index: int) -> bytes:
    inner = drafts[index + 1].envelope if draft.type.is_message and draft.has_parts else None
    return wire_envelope(inner) if inner else b""


def _parameters(pairs: Pairs) -> Parameters:
    return decode_parameters(pairs) if pairs else ()


def _text(value: bytes | None) -> str:
    if not value:
        return ""
    text = value.decode("utf-8", "replace")
    return text if text.isprintable() else without_controls(text)


def _is_attachment(draft: Draft, drafts: list[Draft]) -> bool:
    """Whether a mail client would show the part as an attachment.

    That is a part declared so, a part with a name, or a part that is neither text nor needed to show another part.
    """
    disposition, kind = draft.content.disposition, draft.type
    if draft.is_multipart or draft.parent < 0 or drafts[draft.parent].type.is_message:
        return disposition == b"attachment"
    if disposition:
        return disposition != b"inline"
    if drafts[draft.parent].type.subtype in (b"related", b"signed", b"encrypted", b"report"):
        return False
    return kind.media_type != b"text" or kind.parameter(b"name") is not None
