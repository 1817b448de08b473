"""The Content-* fields of a body part (RFC 2045 §5, RFC 2183, RFC 3282, RFC 2557), in the raw form that IMAP sends."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.protocol.message.headers import unfold
from shared.protocol.structured import blank_comments

# Fields by lower-case name, each with its values in order, still folded.
Fields = Mapping[bytes, Sequence[bytes]]
Pairs = tuple[tuple[bytes, bytes], ...]

MAX_PARAMETERS = 256
MAX_BOUNDARY = 900
MAX_VALUE = 16384
"""Octets of a Content-* value that are read; real values have hundreds."""

_TOKEN = rb'[^\x00-\x20()<>@,;:\\"/\[\]?=\x7f]+'
_TYPE = re.compile(rb"\s*(" + _TOKEN + rb")\s*/\s*(" + _TOKEN + rb")")
_FIRST = re.compile(rb"\s*(" + _TOKEN + rb")")
_PARAMETER = re.compile(rb';\s*+([^\s=;"]++)\s*+=\s*+(?:"((?>(?:[^"\\]++|\\.)*))"?|([^;]*+))', re.S)
_ESCAPE = re.compile(rb"\\(.)", re.S)
_LANGUAGE = re.compile(rb"[A-Za-z0-9*-]+")
_US_ASCII: Pairs = ((b"charset", b"us-ascii"),)
_KEEPS_SPACES = (b"name", b"filename")
_ENCODED = frozenset(
    (b"base64", b"quoted-printable", b"uuencode", b"x-uuencode", b"x-uue", b"x-gzip64", b"mac-binhex40", b"x-yenc")
)


class MediaType(NamedTuple):
    """The media type and encoding, which decide whether a body has parts.

    Types, subtype and encoding are in lower case.
    """

    media_type: bytes
    subtype: bytes
    parameters: Pairs
    encoding: bytes

    @property
    def is_message(self) -> bool:
        """Whether it is message/rfc822, or its UTF-8 form message/global (RFC 6532 §3.7)."""
        return self.media_type == b"message" and self.subtype in (b"rfc822", b"global")

    @property
    def holds_message(self) -> bool:
        """Whether the body is a message without encoding; the parts of an encoded message have no offsets (RFC 2045
        §6.4)."""
        return self.is_message and self.encoding not in _ENCODED

    def parameter(self, name: bytes) -> bytes | None:
        """The value of the first parameter with this lower-case name."""
        return next((value for key, value in self.parameters if key.lower() == name), None)

    def boundary(self) -> bytes | None:
        """The boundary of a multipart, or None when the body cannot be divided.

        RFC 2046 §5.1.1 allows 70 characters; up to 900 are accepted, because more would not fit into a line.
        """
        if self.media_type != b"multipart":
            return None
        boundary = (self.parameter(b"boundary") or b"").rstrip(b" \t\r\n")
        return boundary if 0 < len(boundary) <= MAX_BOUNDARY and b"\n" not in boundary else None


PLAIN_TEXT = MediaType(b"text", b"plain", _US_ASCII, b"7bit")


class Content(NamedTuple):
    """The description of a part besides its type.

    The disposition is in lower case; parameters are raw, without quoting.
    """

    content_id: bytes | None
    description: bytes | None
    md5: bytes | None
    disposition: bytes | None
    disposition_parameters: Pairs
    language: tuple[bytes, ...]
    location: bytes | None


def parse_type(fields: Fields, in_digest: bool = False) -> MediaType:
    """The type of a part.

    A missing or broken Content-Type gives the default of RFC 2045 §5.2, or of RFC 2046 §5.1.5 in a digest.
    """
    media_type, subtype, parameters = _media(_first_value(fields, b"content-type"), in_digest)
    return MediaType(media_type, subtype, parameters, _encoding(_first_value(fields, b"content-transfer-encoding")))


def parse_content(fields: Fields) -> Content:
    """The other Content-* fields of a part."""
    disposition, disposition_parameters = _disposition(_first_value(fields, b"content-disposition"))
    return Content(
        _first_value(fields, b"content-id"),
        _first_value(fields, b"content-description"),
        _first_value(fields, b"content-md5"),
        disposition,
        disposition_parameters,
        _languages(_first_value(fields, b"content-language")),
        _first_value(fields, b"content-location"),
    )


NO_CONTENT = Content(None, None, None, None, (), (), None)


def _first_value(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return unfold(values[0][:MAX_VALUE]) or None if values else None


def _media(value: bytes | None, in_digest: bool) -> tuple[bytes, bytes, Pairs]:
    plain = blank_comments(value) if value else b""
    match = _TYPE.match(plain)
    if value is None or match is None:
        return (b"message", b"rfc822", ()) if in_digest else (b"text", b"plain", _US_ASCII)
    media_type = match[1].lower()
    parameters = _parameters(plain, value)
    if media_type == b"text" and not any(name.lower().startswith(b"charset") for name, _ in parameters):
        parameters = (*parameters, *_US_ASCII)
    return media_type, match[2].lower(), parameters


def _encoding(value: bytes | None) -> bytes:
    match = _FIRST.match(blank_comments(value)) if value else None
    return match[1].lower() if match else b"7bit"


def _languages(value: bytes | None) -> tuple[bytes, ...]:
    return tuple(_LANGUAGE.findall(blank_comments(value)))[:MAX_PARAMETERS] if value else ()


def _disposition(value: bytes | None) -> tuple[bytes | None, Pairs]:
    plain = blank_comments(value) if value else b""
    match = _FIRST.match(plain)
    if value is None or match is None:
        return None, ()
    return match[1].lower(), _parameters(plain, value)


def parse_parameters(value: bytes) -> Pairs:
    """The parameters of RFC 2045 §5.1, `*(";" attribute "=" value)`, without comments and quoting.

    Unquoted values that need quotes are read up to the semicolon for file names, else up to white space; a missing
    closing quote is accepted. Parentheses in a file name that continues after them belong to the name.
    """
    return _parameters(blank_comments(value), value)


def _parameters(plain: bytes, value: bytes) -> Pairs:
    """The parameters of a value; `plain` is the same value with its comments blanked."""
    if b";" not in plain:
        return ()
    result = []
    for match in _PARAMETER.finditer(plain):
        result.append((match[1], _parameter_value(match, value)))
        if len(result) >= MAX_PARAMETERS:
            break
    return tuple(result)


def _parameter_value(match: re.Match[bytes], value: bytes) -> bytes:
    quoted = match[2]
    if quoted is not None:
        return _ESCAPE.sub(rb"\1", quoted) if b"\\" in quoted else quoted
    bare = match[3].rstrip()
    if match[1].lower() in _KEEPS_SPACES:
        return value[match.start(3) : match.start(3) + len(bare)]
    return bare.split(None, 1)[0] if bare else b""
