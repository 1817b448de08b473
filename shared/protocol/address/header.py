"""The address list of a header field (RFC 5322 §3.4 and §4.4): groups, comments, display names, routes and obsolete
forms.

Tolerant: what can be read is read, and what cannot is named, so that a check of the author can refuse what another
program might read otherwise. Work is linear in the length of the value; nothing recurses.
"""

import itertools
import re
from collections.abc import Iterator

import msgspec

from shared.protocol.address.address import Address, make_address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.structured import comment_end

# quoted-string, domain-literal and atom of RFC 5322 §3.2. The closing mark is optional, so that an unclosed one is read
# once and no more.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++)
    |(?P<atom>[^\x00-\x20()<>\[\]:;@\\,."]++)
    |(?P<special>[<>,:;@.])
    |"(?P<quoted>(?:[^"\\]|\\.)*+)(?P<end>"?)
    |(?P<literal>\[(?:[^\[\]\\]|\\.)*+\]?)
    |(?P<comment>\()
    |(?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)
# One plain address, with or without a display name: most From: headers. Anything else takes the long way.
_COMMON = re.compile(
    r"""\s*+(?:(?:"[^"\\]*+"|[A-Za-z0-9 '=?._-]*+)[ \t]*+<(?P<angle>[^\s<>()\[\]"\\,:;@]++@[A-Za-z0-9.-]++)>
    |(?P<bare>[^\s<>()\[\]"\\,:;@]++@[A-Za-z0-9.-]++))\s*+""",
    re.VERBOSE,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])")

MAX_AUTHORS = 100
MAX_AUTHOR_CHARACTERS = 8192
"""No From of a person comes near it, and the work is a stranger's choice."""
_WORDS = frozenset({"atom", "quoted"})
_Token = tuple[str, str]  # (kind, text)


class HeaderAddresses(msgspec.Struct, frozen=True):
    """What an address list says: its addresses in order, and the pieces that are not readable as an address."""

    addresses: tuple[Address, ...]
    unreadable: tuple[str, ...]


def parse_header_addresses(value: str) -> list[Address]:
    """The addresses of a From:, To:, Cc: … value, members of groups included. Never raises; unreadable pieces are left
    out.
    """
    return list(read_header_addresses(value).addresses)


def read_header_addresses(value: str) -> HeaderAddresses:
    """As parse_header_addresses, with the pieces that could not be read. Never raises."""
    return _read(value, len(value) + 1)


def read_authors(value: str) -> HeaderAddresses:
    """As read_header_addresses, of From, Sender and the like: of very many the rest counts as a piece that could not be
    read.
    """
    if len(value) > MAX_AUTHOR_CHARACTERS:
        return HeaderAddresses((), (value[:MAX_AUTHOR_CHARACTERS],))
    return _read(value, MAX_AUTHORS)


def _read(value: str, most: int) -> HeaderAddresses:
    match = _COMMON.fullmatch(value)
    if match is not None:
        try:
            return HeaderAddresses((parse_address(match["angle"] or match["bare"]),), ())
        except AddressError:
            pass  # the long way names what is wrong, or reads what is only obsolete
    return _read_any(value, most)


def _read_any(value: str, most: int) -> HeaderAddresses:
    addresses: list[Address] = []
    unreadable: list[str] = []
    pieces = _pieces(_tokens(value))
    for piece in itertools.islice(pieces, most):
        try:
            addresses.append(_addr_spec(piece))
        except AddressError:
            unreadable.append("".join(text for _, text in piece))
    if next(pieces, None) is not None:
        unreadable.append(f"more than {most} addresses")
    return HeaderAddresses(tuple(addresses), tuple(unreadable))


def _tokens(value: str) -> Iterator[_Token]:
    position = 0
    while (match := _TOKEN.match(value, position)) is not None:
        position = match.end()
        kind = match.lastgroup
        if kind == "comment":
            position = comment_end(value, match.start())
            if position < 0:
                yield "bad", "("
                return
        elif kind == "end":
            yield _quoted_string(match)
        elif kind is not None and kind != "space":
            yield (match[0] if kind == "special" else kind), match[0]


def _quoted_string(match: re.Match[str]) -> _Token:
    """quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS], without its quotes, escapes and folds."""
    if not match["end"]:
        return "bad", match[0]
    return "quoted", _QUOTED_PAIR.sub(r"\1", _FOLD.sub("", match["quoted"]))


def _pieces(tokens: Iterator[_Token]) -> Iterator[list[_Token]]:
    """The token lists that stand where an address stands: in angle brackets, or between commas without brackets."""
    piece: list[_Token] = []
    in_angle = after_angle = False
    for token in tokens:
        kind = token[0]
        if kind == "<":  # what stood before is a display name
            piece, in_angle = [], True
        elif kind == ">" or (kind == "," and not _is_route(piece, in_angle)) or kind == ";":
            if _counts(piece, in_angle, after_angle):
                yield piece
            piece, in_angle, after_angle = [], False, kind == ">"
        elif kind == ":":  # the end of a group's display name, or of a route (RFC 5322 §4.4), which is ignored
            piece = []
        else:
            piece.append(token)
    if _counts(piece, in_angle, after_angle):
        yield piece


def _is_route(piece: list[_Token], in_angle: bool) -> bool:
    """obs-route = obs-domain-list ":"; it starts with "@", and its commas do not end the address."""
    return in_angle and bool(piece) and piece[0][0] == "@"


def _counts(piece: list[_Token], in_angle: bool, after_angle: bool) -> bool:
    """Whether tokens claim to be an address. Behind a bracket only an "@" makes that claim; in a bracket even nothing
    does.
    """
    if after_angle:
        return any(kind == "@" for kind, _ in piece)
    return in_angle or bool(piece)


def _addr_spec(piece: list[_Token]) -> Address:
    """addr-spec = local-part "@" domain. Raises AddressError."""
    kinds = [kind for kind, _ in piece]
    if kinds.count("@") != 1:
        raise AddressError("there is no domain")
    at = kinds.index("@")
    return make_address(_dotted(piece[:at], _WORDS), _domain(piece[at + 1 :]))


def _domain(tokens: list[_Token]) -> str:
    if len(tokens) == 1 and tokens[0][0] == "literal":
        return "".join(tokens[0][1].split())
    return _dotted(tokens, frozenset({"atom"}))


def _dotted(tokens: list[_Token], words: frozenset[str]) -> str:
    """obs-local-part = word *("." word). Surplus dots are kept (real addresses have them); two words without a dot are
    no localpart.
    """
    was_word = False
    for kind, _ in tokens:
        is_word = kind in words
        if kind != "." and (not is_word or was_word):
            raise AddressError("the address has a character out of place")
        was_word = is_word
    return "".join(text for _, text in tokens)
