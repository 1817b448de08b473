"""Finds the words of indices, for explanations. Words are looked up only when a verdict is explained."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain.hashing import NO_INDICES, Indices


class TokenNames(NamedTuple):
    """The encoded tokens of a message in order, with their `indices`.

    Neighbours within each slice in `runs` are pairs; `pairs` holds the indices of the pairs, run by run.
    """

    tokens: Sequence[bytes]
    indices: Indices
    pairs: Indices
    runs: Sequence[tuple[int, int]]

    def find(self, sought: Indices) -> list[str | None]:
        """For each of these indices the first token that has it, else the first pair of words."""
        if not (len(sought) and len(self.indices)):
            return [None] * len(sought)
        singles, pairs = _first_places(self.indices, sought), _first_places(self.pairs, sought)
        return [
            self._token(single) if single >= 0 else self._pair(pair) if pair >= 0 else None
            for single, pair in zip(singles, pairs, strict=True)
        ]

    def every(self) -> list[str]:
        """All tokens and pairs."""
        return [*map(self._token, range(len(self.indices))), *map(self._pair, range(len(self.pairs)))]

    def _pair(self, number: int) -> str:
        first = next(_skipped(self.runs, number))
        return f"{self._token(first)} {self._token(first + 1)}"

    def _token(self, number: int) -> str:
        return self.tokens[number].decode()


def _skipped(runs: Sequence[tuple[int, int]], pairs: int) -> Iterator[int]:
    """The position of the first token of a pair; `pairs` is the number of pairs before it."""
    for start, end in runs:
        here = max(0, end - start - 1)
        if pairs < here:
            yield start + pairs
        pairs -= here


def _first_places(indices: Indices, sought: Indices) -> list[int]:
    """For each sought index its first position in `indices`, or -1."""
    if not len(indices):
        return [-1] * len(sought)
    equal = indices == sought[:, None]
    places = equal.argmax(axis=1)
    return [place if there else -1 for place, there in zip(places.tolist(), equal.max(axis=1).tolist(), strict=True)]


NO_NAMES = TokenNames((), NO_INDICES, NO_INDICES, ())
