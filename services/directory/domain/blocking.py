"""Decisions about blocked and allowed senders and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.directory.domain.state import DirectoryRefused
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.eventstore.event import Event
from shared.routing.block_lists import ALLOW, BLOCK, SenderList
from shared.routing.sender_patterns import PatternError, canonical_pattern, is_literal_form, network_of_pattern

MOST_AT_ONCE: Final = 500
"""Patterns of one command, so that its event stays small."""
MOST_OF_SERVER: Final = 200_000
MOST_OF_ACCOUNT: Final = 2_000
"""Patterns on both lists together."""
MOST_GLOBS_OF_SERVER: Final = 500
MOST_GLOBS_OF_ACCOUNT: Final = 50
"""Patterns that are compared with each sender, instead of being looked up."""
_SHOWN = 100


def sender_list(text: str) -> SenderList:
    """A list by its name. Raises DirectoryRefused."""
    if text == BLOCK:
        return BLOCK
    if text == ALLOW:
        return ALLOW
    raise DirectoryRefused("invalid", f"there is no list {text[:_SHOWN]!r}; the lists are {BLOCK} and {ALLOW}")


def canonical_patterns(texts: Sequence[str]) -> list[str]:
    """Patterns in canonical form, each once. Raises DirectoryRefused."""
    if not texts or len(texts) > MOST_AT_ONCE:
        raise DirectoryRefused("invalid", f"give 1 to {MOST_AT_ONCE} patterns at once")
    patterns: dict[str, None] = {}
    for text in texts:
        try:
            patterns[canonical_pattern(text)] = None
        except PatternError as error:
            raise DirectoryRefused("invalid", f"{text[:_SHOWN]!r}: {error.reason}") from error
    return list(patterns)


def needs_comparison(pattern: str) -> bool:
    """Whether a canonical pattern is compared with each sender."""
    return network_of_pattern(pattern) is None and not is_literal_form(pattern)


def add_entries(
    account: str,
    chosen: SenderList,
    patterns: Sequence[str],
    present: Mapping[str, str],
    total: int,
    compared: int,
) -> list[Event]:
    """Put canonical patterns on a list.

    `present` has the lists of those that are on any; `total` counts all patterns of the account or the server, and
    `compared` those that need a comparison. Raises DirectoryRefused.
    """
    fresh = [pattern for pattern in patterns if pattern not in present]
    for pattern in patterns:
        if chosen == ALLOW and network_of_pattern(pattern) is not None:
            raise DirectoryRefused(
                "invalid", f"{pattern} is a network: networks are only blocked, and the allow list has senders"
            )
        other = present.get(pattern, chosen)
        if other != chosen:
            raise DirectoryRefused(
                "taken", f"{pattern} is on the other list: remove it there first (`mailfold {other} remove`)"
            )
    most = MOST_OF_ACCOUNT if account else MOST_OF_SERVER
    if total + len(fresh) > most:
        raise DirectoryRefused("invalid", f"there are at most {most:,} patterns")
    globs = MOST_GLOBS_OF_ACCOUNT if account else MOST_GLOBS_OF_SERVER
    if compared + sum(map(needs_comparison, fresh)) > globs:
        raise DirectoryRefused(
            "invalid",
            f"there are at most {globs} patterns with wildcards, besides those such as *@x.example, *@*.x.example and "
            f"bob@*",
        )
    return [BlockingEntriesAdded(account, chosen, tuple(fresh))] if fresh else []


def remove_entries(
    account: str, chosen: SenderList, patterns: Sequence[str], present: Mapping[str, str]
) -> list[Event]:
    """Remove canonical patterns from a list. Raises DirectoryRefused when it has one of them not."""
    for pattern in patterns:
        if present.get(pattern) != chosen:
            raise DirectoryRefused("missing", f"{pattern} is not on the list: `mailfold {chosen} list` shows it")
    return [BlockingEntriesRemoved(account, chosen, tuple(patterns))]
