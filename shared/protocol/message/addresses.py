"""RFC 5322 §3.4 address lists, read tolerantly into the address structures of ENVELOPE (RFC 3501 §7.4.2).

Nothing is refused: text that is no address becomes an address without a host. shared.protocol.address parses strictly.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.protocol.message.charset import decode
from shared.protocol.message.words import decode_words, without_controls
from shared.protocol.structured import comment_end

MAX_ADDRESSES = 10_000
_MAX_TOKENS = 20_000


class AddressLimits:
    """Limits for the addresses of one message: the number that is read, and the tokens of those in unusual forms."""

    __slots__ = ("addresses", "tokens")

    def __init__(self, addresses: int = MAX_ADDRESSES, tokens: int = _MAX_TOKENS) -> None:
        self.addresses = addresses
        self.tokens = tokens

    @property
    def are_met(self) -> bool:
        """Whether a limit was reached, so that addresses may be missing."""
        return self.addresses <= 0 or self.tokens <= 0


class EnvelopeAddress(NamedTuple):
    """`(name adl mailbox host)`, raw: encoded words are kept.

    A group starts with host None and its name as mailbox, and ends with mailbox None and host None (RFC 3501 §7.4.2). A
    mailbox without a domain has the empty host.
    """

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END = EnvelopeAddress(None, None, None, None)

_ATOM = rb'[^\s"<>(),:;@\\\[\]\x00]+'
_WORDS = rb'[^"<>(),:;@\\\[\]\x00]*'
# The forms of nearly all real addresses: "Name" <a@b> · Name <a@b> · a@b. Everything else goes to the slow reader.
_USUAL = re.compile(
    rb'(?:(?:\s*+"([^"\\]*)"\s*+|('
    + _WORDS
    + rb"))<("
    + _ATOM
    + rb")@("
    + _ATOM
    + rb")>|\s*+("
    + _ATOM
    + rb")@("
    + _ATOM
    + rb"))\s*+(,|\Z)"
)
_TOKEN = re.compile(
    rb'\s+|"(?>(?:[^"\\]++|\\.)*)"?|\[(?>(?:[^\[\]\\]++|\\.)*)\]?|\(|[<>,:;@)\]\\]|[^\s"<>(),:;@\\\[\]]+', re.S
)
_ESCAPE = re.compile(rb"\\(.)", re.S)
_SPACE = re.compile(rb"\s+")
_DOT_ATOM = re.compile(rb'[^\s"<>(),:;@\\\[\]]+')
_SPECIAL = re.compile(rb'["\\]')


def parse_addresses(value: bytes, limits: AddressLimits | None = None) -> list[EnvelopeAddress]:
    """The addresses of an unfolded field value in order, with group markers, within the limits."""
    limits = limits or AddressLimits()
    addresses: list[EnvelopeAddress] = []
    at, size, most = 0, len(value), limits.addresses
    while at < size and len(addresses) < most and (match := _USUAL.match(value, at)):
        addresses.append(_usual(match))
        at = match.end()
    limits.addresses -= len(addresses)
    return addresses + _Reader(value, at, limits).read() if at < size and limits.addresses > 0 else addresses


def _usual(match: re.Match[bytes]) -> EnvelopeAddress:
    quoted, words, local, domain, bare_local, bare_domain, _comma = match.groups()
    if bare_local:
        return EnvelopeAddress(None, None, bare_local, bare_domain)
    name = quoted if quoted is not None else words.strip()
    return EnvelopeAddress(name or None, None, local, domain)


class _Reader:
    """Reads the tokens in one pass. `phrase` collects words until a token shows what they are."""

    def __init__(self, value: bytes, at: int, limits: AddressLimits) -> None:
        self._value, self._at, self._limits = value, at, limits
        self._addresses: list[EnvelopeAddress] = []
        self._in_group = False
        self._clear()

    def _clear(self) -> None:
        self._phrase: list[bytes] = []
        self._comment: bytes | None = None
        self._angle: list[bytes] | None = None
        self._closed = False

    def read(self) -> list[EnvelopeAddress]:
        for token in self._tokens():
            self._take(token)
            if len(self._addresses) >= self._limits.addresses:
                break
        self._flush()
        if self._in_group:
            self._addresses.append(GROUP_END)
        self._limits.addresses -= len(self._addresses)
        return self._addresses

    def _tokens(self) -> Iterator[bytes]:
        while self._limits.tokens > 0 and (match := _TOKEN.match(self._value, self._at)):
            self._limits.tokens -= 1
            if match[0] == b"(":
                self._comment = self._skip_comment()
            else:
                self._at = match.end()
                yield match[0]

    def _skip_comment(self) -> bytes:
        """Skip a comment; one that is never closed extends to the end."""
        start = self._at + 1
        end = comment_end(self._value, self._at)
        self._at = end if end >= 0 else len(self._value)
        self._limits.tokens -= self._value.count(b"(", start, self._at)
        return self._value[start : end - 1 if end >= 0 else len(self._value)]

    def _take(self, token: bytes) -> None:
        if self._angle is not None and not self._closed:
            self._take_in_angle(token)
        elif token == b"<":
            self._angle = []
        elif token == b",":
            self._flush()
        elif token == b";":
            self._end_group()
        elif token == b":" and not self._in_group and b"@" not in self._phrase:
            self._start_group()
        elif not self._closed:
            self._phrase.append(token)

    def _take_in_angle(self, token: bytes) -> None:
        if token == b">":
            self._closed = True
        elif self._angle is not None:
            self._angle.append(token)

    def _start_group(self) -> None:
        self._addresses.append(EnvelopeAddress(None, None, _text(self._phrase) or b"", None))
        self._in_group = True
        self._clear()

    def _end_group(self) -> None:
        self._flush()
        if self._in_group:
            self._addresses.append(GROUP_END)
            self._in_group = False

    def _flush(self) -> None:
        comment = _ESCAPE.sub(rb"\1", self._comment).strip() if self._comment else None
        if self._angle is not None:
            address = _angle_address(_text(self._phrase) or comment, self._angle)
        else:
            address = _spec(comment, None, self._phrase)
        if address.mailbox or address.host or (self._angle is not None and address.name):
            self._addresses.append(address)
        self._clear()


def _angle_address(name: bytes | None, tokens: list[bytes]) -> EnvelopeAddress:
    """`[ obs-route ] addr-spec` (RFC 5322 §4.4); a route is `@a,@b:` before the address."""
    route = None
    solid = [token for token in tokens if not token.isspace()]
    if solid[:1] == [b"@"] and b":" in tokens:
        colon = tokens.index(b":")
        route = b"".join(b"".join(tokens[:colon]).split())
        tokens = tokens[colon + 1 :]
    return _spec(name, route, tokens)


def _spec(name: bytes | None, route: bytes | None, tokens: list[bytes]) -> EnvelopeAddress:
    """local-part "@" domain, divided at the last `@`. Without `@`, everything is local part."""
    if b"@" not in tokens:
        return EnvelopeAddress(name or None, route, _local_part(tokens), b"")
    at = len(tokens) - 1 - tokens[::-1].index(b"@")
    return EnvelopeAddress(name or None, route, _local_part(tokens[:at]), b"".join(b"".join(tokens[at + 1 :]).split()))


def _local_part(tokens: list[bytes]) -> bytes:
    """The words of a local part, separated by single spaces; white space around dots is removed (RFC 5322 §4.4)."""
    pieces: list[bytes] = []
    gap = False
    for token in tokens:
        if token.isspace():
            gap = bool(pieces)
            continue
        if gap and not pieces[-1].endswith(b".") and not token.startswith(b"."):
            pieces.append(b" ")
        pieces.append(_unquoted(token))
        gap = False
    return b"".join(pieces)


def _text(tokens: list[bytes]) -> bytes:
    return _SPACE.sub(b" ", b"".join(map(_unquoted, tokens))).strip()


def _unquoted(token: bytes) -> bytes:
    """The token without RFC 5322 quoting, as RFC 3501 requires for names and local parts."""
    if not token.startswith(b'"'):
        return token
    inner = token[1:-1] if len(token) > 1 and token.endswith(b'"') else token[1:]
    return _ESCAPE.sub(rb"\1", inner) if b"\\" in inner else inner


def display_pairs(addresses: list[EnvelopeAddress]) -> tuple[tuple[str, str], ...]:
    """(decoded display name, `local@domain`) of each mailbox, without group markers."""
    return tuple(
        (decode_words(address.name or b"").strip(), _spelled(address))
        for address in addresses
        if address.host is not None
    )


def group_names(addresses: list[EnvelopeAddress]) -> list[bytes]:
    """The names of the groups, raw."""
    return [address.mailbox for address in addresses if address.host is None and address.mailbox is not None]


def _spelled(address: EnvelopeAddress) -> str:
    local = address.mailbox or b""
    if address.host and local and not _DOT_ATOM.fullmatch(local):
        local = b'"%b"' % _SPECIAL.sub(rb"\\\g<0>", local)
    text = decode(local + b"@" + address.host if address.host else local)
    return text if text.isprintable() else without_controls(text)
