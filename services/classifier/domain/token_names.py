"""The words behind the indices, for explanations alone: nothing is looked up until somebody asks why."""

from typing import NamedTuple

import numpy as np

from services.classifier.domain.hashing import Indices


class TokenNames(NamedTuple):
    """`names` with their `indices` in the same order; `pairs` are the indices of names[first] and its next neighbour."""

    names: list[str]
    indices: Indices
    pairs: Indices
    firsts: Indices

    def find(self, index: int) -> str | None:
        """The token or the pair of words that has this index."""
        single = np.flatnonzero(self.indices == index)
        if len(single):
            return self.names[int(single[0])]
        pair = np.flatnonzero(self.pairs == index)
        return self._pair(int(self.firsts[pair[0]])) if len(pair) else None

    def every(self) -> list[str]:
        """All tokens and pairs."""
        return self.names + [self._pair(int(first)) for first in self.firsts]

    def _pair(self, first: int) -> str:
        return f"{self.names[first]} {self.names[first + 1]}"


_NONE = np.empty(0, np.uint32)
NO_NAMES = TokenNames([], _NONE, _NONE, _NONE)
