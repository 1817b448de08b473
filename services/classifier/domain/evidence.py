"""Evidence: in how many taught messages each token occurred.

Learning adds, unlearning subtracts, and both are exact.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from services.classifier.domain.hashing import TOKEN_SIZE, Indices

Counts = npt.NDArray[np.int32]


class NotLearnt(ValueError):
    """A lesson to be unlearned was never counted.

    So the counts do not match the events, and must be rebuilt.
    """


class Seen(NamedTuple):
    """For each requested token the number of spam and ham messages with it, and the number of all spam and ham."""

    spam: npt.NDArray[np.float64]
    ham: npt.NDArray[np.float64]
    spam_seen: float
    ham_seen: float

    def without(self, is_spam: bool) -> "Seen":
        """The counts without one message that has all these tokens and this label."""
        if is_spam:
            return Seen(self.spam - 1, self.ham, self.spam_seen - 1, self.ham_seen)
        return Seen(self.spam, self.ham - 1, self.spam_seen, self.ham_seen - 1)


class Evidence(Protocol):
    """Counts of tokens."""

    def seen(self, tokens: Indices) -> Seen:
        """The counts of these tokens."""
        ...


class TokenCounts:
    """Counts of all 2^18 tokens (2 MB): the evidence of the shared model.

    The two counts of a token lie side by side, because look-ups are spread over the array and each costs a memory
    access.
    """

    def __init__(self) -> None:
        self._counts: Counts = np.zeros((TOKEN_SIZE, 2), np.int32)
        self.spam: Counts = self._counts[:, 0]
        self.ham: Counts = self._counts[:, 1]
        self.spam_seen = 0
        self.ham_seen = 0

    def add(self, tokens: Indices, is_spam: bool) -> None:
        """Count a message; its tokens are distinct."""
        (self.spam if is_spam else self.ham)[tokens] += 1
        self._count(is_spam, 1)

    def remove(self, tokens: Indices, is_spam: bool) -> None:
        """Remove a message from the counts. Raises NotLearnt, and changes nothing, when it cannot have been counted."""
        counts = self.spam if is_spam else self.ham
        if not (self.spam_seen if is_spam else self.ham_seen) or bool((counts[tokens] < 1).any()):
            raise NotLearnt("these features were never counted under this label")
        counts[tokens] -= 1
        self._count(is_spam, -1)

    def seen(self, tokens: Indices) -> Seen:
        """The counts of these tokens."""
        spam, ham = self._counts.take(tokens, axis=0).astype(np.float64).T
        return Seen(spam, ham, self.spam_seen, self.ham_seen)

    def _count(self, is_spam: bool, by: int) -> None:
        if is_spam:
            self.spam_seen += by
        else:
            self.ham_seen += by


class AccountCounts:
    """The counts of one account's lessons, sparse: about 8 bytes for each distinct token. They are never changed."""

    def __init__(self, lessons: Iterable[tuple[Indices, bool]]) -> None:
        by_label: tuple[list[Indices], list[Indices]] = ([], [])
        for tokens, is_spam in lessons:
            by_label[is_spam].append(tokens)
        self._ham = _Sparse(by_label[False])
        self._spam = _Sparse(by_label[True])

    def __len__(self) -> int:
        """The number of distinct tokens, those of spam plus those of ham."""
        return len(self._spam) + len(self._ham)

    @property
    def spam_seen(self) -> int:
        """Number of messages that the account taught as spam."""
        return self._spam.messages

    @property
    def ham_seen(self) -> int:
        """Number of messages that the account taught as ham."""
        return self._ham.messages

    def seen(self, tokens: Indices) -> Seen:
        """The counts of these tokens."""
        return Seen(self._spam.of(tokens), self._ham.of(tokens), self._spam.messages, self._ham.messages)


class _Sparse:
    """Sorted indices and their counts."""

    def __init__(self, messages: list[Indices]) -> None:
        self.messages = len(messages)
        everything = np.concatenate(messages) if messages else np.empty(0, np.uint32)
        self._indices, counts = np.unique(everything, return_counts=True)
        self._counts = counts.astype(np.float64)

    def __len__(self) -> int:
        return len(self._indices)

    def of(self, tokens: Indices) -> npt.NDArray[np.float64]:
        if not len(self._indices):
            return np.zeros(len(tokens))
        at = np.minimum(np.searchsorted(self._indices, tokens), len(self._indices) - 1)
        return np.where(self._indices[at] == tokens, self._counts[at], 0.0)


def blend(shared: Seen, own: Seen, weight: float) -> Seen:
    """The shared evidence, with the account's own evidence counted `weight` times in addition."""
    return Seen(
        shared.spam + weight * own.spam,
        shared.ham + weight * own.ham,
        shared.spam_seen + weight * own.spam_seen,
        shared.ham_seen + weight * own.ham_seen,
    )
