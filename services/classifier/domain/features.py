"""A message → its features: what the models know of it, and the words behind the numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.classifier.domain.compact import pack_set, unpack_set
from services.classifier.domain.hashing import (
    HEADER_SIZE,
    TOKEN_SIZE,
    TRIGRAM_SIZE,
    Indices,
    distinct,
    header_indices,
    token_indices,
    trigram_indices,
)
from services.classifier.domain.header_tokens import header_tokens
from services.classifier.domain.html_source import looks_like_html, read_html
from services.classifier.domain.message_view import MessageView, TextPart, view
from services.classifier.domain.url_tokens import url_tokens
from services.classifier.domain.words import lower, pairs, shouted, without_years, words
from shared.protocol.message.scan import Scan

# Raised with every change of the tokens or of their hash: facts of another version teach nothing to this model.
TOKENIZER_VERSION = 1

MAX_TOKENS = 4000
TRIGRAM_BYTES = 12_000

_BLANKS = re.compile(r"\s+")


class PackedFeatures(NamedTuple):
    """Features as bytes, for a training fact: about 0.8, 0.1 and 0.9 KB for a usual mail."""

    tokens: bytes
    header: bytes
    trigrams: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Sorted distinct indices: `tokens` (below 2^18) of words, pairs of words, header, HTML and URLs; `header` (below 2^16)
    of the header's tokens once more; `trigrams` (below 2^16) of the bytes of the visible text. `words` (index → token)
    serves explanations alone and is in no fact."""

    tokens: Indices
    header: Indices
    trigrams: Indices
    words: Mapping[int, str]

    def to_bytes(self) -> PackedFeatures:
        """The indices, packed."""
        return PackedFeatures(pack_set(self.tokens), pack_set(self.header), pack_set(self.trigrams))

    @staticmethod
    def from_bytes(packed: PackedFeatures) -> "Features":
        """Features of a fact, without words. Raises CorruptFeatures."""
        tokens, header, trigrams = packed
        return Features(unpack_set(tokens, TOKEN_SIZE), unpack_set(header, HEADER_SIZE), unpack_set(trigrams, TRIGRAM_SIZE), {})


def features(body: bytes, scan: Scan) -> Features:
    """The features of a message. Never raises on any bytes; the cost is bounded (48 KB of text, 4,000 tokens)."""
    return features_of(view(body, scan))


def features_of(seen: MessageView) -> Features:
    """The features of what was seen of a message."""
    tokens = dict.fromkeys(header_tokens(seen))
    header_count = len(tokens)
    visible = [_read_text(part, tokens) for part in seen.texts]
    if not visible:
        tokens["body:NONE"] = None
    names = list(tokens)[:MAX_TOKENS]
    indices = token_indices(names)
    return Features(
        tokens=distinct(indices),
        header=header_indices(indices[:header_count]),
        trigrams=trigram_indices(_plain_bytes(seen, visible)),
        words=dict(zip(indices.tolist(), names, strict=True)),
    )


def _read_text(part: TextPart, tokens: dict[str, None]) -> str:
    """Add the tokens of a text part, give its visible text."""
    text = part.text
    tokens.update(dict.fromkeys(url_tokens(text)))
    if part.subtype == "html" or looks_like_html(text):
        text, markup = read_html(text)
        tokens.update(dict.fromkeys(markup))
    text = without_years(text)
    found = words(text)
    lowered = lower(found)
    tokens.update(dict.fromkeys(lowered))
    tokens.update(dict.fromkeys(shouted(found, lowered)))
    tokens.update(dict.fromkeys(pairs(lowered)))
    return text


def _plain_bytes(seen: MessageView, visible: list[str]) -> bytes:
    authors = " ".join(f"{display} <{address}>" for display, address in seen.from_[:1])
    text = " ".join((without_years(seen.subject), authors, *visible))[: 2 * TRIGRAM_BYTES]
    return _BLANKS.sub(" ", text).lower().encode("utf-8", "replace")[:TRIGRAM_BYTES]
