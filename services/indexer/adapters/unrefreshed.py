"""Which documents a search in OpenSearch cannot see yet in their present form. What was accepted is not searchable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Unrefreshed:
    """Documents by account: those that are being written, and those that no completed refresh has covered."""

    def __init__(self) -> None:
        self._writing: dict[str, set[int]] = defaultdict(set)
        self._written: dict[str, set[int]] = defaultdict(set)
        self._covering: dict[str, set[int]] = {}

    def begin(self, account: str, documents: Iterable[int]) -> None:
        """These are about to be written."""
        self._writing[account].update(documents)

    def failed(self, account: str, documents: Iterable[int]) -> None:
        """These were not written, as far as is known."""
        self._done(account, documents)

    def written(self, account: str, documents: Iterable[int]) -> None:
        """OpenSearch has accepted these."""
        self._written[account].update(documents)
        self._done(account, documents)

    def _done(self, account: str, documents: Iterable[int]) -> None:
        self._writing[account].difference_update(documents)
        if not self._writing[account]:
            del self._writing[account]

    @property
    def count(self) -> int:
        """How many documents were accepted since the last refresh."""
        return sum(map(len, self._written.values()))

    def is_any_written(self, account: str) -> bool:
        """Whether a refresh would show more of the account."""
        return account in self._written or account in self._covering

    def of(self, account: str) -> set[int]:
        """The documents of an account that a search may not see."""
        groups = (self._writing, self._written, self._covering)
        return set().union(*(group[account] for group in groups if account in group))

    def forget(self, account: str) -> None:
        """The account was dropped."""
        for group in (self._writing, self._written, self._covering):
            group.pop(account, None)

    @contextmanager
    def covered_by_refresh(self) -> Iterator[None]:
        """A refresh runs within it: when it completes, it has covered what was accepted before it began."""
        self._covering, self._written = self._written, defaultdict(set)
        try:
            yield
        except BaseException:
            for account, documents in self._covering.items():
                self._written[account].update(documents)
            raise
        finally:
            self._covering = {}
