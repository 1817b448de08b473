"""The answer of THREAD (RFC 5256 §4): `(2)(3 6 (4 23)(44 7 96))`."""

from __future__ import annotations

from collections.abc import Iterator

from shared.protocol.imap.thread_links import Node
from shared.protocol.imap.threading import ThreadForest

_PARTS_A_PIECE = 4000
"""Numbers and parentheses in one piece."""


def thread_list(forest: ThreadForest) -> bytes:
    """The threads without the word THREAD; empty when there are none."""
    return b"".join(thread_pieces(forest))


def thread_pieces(forest: ThreadForest) -> Iterator[bytes]:
    """The threads in pieces, in which no number is cut; none when there are no threads.

    A node with a single child is followed by it; the threads of several children are in parentheses.
    """
    parts: list[str] = []
    for root in forest.roots:
        _write(forest, root, parts)
        if len(parts) >= _PARTS_A_PIECE:
            yield "".join(parts).encode("ascii")
            parts.clear()
    if parts:
        yield "".join(parts).encode("ascii")


def _write(forest: ThreadForest, root: Node, parts: list[str]) -> None:
    """One thread. The stack has nodes to write, and None for each parenthesis to close."""
    stack: list[Node | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            parts.append(")")
            continue
        parts.append("(")
        stack.append(None)
        stack.extend(reversed(_line(forest, node, parts)))


def _line(forest: ThreadForest, node: Node, parts: list[str]) -> list[Node]:
    """Write a node and its only children after one another; returns the children at which the thread divides."""
    separator = ""
    while True:
        number = forest.number(node)
        if number is not None:
            parts.append(f"{separator}{number}")
            separator = " "
        children = list(forest.children[node])
        if len(children) != 1:
            if children and separator:
                parts.append(separator)
            return children
        node = children[0]
