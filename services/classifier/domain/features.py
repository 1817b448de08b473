"""Converts a message to its features: the hashed indices that the models read, and the words of the indices."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.classifier.domain.compact import pack_set, unpack_set
from services.classifier.domain.hashing import (
    HEADER_SIZE,
    TOKEN_SIZE,
    TRIGRAM_SIZE,
    Indices,
    codes_of,
    distinct,
    encoded,
    header_indices,
    pair_codes,
    token_indices,
    trigram_indices,
)
from services.classifier.domain.header_tokens import header_tokens, subject_tokens
from services.classifier.domain.html_source import looks_like_html, read_html
from services.classifier.domain.message_view import MessageView, TextPart, view
from services.classifier.domain.strange import plain_bytes
from services.classifier.domain.token_names import NO_NAMES, TokenNames
from services.classifier.domain.url_tokens import url_tokens
from services.classifier.domain.word_bytes import read_words
from shared.protocol.message.scan import Scan

# Raised with every change of the tokens or their hash: this model cannot learn from lessons of another version.
TOKENIZER_VERSION = 1

MAX_WORDS = 2500
TRIGRAM_BYTES = 12_000


class PackedFeatures(NamedTuple):
    """Features as bytes, for a lesson: about 0.8, 0.1 and 0.9 KB for a usual mail."""

    tokens: bytes
    header: bytes
    trigrams: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The features of a message as sorted distinct indices.

    `tokens` (below 2^18) come from words, pairs of words, header, HTML and URLs. `header` (below 2^16) comes from the
    header's tokens again. `trigrams` (below 2^16) come from the bytes of the visible text. `names` is used for
    explanations only and is not stored in events.
    """

    tokens: Indices
    header: Indices
    trigrams: Indices
    names: TokenNames

    def to_bytes(self) -> PackedFeatures:
        """The indices, packed."""
        return PackedFeatures(pack_set(self.tokens), pack_set(self.header), pack_set(self.trigrams))

    @staticmethod
    def from_bytes(packed: PackedFeatures) -> "Features":
        """The features of a lesson, without words. Raises CorruptFeatures."""
        tokens, header, trigrams = packed
        return Features(
            unpack_set(tokens, TOKEN_SIZE),
            unpack_set(header, HEADER_SIZE),
            unpack_set(trigrams, TRIGRAM_SIZE),
            NO_NAMES,
        )


def features(body: bytes, scan: Scan) -> Features:
    """The features of a message.

    No input makes it raise, and its cost is bounded (48 KB of text, 2,500 words).
    """
    return features_of(view(body, scan))


def features_of(seen: MessageView) -> Features:
    """The features of a message view."""
    collected = _Collected(seen)
    codes = codes_of(collected.tokens)
    indices = token_indices(codes)
    pairs = token_indices(np.concatenate([pair_codes(codes[start:end]) for start, end in collected.runs]))
    header = np.concatenate((indices[: collected.header], pairs[: max(0, collected.runs[0][1] - 1)]))
    return Features(
        tokens=distinct(np.concatenate((indices, pairs))),
        header=header_indices(header),
        trigrams=trigram_indices(_plain_bytes(seen, collected.visible)),
        names=TokenNames(collected.tokens, indices, pairs, collected.runs),
    )


class _Collected:
    """The encoded tokens of a message, in order.

    `runs` are slices of the tokens; neighbours within a run make pairs, and the first run is the subject's. The first
    `header` tokens are those of the header. `visible` is the text that people see.
    """

    def __init__(self, seen: MessageView) -> None:
        subject = subject_tokens(seen.subject)
        self.runs = [(0, len(subject))]
        self.tokens = encoded(subject + header_tokens(seen))
        self.header = len(self.tokens)
        self._room = MAX_WORDS
        self.visible = [self._text_of(part) for part in seen.texts]
        if not self.visible:
            self.tokens.append(b"body:NONE")

    def _text_of(self, part: TextPart) -> str:
        text = part.text
        listed = list(url_tokens(text))
        if part.subtype == "html" or looks_like_html(text):
            text, markup = read_html(text)
            listed += markup
        text_words = read_words(text, self._room)
        self._room -= text_words.seen
        self.tokens += encoded(listed + text_words.shouted)
        start = len(self.tokens)
        self.tokens += text_words.words
        self.runs.append((start, len(self.tokens)))
        return text


def _plain_bytes(seen: MessageView, visible: list[str]) -> bytes:
    authors = " ".join(f"{display} <{address}>" for display, address in seen.from_[:1])
    return plain_bytes(" ".join((seen.subject, authors, *visible))[: 2 * TRIGRAM_BYTES])[:TRIGRAM_BYTES]
