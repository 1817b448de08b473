"""Lines about blocked and allowed senders and networks."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import blocking

_SHOWN = 5
"""Patterns that a line names."""


def entries_added(event: blocking.BlockingEntriesAdded, names: Names) -> Iterator[str]:
    """Patterns are on a list."""
    verb = "blocked" if event.list == "block" else "allowed"
    yield f"{_patterns(event.patterns)} {verb} for {_whose(event.account, names)}"


def entries_removed(event: blocking.BlockingEntriesRemoved, names: Names) -> Iterator[str]:
    """Patterns are on a list no more."""
    verb = "blocked" if event.list == "block" else "allowed"
    yield f"{_patterns(event.patterns)} no longer {verb} for {_whose(event.account, names)}"


def _patterns(patterns: tuple[str, ...]) -> str:
    more = f" and {len(patterns) - _SHOWN} more" if len(patterns) > _SHOWN else ""
    return ", ".join(patterns[:_SHOWN]) + more


def _whose(account: str, names: Names) -> str:
    return names.of(account) if account else "all mail"
