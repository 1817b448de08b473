"""The answer of THREAD (RFC 5256 §4): `(2)(3 6 (4 23)(44 7 96))`."""

from __future__ import annotations

from shared.protocol.imap.thread_links import Node
from shared.protocol.imap.threading import ThreadForest


def thread_list(forest: ThreadForest) -> bytes:
    """The threads without the word THREAD; empty when there are none.

    A node with a single child is followed by it; the threads of several children are in parentheses.
    """
    parts: list[str] = []
    for root in forest.roots:
        _write(forest, root, parts)
    return "".join(parts).encode("ascii")


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
