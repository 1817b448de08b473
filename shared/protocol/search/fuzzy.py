"""What FUZZY (RFC 6203) finds: one meaning for the word index and for reading (docs/search.md).

Each piece of the text between white space must be there, in any order: its words next to each other, the last of which
may go on. Pieces without words, such as `!`, are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from shared.protocol.search.query import SHORTEST_PREFIX
from shared.protocol.search.words import QueryWords, query_words

MOST_PIECES = 400
"""Pieces of a text."""


class FuzzyField(StrEnum):
    """Where words are looked for."""

    ANYWHERE = "anywhere"
    """Subject, addresses, body, and the names and texts of attachments."""
    SUBJECT = "subject"
    FROM = "from"
    """From, Sender and Reply-To."""
    TO = "to"
    """To, Cc and Bcc."""
    BODY = "body"
    """What BODY looks at, and the names and texts of attachments."""


_OF_HEADER = {
    "subject": FuzzyField.SUBJECT,
    "from": FuzzyField.FROM,
    "sender": FuzzyField.FROM,
    "reply-to": FuzzyField.FROM,
    "to": FuzzyField.TO,
    "cc": FuzzyField.TO,
    "bcc": FuzzyField.TO,
}


class FuzzyPiece(msgspec.Struct, frozen=True):
    """A piece of a text, and whether its last word may go on."""

    text: str
    goes_on: bool
    words: QueryWords


def fuzzy_field(header: str) -> FuzzyField | None:
    """The field for a header field of this folded name; None when only its exact text can be looked for."""
    return _OF_HEADER.get(header)


def fuzzy_pieces(text: str) -> tuple[FuzzyPiece, ...]:
    """The pieces of a text that have words; none when it has no words.

    The text must not be too long: otherwise all behind its first pieces is a single one.
    """
    return tuple(piece for piece in map(_piece, text.split(maxsplit=MOST_PIECES)) if piece.words.tokens)


def is_too_long(text: str) -> bool:
    """Whether a text has more than MOST_PIECES pieces."""
    return len(text.split(maxsplit=MOST_PIECES)) > MOST_PIECES


def _piece(text: str) -> FuzzyPiece:
    whole = query_words(text)
    goes_on = bool(whole.tokens) and len(whole.tokens[-1]) >= SHORTEST_PREFIX
    return FuzzyPiece(text, goes_on, query_words(text, prefix=goes_on))


def phrase_piece(text: str, *, is_prefix: bool) -> FuzzyPiece:
    """A text of the query language as a piece: all its words next to each other."""
    return FuzzyPiece(text, is_prefix, query_words(text, prefix=is_prefix))


def occur_fuzzily(pieces: Sequence[FuzzyPiece], texts: Sequence[str]) -> bool:
    """Whether each piece is in one of some texts, which `message_words.text_words` made."""
    padded = [f" {text} " for text in texts]
    return all(any(sought in text for text in padded) for sought in map(_sought, pieces))


def _sought(piece: FuzzyPiece) -> str:
    """What a text with a space before and behind it contains."""
    return f" {' '.join(piece.words.tokens)}" + ("" if piece.words.prefix else " ")
