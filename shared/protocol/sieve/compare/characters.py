"""Values as characters for `:matches` with `i;unicode-casemap`: a `?` is a character, whatever its case and form."""

from __future__ import annotations

import unicodedata

from shared.protocol.sieve.compare.comparator import fold_character
from shared.protocol.sieve.compare.glob import Glob, Span, compile_glob


class FoldedValue:
    """A value with its folded text, of which the spans lead back to the value's own characters."""

    __slots__ = ("_offsets", "_text", "folded")

    def __init__(self, value: bytes) -> None:
        self._text = unicodedata.normalize("NFC", value.decode("utf-8", "surrogateescape"))
        pieces = list(map(fold_character, self._text))
        self.folded = "".join(pieces)
        self._offsets: list[int] | None = None
        if len(self.folded) != len(self._text):
            self._offsets = [index for index, piece in enumerate(pieces) for _ in piece] + [len(self._text)]

    def original(self, span: Span) -> bytes:
        """The part of the value that a span of the folded text stands for."""
        start, end = span
        if self._offsets is not None:
            start, end = self._offsets[start], self._offsets[end]
        return self._text[start:end].encode("utf-8", "surrogateescape")


def compile_folded_glob(pattern: bytes) -> Glob[str]:
    """The pattern, folded like the values."""
    return compile_glob(FoldedValue(pattern).folded)
