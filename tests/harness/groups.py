"""Groups of tests that one worker process runs one after the other, and which groups begin first.

A group is a file, because the tests of a file share a server, or all end-to-end tests of one layout, because they share
the server of that layout. A storm is a group of its own.
"""

from __future__ import annotations

import re

_LONGEST = ("tests/chaos/", "tests/e2e/", "tests/corpus/", "tests/hostile/", "tests/interop/", "tests/integration/")
"""Folders whose groups take longest, the longest first; every other folder comes after them."""
_LAYOUT = re.compile(r"(?:small|split|compose)-(?:sqlite|postgres)")


def group_of(node_id: str) -> str:
    """The tests that one worker runs one after the other, as a name."""
    file, _, test = node_id.partition("::")
    if file.startswith("tests/chaos/"):
        return node_id
    layout = _LAYOUT.search(test) if file.startswith("tests/e2e/") else None
    return f"tests/e2e/ {layout[0]}" if layout else file


def rank_of(group: str) -> int:
    """The place of a group in the order of starts; groups of the same rank keep the order of collection."""
    return next((rank for rank, folder in enumerate(_LONGEST) if group.startswith(folder)), len(_LONGEST))
