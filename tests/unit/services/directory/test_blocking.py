"""Which patterns come on the lists of blocked and allowed senders."""

from __future__ import annotations

import pytest

from services.directory.domain.blocking import (
    MOST_AT_ONCE,
    MOST_GLOBS_OF_ACCOUNT,
    MOST_GLOBS_OF_SERVER,
    MOST_OF_ACCOUNT,
    MOST_OF_SERVER,
    add_entries,
    canonical_patterns,
    remove_entries,
    sender_list,
)
from services.directory.domain.state import DirectoryRefused
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved


def test_patterns_are_canonical_and_each_is_there_once() -> None:
    assert canonical_patterns(["X.example", "*@x.example", "192.0.2.9/24"]) == ["*@x.example", "192.0.2.0/24"]
    with pytest.raises(DirectoryRefused, match="'@': give an address"):
        canonical_patterns(["a.example", "@"])
    for texts in ([], ["x.example"] * (MOST_AT_ONCE + 1)):
        with pytest.raises(DirectoryRefused, match="1 to 500"):
            canonical_patterns(texts)


def test_only_what_is_new_is_added() -> None:
    present = {"*@x.example": "block"}
    events = add_entries("a1", "block", ["*@x.example", "bob@y.example"], present, 1, 0)
    assert events == [BlockingEntriesAdded("a1", "block", ("bob@y.example",))]
    assert add_entries("a1", "block", ["*@x.example"], present, 1, 0) == []


def test_a_pattern_is_on_one_list_and_networks_are_only_blocked() -> None:
    with pytest.raises(DirectoryRefused, match="mailfold block remove"):
        add_entries("", "allow", ["*@x.example"], {"*@x.example": "block"}, 1, 0)
    with pytest.raises(DirectoryRefused, match="only blocked"):
        add_entries("", "allow", ["192.0.2.0/24"], {}, 0, 0)
    assert add_entries("", "block", ["192.0.2.0/24"], {}, 0, 0)
    with pytest.raises(DirectoryRefused, match="no list 'grey'"):
        sender_list("grey")


@pytest.mark.parametrize(
    ("account", "most", "globs"),
    [("", MOST_OF_SERVER, MOST_GLOBS_OF_SERVER), ("a1", MOST_OF_ACCOUNT, MOST_GLOBS_OF_ACCOUNT)],
)
def test_lists_have_a_limit(account: str, most: int, globs: int) -> None:
    assert add_entries(account, "block", ["*@x.example"], {}, most - 1, globs)
    with pytest.raises(DirectoryRefused, match=f"at most {most:,} patterns"):
        add_entries(account, "block", ["*@x.example"], {}, most, 0)
    assert add_entries(account, "block", ["b?b@x.example"], {}, 0, globs - 1)
    with pytest.raises(DirectoryRefused, match=f"at most {globs} patterns with wildcards"):
        add_entries(account, "block", ["b?b@x.example"], {}, 0, globs)


def test_only_what_is_on_the_list_is_removed() -> None:
    present = {"*@x.example": "block"}
    assert remove_entries("", "block", ["*@x.example"], present) == [
        BlockingEntriesRemoved("", "block", ("*@x.example",))
    ]
    for name in ("allow", "block"):
        with pytest.raises(DirectoryRefused, match="not on the list"):
            remove_entries("", "allow" if name == "allow" else "block", ["*@x.example", "b@y.example"], present)
