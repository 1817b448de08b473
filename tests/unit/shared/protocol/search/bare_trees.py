"""Trees of queries without the texts that users wrote, for comparisons by words."""

from __future__ import annotations

import msgspec

from shared.protocol.search.query import AllOf, AnyOf, NoneOf, QueryTree, WordKey


def bare(tree: QueryTree) -> QueryTree:
    """The tree with the words of its keys alone."""
    if isinstance(tree, (AllOf, AnyOf, NoneOf)):
        return type(tree)(tuple(bare(part) for part in tree.parts))
    return msgspec.structs.replace(tree, text="") if isinstance(tree, WordKey) else tree
