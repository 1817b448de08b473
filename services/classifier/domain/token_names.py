"""The words behind the indices, for explanations alone: nothing is looked up until somebody asks why."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain.hashing import NO_INDICES, Indices


class TokenNames(NamedTuple):
    """The `tokens` of a message in order, encoded, with their `indices`; neighbours within each of `runs` (slices of
    the tokens) are pairs, whose indices are in `pairs`, run by run."""

    tokens: Sequence[bytes]
    indices: Indices
    pairs: Indices
    runs: Sequence[tuple[int, int]]

    def find(self, sought: Indices) -> list[str | None]:
        """For each of these indices the first token, else the first pair of words, that has it."""
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
    """The token with which the pair begins that comes after so many others."""
    for start, end in runs:
        here = max(0, end - start - 1)
        if pairs < here:
            yield start + pairs
        pairs -= here


def _first_places(indices: Indices, sought: Indices) -> list[int]:
    """Where each of the wanted stands first; -1: nowhere."""
    if not len(indices):
        return [-1] * len(sought)
    equal = indices == sought[:, None]
    places = equal.argmax(axis=1)
    return [place if there else -1 for place, there in zip(places.tolist(), equal.max(axis=1).tolist(), strict=True)]


NO_NAMES = TokenNames((), NO_INDICES, NO_INDICES, ())
