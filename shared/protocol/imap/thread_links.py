"""Parents and children of messages while threads are found; nodes are numbers, and no link ever closes a ring."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.long_sort import long_sorted

Node = int
Date = tuple[int, int]
"""The sort key of a node: the sent date, then the number."""
_MOST_STEPS = 5_000_000
"""Steps upwards that are taken in all to look for rings; behind them a link that might close one is left out."""


class ThreadLinks:
    """The links of a mailbox: the first `messages` nodes are messages, later ones are dummies (RFC 5256 §3)."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self.parent: list[Node | None] = [None] * messages
        self.children: list[list[Node]] = [[] for _ in range(messages)]
        self._group = list(range(messages))
        """A forest of nodes that were ever in one thread: nodes of two groups are never in one."""
        self._steps_left = _MOST_STEPS
        self._gone: set[Node] = set()

    @property
    def size(self) -> int:
        """The number of nodes."""
        return len(self.parent)

    def is_dummy(self, node: Node) -> bool:
        """Whether a node is no message of the mailbox."""
        return node >= self._messages

    def new_dummy(self) -> Node:
        """A further node."""
        self.parent.append(None)
        self.children.append([])
        self._group.append(self.size - 1)
        return self.size - 1

    def link_if_free(self, parent: Node, child: Node) -> None:
        """Link a child that has no parent yet, unless a ring would close."""
        if self.parent[child] is None and not self._is_below(parent, child):
            self._link(parent, child)

    def relink(self, parent: Node, child: Node) -> None:
        """Link a child in the place of an earlier parent, unless a ring would close; then it has none (step 1B)."""
        if self.parent[child] == parent:
            return
        self.cut(child)
        if not self._is_below(parent, child):
            self._link(parent, child)

    def adopt(self, parent: Node, child: Node) -> None:
        """Make a root the last child of a node of another thread."""
        self._link(parent, child)

    def give_children(self, giver: Node, taker: Node) -> None:
        """Move all children of a dummy to another node; the dummy is gone."""
        for child in self.children[giver]:
            self.parent[child] = taker
        self.children[taker].extend(self.children[giver])
        self._remove(giver)

    def cut(self, child: Node) -> None:
        """Make a node a root. Up to `prune` its former parent, which may have very many children, lists it still."""
        self.parent[child] = None

    def roots(self) -> list[Node]:
        """The nodes without a parent."""
        return [node for node in range(self.size) if self.parent[node] is None and node not in self._gone]

    def upwards(self) -> Iterator[Node]:
        """All nodes, each after its children."""
        order = self.roots()
        for node in order:  # it grows meanwhile
            order.extend(self.children[node])
        return reversed(order)

    def prune(self) -> None:
        """Remove dummies without children, and others whose children can take their place (step 3)."""
        for node in range(self.size):
            if self.parent[node] is None or not self.is_dummy(node):
                self.children[node] = self._nearest(node)
        for node in range(self._messages, self.size):
            if self.parent[node] is None and len(self.children[node]) <= 1:
                for child in self.children[node]:
                    self.parent[child] = None
                self._remove(node)

    def _nearest(self, top: Node) -> list[Node]:
        """The messages below a node with nothing but dummies between; the dummies are gone, and each is met once."""
        nearest: list[Node] = []
        waiting = [(top, child) for child in reversed(self.children[top])]
        while waiting:
            parent, node = waiting.pop()
            if self.parent[node] != parent or node in self._gone:  # it was cut off here
                continue
            if self.is_dummy(node):
                waiting.extend([(node, child) for child in reversed(self.children[node])])
                self._remove(node)
            else:
                nearest.append(node)
        for node in nearest:
            self.parent[node] = top
        return list(dict.fromkeys(nearest))

    def _remove(self, dummy: Node) -> None:
        self.children[dummy] = []
        self._gone.add(dummy)

    def order_children(self, date_of: Callable[[Node], Date]) -> None:
        """Sort the children of every node by their dates (step 6)."""
        for node, children in enumerate(self.children):
            if len(children) > 1:
                self.children[node] = long_sorted(children, key=date_of)

    def _link(self, parent: Node, child: Node) -> None:
        self.parent[child] = parent
        self.children[parent].append(child)
        self._group[self._group_of(child)] = self._group_of(parent)

    def _group_of(self, node: Node) -> Node:
        group = self._group
        while group[node] != node:
            group[node] = group[group[node]]
            node = group[node]
        return node

    def _is_below(self, node: Node, above: Node) -> bool:
        """Whether `node` is `above` or in the thread below it."""
        if node == above:
            return True
        if not self.children[above] or self._group_of(node) != self._group_of(above):
            return False
        at: Node | None = node
        while at is not None:
            if at == above or self._steps_left <= 0:
                return True
            self._steps_left -= 1
            at = self.parent[at]
        return False
