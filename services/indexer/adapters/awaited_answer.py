"""A thread that works for an answer stops when nobody waits for the answer any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.indexer.domain.engine import IndexUnavailable


class AwaitedAnswer:
    """Whether somebody waits for an answer. A caller that was cancelled, as at its deadline, does not."""

    def __init__(self) -> None:
        self._is_awaited = True

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """The answer is awaited within it."""
        try:
            yield
        finally:
            self._is_awaited = False

    def check(self) -> None:
        """Called by the thread from time to time. Raises IndexUnavailable when it is to stop."""
        if not self._is_awaited:
            raise IndexUnavailable("nobody waits for the answer any more")
