"""The address list of a header field (RFC 5322 §3.4, §4.4): groups, comments, display names and obsolete forms.

It is tolerant: it reads what it can and reports the pieces it cannot read, so that a check of the author can refuse a
field that another program might read differently. The time is linear in the value; nothing recurses.
"""

import itertools
import re
from collections.abc import Iterator

import msgspec

from shared.protocol.address.address import Address, make_address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.structured import comment_end

# quoted-string, domain-literal and atom of RFC 5322 §3.2. The closing mark is optional, so that an unclosed one is read
# only once.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++)
    |(?P<atom>[^\x00-\x20()<>\[\]:;@\\,."]++)
    |(?P<special>[<>,:;@.])
    |"(?P<quoted>(?>(?:[^"\\]|\\.)*))(?P<end>"?)
    |(?P<literal>\[(?>(?:[^\[\]\\]|\\.)*)\]?)
    |(?P<comment>\()
    |(?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)
# One plain address, with or without a display name, as most From fields have. Other values take the slow way.
_COMMON = re.compile(
    r"""\s*+(?:(?:"[^"\\]*+"|[A-Za-z0-9 '=?._-]*+)[ \t]*+<(?P<angle>[^\s<>()\[\]"\\,:;@]++@[A-Za-z0-9.-]++)>
    |(?P<bare>[^\s<>()\[\]"\\,:;@]++@[A-Za-z0-9.-]++))\s*+""",
    re.VERBOSE,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])")

MAX_AUTHORS = 100
MAX_AUTHOR_CHARACTERS = 8192
"""Characters of a From that are read. No person's From comes near the limit, and a stranger must not choose the amount
of work."""
_WORDS = frozenset({"atom", "quoted"})
_Token = tuple[str, str]  # (kind, text)


class HeaderAddresses(msgspec.Struct, frozen=True):
    """The addresses of a list in order, and the pieces that cannot be read as addresses."""

    addresses: tuple[Address, ...]
    unreadable: tuple[str, ...]


def read_header_addresses(value: str) -> HeaderAddresses:
    """The addresses in the value of From, To, Cc …, including members of groups, and the pieces that cannot be read.

    Never raises.
    """
    return _read(value, len(value) + 1)


def read_authors(value: str) -> HeaderAddresses:
    """The addresses of From, Sender and similar fields.

    In a very long list the rest counts as an unreadable piece.
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
            pass  # the slow way names the error, or reads an obsolete form
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
    """The tokens of each address: those in angle brackets, or those between commas without brackets."""
    piece: list[_Token] = []
    in_angle = after_angle = False
    for token in tokens:
        kind = token[0]
        if kind == "<":  # the tokens before it were a display name
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
    """Whether an obs-route begins (obs-domain-list ":"). It starts with "@", and its commas do not end the address."""
    return in_angle and bool(piece) and piece[0][0] == "@"


def _counts(piece: list[_Token], in_angle: bool, after_angle: bool) -> bool:
    """Whether tokens count as an address.

    After an angle bracket they do only with an "@"; inside brackets even an empty list does.
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
    """obs-local-part = word *("." word).

    Additional dots are kept, because real addresses have them; two words without a dot are an error.
    """
    was_word = False
    for kind, _ in tokens:
        is_word = kind in words
        if kind != "." and (not is_word or was_word):
            raise AddressError("the address has a character out of place")
        was_word = is_word
    return "".join(text for _, text in tokens)
