"""A message → its features: what the models know of it, and the words behind the numbers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.classifier.domain.compact import pack_set, unpack_set
from services.classifier.domain.hashing import (
    HEADER_SIZE,
    TOKEN_SIZE,
    TRIGRAM_SIZE,
    Indices,
    distinct,
    header_indices,
    pair_codes,
    token_codes,
    token_indices,
    trigram_indices,
)
from services.classifier.domain.header_tokens import header_tokens, subject_tokens
from services.classifier.domain.html_source import looks_like_html, read_html
from services.classifier.domain.message_view import MessageView, TextPart, view
from services.classifier.domain.token_names import NO_NAMES, TokenNames
from services.classifier.domain.url_tokens import url_tokens
from services.classifier.domain.words import lower, shouted, words
from shared.protocol.message.scan import Scan

# Raised with every change of the tokens or of their hash: facts of another version teach nothing to this model.
TOKENIZER_VERSION = 1

MAX_WORDS = 2500
TRIGRAM_BYTES = 12_000

# To the trigrams all digits are one, so that no date or serial number is learnt.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")


class PackedFeatures(NamedTuple):
    """Features as bytes, for a training fact: about 0.8, 0.1 and 0.9 KB for a usual mail."""

    tokens: bytes
    header: bytes
    trigrams: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Sorted distinct indices: `tokens` (below 2^18) of words, pairs of words, header, HTML and URLs; `header` (below 2^16)
    of the header's tokens once more; `trigrams` (below 2^16) of the bytes of the visible text. `names` serves
    explanations alone and is in no fact."""

    tokens: Indices
    header: Indices
    trigrams: Indices
    names: TokenNames

    def to_bytes(self) -> PackedFeatures:
        """The indices, packed."""
        return PackedFeatures(pack_set(self.tokens), pack_set(self.header), pack_set(self.trigrams))

    @staticmethod
    def from_bytes(packed: PackedFeatures) -> "Features":
        """Features of a fact, without words. Raises CorruptFeatures."""
        tokens, header, trigrams = packed
        return Features(unpack_set(tokens, TOKEN_SIZE), unpack_set(header, HEADER_SIZE), unpack_set(trigrams, TRIGRAM_SIZE), NO_NAMES)


def features(body: bytes, scan: Scan) -> Features:
    """The features of a message. Never raises on any bytes; the cost is bounded (48 KB of text, 2,500 words)."""
    return features_of(view(body, scan))


def features_of(seen: MessageView) -> Features:
    """The features of what was seen of a message."""
    collected = _Collected(seen)
    codes = token_codes(collected.names)
    pairs, firsts = _pairs(codes, collected.runs)
    indices, pair_indices = token_indices(codes), token_indices(pairs)
    header = np.concatenate((indices[: collected.header], pair_indices[: max(0, collected.runs[0][1] - 1)]))
    return Features(
        tokens=distinct(np.concatenate((indices, pair_indices))),
        header=header_indices(header),
        trigrams=trigram_indices(_plain_bytes(seen, collected.visible)),
        names=TokenNames(collected.names, indices, pair_indices, firsts),
    )


class _Collected:
    """The tokens of a message in order. `runs` are the slices of them in which neighbours make pairs, the subject's first;
    the first `header` tokens are of the header; `visible` is the text that people see."""

    def __init__(self, seen: MessageView) -> None:
        self.names = subject_tokens(seen.subject)
        self.runs = [(0, len(self.names))]
        self.names += header_tokens(seen)
        self.header = len(self.names)
        self._room = MAX_WORDS
        self.visible = [self._read(part) for part in seen.texts]
        if not self.visible:
            self.names.append("body:NONE")

    def _read(self, part: TextPart) -> str:
        text = part.text
        self.names += url_tokens(text)
        if part.subtype == "html" or looks_like_html(text):
            text, markup = read_html(text)
            self.names += markup
        self._add_words(words(text)[: self._room])
        return text

    def _add_words(self, found: list[str]) -> None:
        self._room -= len(found)
        self.names += shouted(found)
        start = len(self.names)
        self.names += lower(found)
        self.runs.append((start, len(self.names)))


def _pairs(codes: Indices, runs: list[tuple[int, int]]) -> tuple[Indices, Indices]:
    """The codes of all pairs, and where the first of each stands."""
    pairs = [pair_codes(codes[start:end]) for start, end in runs]
    firsts = [np.arange(start, max(start, end - 1), dtype=np.uint32) for start, end in runs]
    return np.concatenate(pairs), np.concatenate(firsts)


def _plain_bytes(seen: MessageView, visible: list[str]) -> bytes:
    authors = " ".join(f"{display} <{address}>" for display, address in seen.from_[:1])
    text = " ".join((seen.subject, authors, *visible))[: 2 * TRIGRAM_BYTES]
    return " ".join(text.split()).lower().encode("utf-8", "replace")[:TRIGRAM_BYTES].translate(_DIGITS)
